/// Decides what conversations the simulated organisation has; the same values give the same bytes everywhere.
public struct ConversationData: Sendable {
    /// Scrambles everything; two seeds share no conversation id.
    public var seed: UInt64 = 1
    /// Conversations that start on each UTC day, 0 to 10,000,000.
    public var conversationsPerDay = 2_000
    /// One conversation in so many lasts one to four days; 0 for none.
    public var longEvery = 400
    /// One conversation in so many gains an evaluation 1 to 72 hours after its end; 0 for none.
    public var evaluationEvery = 25
    /// Whether an evaluation is finished and released the moment it is made, by a member of the role, and never changes.
    public var plainEvaluations = false
    /// The number of evaluators, 1 to 200.
    public var evaluators = 14
    /// One conversation in so many is changed by the nightly pipeline, at the first 03:00Z at least 48 hours after its end;
    /// 0 for none.
    public var correctionEvery = 100
    /// One conversation in so many carries awkward content; 0 for none.
    public var awkwardEvery = 20
    /// The kinds of awkward content that may come.
    public var awkward: Set<AwkwardContent> = AwkwardContent.usual {
        didSet { awkwardKinds = AwkwardContent.allCases.filter(awkward.contains) }
    }
    /// The indexes, on every day, of conversations with a very large record.
    public var hugeIndexes: Set<UInt32> = []
    /// The size of a very large record, in bytes, at least; up to 256 MiB.
    public var hugeBytes = 5_000_000

    /// The same kinds in a fixed order, since a set's order changes from run to run.
    private(set) var awkwardKinds: [AwkwardContent] = AwkwardContent.allCases.filter(AwkwardContent.usual.contains)

    /// Makes the default organisation: 2,000 conversations a day with everything that is awkward but harmless.
    public init() {}

    /// Names what is out of range, one sentence each; empty when all is well.
    var problems: [String] {
        var problems: [String] = []
        if !(0...10_000_000).contains(conversationsPerDay) {
            problems.append("conversations per day must be 0 to 10000000, not \(conversationsPerDay)")
        }
        if !(1...200).contains(evaluators) { problems.append("there must be 1 to 200 evaluators, not \(evaluators)") }
        if !(0...268_435_456).contains(hugeBytes) {
            problems.append("the size of huge records must be 0 to 268435456 bytes, not \(hugeBytes)")
        }
        return problems
    }
}

/// Content that is legal JSON and that a careless reader spoils.
public enum AwkwardContent: String, CaseIterable, Sendable {
    /// Numbers that no machine type keeps: `1e400`, `0.1000`, `12345678901234567890`, `-0.0`.
    case numbers
    /// Every escape: `\u0000`, surrogate pairs, escaped slashes, quotes, brackets and braces inside strings.
    case escapes
    /// Characters outside ASCII as raw UTF-8, in several scripts, with U+2028 and U+FEFF.
    case unicode
    /// Fields that no definition lists, nested deep, among them another `conversations` and another `totalHits`.
    case unknownFields = "unknown-fields"
    /// Values that no enumeration lists.
    case unknownEnums = "unknown-enums"
    /// Timestamps without milliseconds.
    case wholeSeconds = "whole-seconds"
    /// As few optional fields as the vendor ever sends.
    case missingFields = "missing-fields"
    /// `conversationId` as the last key, after others of that name on deeper levels.
    case keyOrder = "key-order"
    /// Spaces and tabs between tokens.
    case whitespace
    /// Line ends between tokens: the record is not one line as it is sent. Not among the usual ones.
    case newlines
    /// Escaped halves of surrogate pairs, which JSON allows and Unicode does not. Not among the usual ones.
    case loneSurrogates = "lone-surrogates"

    /// All kinds that leave a record on one line and valid Unicode.
    public static let usual: Set<AwkwardContent> = Set(allCases).subtracting([.newlines, .loneSurrogates])
}
