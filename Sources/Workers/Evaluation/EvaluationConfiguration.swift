public import Contracts
public import Foundation
internal import Messaging
public import Service

/// How evaluations are extracted.
public struct EvaluationConfiguration: Sendable {
    /// How evaluations are found.
    public enum Discovery: String, Sendable, CaseIterable {
        /// By evaluator: the members of the roles and the others who are known.
        case evaluators
        /// By the conversations that mention them.
        case conversations
    }

    /// Where things are in the lake.
    public var layout = LakeLayout.standard
    /// The roles whose members evaluate, by their exact names.
    public var roles = ["Quality Evaluator"]
    /// Further users who evaluate, by id.
    public var evaluators: [String] = []
    /// How evaluations are found; each finds what the other doesn't.
    public var discovery: Set<Discovery> = Set(Discovery.allCases)
    /// Whether deleted users whose roles the vendor still tells are asked for too.
    public var asksDeletedUsers = true
    /// Whether finished evaluations come with the totals of their answers.
    public var expandsAnswerTotals = true
    /// Whether every evaluation is read by itself, which alone has the scores of questions: a call each.
    public var hasQuestionScores = false
    /// The dates that say to which day an evaluation belongs: the first that it has.
    public var dayDates = ["assignedDate", "createdDate"]
    /// How much longer than the day listings are asked for at both ends, in seconds.
    public var margin: TimeInterval = 0
    /// How many days before the evaluation its conversation began at most, for finding evaluations by conversations.
    public var conversationDays = 10
    /// How far back from now conversations are asked for at most, in seconds; 0: as far as the work needs.
    public var mentionReach: TimeInterval = 0
    /// How many days a sweep looks back.
    public var sweepDays = 45
    /// Evaluations of a page, 1 to 100.
    public var pageSize = 100
    /// Calls at a time.
    public var concurrency = 8
    /// An interval that takes the vendor too long is halved down to this length, in seconds.
    public var leastWindow: TimeInterval = 900
    /// How long after its end a day is read at the earliest, in seconds, because evaluations are still assigned.
    public var settleMargin: TimeInterval = 300
    /// Whether the forms that evaluations refer to are kept.
    public var keepsForms = true
    /// The largest evaluation, bytes.
    public var maximumRecordBytes = 32 << 20
    /// Evaluations of an object.
    public var recordsPerObject = 1000

    /// A configuration with defaults for everything.
    public init() {}

    /// Reads the sections `lake` and `evaluations`:
    ///
    /// - `evaluations.roles` (`Quality Evaluator`): roles whose members evaluate, by their exact names; may be empty.
    /// - `evaluations.evaluators`: ids of further users who evaluate.
    /// - `evaluations.discovery` (`evaluators`, `conversations`): how evaluations are found.
    /// - `evaluations.deleted-users` (true): ask for deleted users whose roles the vendor still tells, too.
    /// - `evaluations.expand-answer-total-scores` (true): the totals of answers.
    /// - `evaluations.question-scores` (false): read every new version by itself, for the scores of questions.
    /// - `evaluations.day-dates` (`assignedDate`, `createdDate`): which date says to which day an evaluation belongs.
    /// - `evaluations.margin` (0s): how much longer than the day listings are asked for at both ends.
    /// - `evaluations.conversation-days` (10): how many days before its evaluation a conversation began at most.
    /// - `evaluations.mention-reach` (0s: any): how far back the vendor lets conversations be searched.
    /// - `evaluations.sweep-days` (45): how many days a sweep looks back.
    /// - `evaluations.page-size` (100), `evaluations.concurrency` (8): evaluations of a page, and calls at a time.
    /// - `evaluations.least-window` (15m): no interval is halved below this: an outage is no reason to go on.
    /// - `evaluations.settle-margin` (5m): how long after its end a day is read at the earliest.
    /// - `evaluations.forms` (true): keep the forms that evaluations refer to.
    /// - `evaluations.maximum-record` (32MiB): the largest evaluation.
    public init(_ settings: Settings) {
        let own = settings.scoped("evaluations")
        layout = LakeLayout(settings)
        roles = own.strings("roles", default: roles)
        evaluators = own.strings("evaluators", default: [])
        discovery = Self.discovery(own)
        asksDeletedUsers = own.bool("deleted-users", default: true)
        expandsAnswerTotals = own.bool("expand-answer-total-scores", default: true)
        hasQuestionScores = own.bool("question-scores", default: false)
        dayDates = own.strings("day-dates", default: dayDates)
        if dayDates.isEmpty {
            own.reject("day-dates", given: "[]", allowed: "at least one date of an evaluation, such as assignedDate")
        }
        margin = own.duration("margin", default: .zero, in: .zero ... .seconds(31 * 86_400)) / .seconds(1)
        conversationDays = own.int("conversation-days", default: conversationDays, in: 0...60)
        mentionReach =
            own.duration("mention-reach", default: .zero, in: .zero ... .seconds(3660 * 86_400)) / .seconds(1)
        sweepDays = own.int("sweep-days", default: sweepDays, in: 1...366)
        pageSize = own.int("page-size", default: pageSize, in: 1...100)
        concurrency = own.int("concurrency", default: concurrency, in: 1...64)
        leastWindow =
            own.duration("least-window", default: .seconds(leastWindow), in: .seconds(1) ... .seconds(86_400)) / .seconds(1)
        settleMargin =
            own.duration("settle-margin", default: .seconds(settleMargin), in: .zero ... .seconds(86_400)) / .seconds(1)
        keepsForms = own.bool("forms", default: true)
        maximumRecordBytes = own.byteCount("maximum-record", default: maximumRecordBytes, in: 1024...(1 << 30))
    }

    private static func discovery(_ settings: Settings) -> Set<Discovery> {
        let names = settings.strings("discovery", default: Discovery.allCases.map(\.rawValue))
        let known = names.compactMap(Discovery.init(rawValue:))
        if known.count != names.count || known.isEmpty {
            settings.reject(
                "discovery", given: names.joined(separator: ", "),
                allowed: "one or more of \(Discovery.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return Set(known)
    }
}
