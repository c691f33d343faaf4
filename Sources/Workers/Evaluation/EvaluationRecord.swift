internal import Extraction
internal import GenesysCloud
internal import Records

/// What is looked at of an evaluation; its bytes stay what they are.
struct EvaluationRecord: Sendable {
    /// The id; nil for a record without.
    let id: String?
    /// The version and the date of change as they were sent; empty for none.
    let version: String
    let changed: String
    /// The date that decides on the day, in milliseconds since 1970 UTC; nil when there is none that can be read.
    let date: Int64?
    let conversation: String?
    let evaluator: String?
    /// The evaluation that was taken back for this one.
    let retracted: String?
    /// The version of the form.
    let form: String?
    let status: String
    let isReleased: Bool
    /// When it is or was released, in milliseconds since 1970 UTC; nil where that can't be read. It may lie ahead.
    let releasedAt: Int64?
    /// Whether the vendor keeps the content back: then scores are missing, not zero.
    let isRedacted: Bool
    /// Whether it was submitted, so that its questions have scores, and says none.
    let lacksQuestionScores: Bool
    /// A hash of the whole record.
    let content: UInt64
    /// A hash of what a reader would call a change: it's the same in the listing and in the point read.
    let signature: UInt64
    /// What tells a version from all others.
    let identity: RecordIdentity

    /// Reads a record.
    ///
    /// - Parameter dates: the fields that may say to which day it belongs, the first that is there decides.
    init(_ record: RawRecord, dates: [String]) {
        id = record.string(of: "id").flatMap { $0.isEmpty ? nil : $0 }
        version =
            record.string(of: "version") ?? record.rawValue(of: "version").map { String(decoding: $0, as: UTF8.self) } ?? ""
        changed = record.string(of: "changedDate") ?? ""
        date = dates.lazy.compactMap { record.string(of: $0).flatMap { VendorTime.parse($0) } }.first
        func reference(_ key: String) -> String? {
            record.rawValue(of: key).flatMap { RawRecord(bytes: $0).string(of: "id") }
        }
        conversation = reference("conversation")
        evaluator = reference("evaluator")
        retracted = reference("retractedEvaluation")
        form = reference("evaluationForm")
        status = record.string(of: "status") ?? ""
        let released = record.string(of: "releaseDate") ?? ""
        isReleased = !released.isEmpty
        releasedAt = VendorTime.parse(released)
        isRedacted = record.rawValue(of: "redacted").map { String(decoding: $0, as: UTF8.self) == "true" } ?? false
        let answers = record.rawValue(of: "answers").map { RawRecord(bytes: $0) }
        let isSubmitted = ["FINISHED", "INREVIEW", "RETRACTED"].contains(status.uppercased())
        lacksQuestionScores = isSubmitted && !isRedacted && answers?.rawValue(of: "questionGroupScores") == nil
        content = record.contentHash
        signature = ContentHash.of(Array("\(status)\u{0}\(Self.instant(released))\u{0}\(isRedacted)".utf8))
        if let id {
            identity = RecordIdentity(digestOf: "\(id)\u{0}\(Self.number(version))\u{0}\(Self.instant(changed))".utf8)
        } else {
            // Never lost: what has no id is its own identity.
            identity = RecordIdentity(digestOf: record.bytes)
        }
    }

    /// A time as its milliseconds: the listing and the point read write the same one with and without a fraction.
    private static func instant(_ text: String) -> String { VendorTime.parse(text).map { "\($0)" } ?? text }

    /// A version's number, however it is written.
    private static func number(_ text: String) -> String {
        Double(text).flatMap { Int64(exactly: $0) }.map { "\($0)" } ?? text
    }

    /// When it was changed last, in milliseconds since 1970 UTC; the date of the day where that isn't said.
    var changedAt: Int64 { VendorTime.parse(changed) ?? date ?? Int64.min }

    /// The address of the evaluation that was taken back for this one; it is about the same conversation.
    var retractedReference: EvaluationRequest.Reference? {
        guard let retracted, let conversation else { return nil }
        return EvaluationRequest.Reference("\(conversation)/\(retracted)")
    }

    /// The address by which it is read alone.
    var reference: EvaluationRequest.Reference? {
        guard let id, let conversation else { return nil }
        return EvaluationRequest.Reference("\(conversation)/\(id)")
    }
}
