internal import Contracts
internal import Foundation
public import Kafka

/// What no producer of ours would send, as job messages: random bytes, and valid jobs with something broken.
///
/// Each message follows from the seed and its number alone, so nobody has to keep what was sent: whoever reads it back makes
/// it again and compares. A few messages are broken in a way that leaves them valid jobs, and some aren't broken at all.
public struct PoisonMessages: Sendable {
    /// The header that carries a message's number.
    public static let numberHeader = "poison-number"

    /// What was done to a message.
    public enum Family: CaseIterable, Sendable {
        /// Bytes without any meaning.
        case randomBytes
        /// JSON's own characters in any order.
        case almostJSON
        /// A job with one to four flipped bits.
        case flippedBits
        /// A job with bytes that were lost, doubled or replaced.
        case editedBytes
        /// A job that breaks off.
        case truncated
        /// A job that says something twice.
        case duplicatedKey
        /// A job with lists in lists in lists, sometimes broken off.
        case nested
        /// A job with a number that no integer holds.
        case number
        /// A job with half a surrogate pair, a zero or another escape that is no text.
        case escape
        /// A job with bytes that are not UTF-8.
        case invalidUTF8
        /// A job with a very long text.
        case longText
        /// A job with headers of our own names that make no sense.
        case headers
        /// No value, no bytes, white space or JSON that is no object.
        case empty
        /// A valid job.
        case valid
    }

    /// The kind of the jobs that were broken.
    public let kind: String
    private let seed: UInt64
    private let topic: String
    private let isWithLargeOnes: Bool

    /// Messages for a topic.
    ///
    /// - Parameters:
    ///   - isWithLargeOnes: whether a few are nearly as large as a broker takes, 900 KB.
    public init(seed: UInt64, topic: String, kind: String, isWithLargeOnes: Bool = true) {
        self.seed = seed
        self.topic = topic
        self.kind = kind
        self.isWithLargeOnes = isWithLargeOnes
    }

    /// What is done to a message.
    public func family(of number: Int) -> Family {
        Family.allCases[number % Family.allCases.count]
    }

    /// The message with this number.
    public func message(_ number: Int) -> ProducerRecord {
        var chance = Chance(seed: seed &+ UInt64(bitPattern: Int64(number)) &* 0xD6E8_FEB8_6659_FD93)
        let family = family(of: number)
        let job = job(number, &chance)
        var headers = [RecordHeader(Self.numberHeader, "\(number)")]
        if family == .headers { headers += HostileParts.headers(&chance) }
        return ProducerRecord(
            topic: topic, key: HostileParts.key(job: "poison-\(number)", &chance), value: value(family, job, &chance),
            headers: headers)
    }

    /// The number of a message that comes back, from the header that it was sent with.
    public static func number(of record: ConsumerRecord) -> Int? {
        record.headers.text(of: numberHeader).flatMap { Int($0) }
    }

    private func job(_ number: Int, _ chance: inout Chance) -> [UInt8] {
        var job = Job(
            id: "poison-\(number)", kind: kind, source: "poison/main", dataset: "things", day: "2026-03-01",
            revision: chance.below(3), createdAt: Date(timeIntervalSince1970: 1_772_380_800 + Double(number)),
            parameters: .object(["page": .integer(Int64(number)), "name": .string("día \u{1F600}"), "list": .array([.null])]))
        job.maximumAttempts = chance.below(4) == 0 ? 3 : nil
        return job.message(to: TopicNames()).value
    }

    private func value(_ family: Family, _ job: [UInt8], _ chance: inout Chance) -> [UInt8]? {
        switch family {
        case .randomBytes: chance.bytes(chance.below(400))
        case .almostJSON: HostileParts.almostJSON(&chance)
        case .flippedBits: HostileParts.flipped(job, &chance)
        case .editedBytes: HostileParts.edited(job, &chance)
        case .truncated: Array(job.prefix(chance.below(job.count)))
        case .duplicatedKey: HostileParts.inserted(HostileParts.repeatedMember(&chance), into: job, &chance)
        case .nested: HostileParts.nested(job, &chance)
        case .number: HostileParts.inserted(HostileParts.numberMember(&chance), into: job, &chance)
        case .escape: HostileParts.inserted(HostileParts.escapeMember(&chance), into: job, &chance)
        case .invalidUTF8: HostileParts.invalidUTF8(job, &chance)
        case .longText: HostileParts.longText(job, mayBeLarge: isWithLargeOnes, &chance)
        case .headers: chance.below(2) == 0 ? job : chance.bytes(40)
        case .empty: HostileParts.empties[chance.below(HostileParts.empties.count)]
        case .valid: job
        }
    }
}

/// A small generator with a seed (SplitMix64), so that everything can be made again.
struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// A number from 0 to below `bound`, which must be positive.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
