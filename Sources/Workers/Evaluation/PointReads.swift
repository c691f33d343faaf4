internal import Extraction
internal import GenesysCloud
internal import Logging
internal import Records
internal import WorkerKit

/// An evaluation that is read by itself.
struct SingleEvaluation: Sendable {
    let reference: EvaluationRequest.Reference
    /// What a listing says of it; nil for one that only conversations or a sweep name.
    var listed: [UInt8]?
}

/// Reads evaluations one by one, several at a time, and counts what became of it.
struct PointReads: Sendable {
    /// Calls made.
    private(set) var count = 0
    /// Evaluations that the vendor doesn't have at their address.
    private(set) var missing = 0
    /// Evaluations that the client may not read.
    private(set) var forbidden = 0
    /// Evaluations that the vendor refuses for another reason.
    private(set) var refused = 0
    private var denial: GenesysCloudError?

    /// So many that are all refused may be chance.
    private static let fewReads = 3

    private enum Answer: Sendable {
        case found([UInt8])
        case missing
        case refused(GenesysCloudError)
    }

    /// Reads them all.
    ///
    /// - Parameter take: called with each and its bytes, one at a time; nil where they can't be had.
    mutating func read(
        _ evaluations: [SingleEvaluation], _ work: EvaluationWork, take: (SingleEvaluation, [UInt8]?) async throws -> Void
    ) async throws {
        var waiting = evaluations.makeIterator()
        try await withThrowingTaskGroup(of: (SingleEvaluation, Answer).self) { group in
            var running = 0
            while true {
                while running < work.configuration.concurrency, let evaluation = waiting.next() {
                    running += 1
                    group.addTask { (evaluation, try await Self.answer(evaluation.reference, work)) }
                }
                guard let (evaluation, answer) = try await group.next() else { break }
                running -= 1
                count += 1
                switch answer {
                case .found(let bytes): try await take(evaluation, bytes)
                case .missing:
                    missing += 1
                    try await take(evaluation, nil)
                case .refused(let error):
                    if case .permission = error.kind { forbidden += 1 } else { refused += 1 }
                    denial = error
                    try await take(evaluation, nil)
                }
            }
        }
    }

    /// Judges refusals when everything was read: single evaluations may lie in divisions that the client can't see, which is told;
    /// but where nothing at all could be read the permission is missing, or the question is wrong.
    ///
    /// - Parameter isPermitted: whether listings have shown that the client may see evaluations.
    /// - Throws: the vendor's refusal.
    func checkPermission(isPermitted: Bool, _ work: EvaluationWork) throws {
        guard let denial else { return }
        // Listings show that evaluations may be seen, not that they are asked for rightly.
        let isWrong = refused == count && count > Self.fewReads
        guard !isWrong, isPermitted || forbidden + refused < count else { throw denial }
        work.logger.warning(
            "evaluations that can't be read by themselves are missing, or lack what only that has",
            metadata: ["forbidden": "\(forbidden)", "refused": "\(refused)", "error": "\(denial)"])
    }

    private static func answer(_ reference: EvaluationRequest.Reference, _ work: EvaluationWork) async throws -> Answer {
        do {
            let bytes = try await work.client.evaluation(
                id: reference.evaluation, conversation: reference.conversation, expand: ["agent", "evaluator"])
            return .found(trimmed(bytes))
        } catch let error as GenesysCloudError {
            switch error.kind {
            case .notFound: return .missing
            case .permission, .badRequest: return .refused(error)
            case .credentials, .throttled, .unavailable, .badAnswer, .transport: throw error
            }
        }
    }

    /// The object without white space around it, as a listing's records are.
    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }
        guard let last = bytes.lastIndex(where: { !isSpace($0) }) else { return bytes }
        return Array(bytes[...last].drop(while: isSpace))
    }

    /// A point read with the members that only the listing has, such as `agentTeam`, behind its own; both are as they were sent.
    static func joined(_ point: [UInt8], _ listed: [UInt8]) -> [UInt8] {
        var names: Set<String> = []
        let isWhole = point.withUnsafeBytes { RecordScanner.fields(of: $0) { name, _ in names.insert(name) } }
        guard isWhole, !names.isEmpty, point.last == UInt8(ascii: "}") else { return point }
        var more: [UInt8] = []
        listed.withUnsafeBytes { bytes in
            _ = RecordScanner.fields(of: bytes) { name, value in
                guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }),
                    names.insert(name).inserted
                else { return }
                more += Array(",\"\(name)\":".utf8)
                more += value
            }
        }
        return more.isEmpty ? point : point.dropLast() + more + [UInt8(ascii: "}")]
    }
}
