internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import Logging
internal import Records

/// Reads the evaluations of several evaluators side by side, page by page.
struct EvaluatorListings: Sendable {
    let work: EvaluationWork
    /// Whether the totals of answers are asked for.
    let expandsAnswerTotals: Bool

    struct Result: Sendable {
        var figures = ListingFigures()
        /// Pages of evaluations.
        var pages = 0
        /// Evaluators whom the vendor doesn't take, with its reasons.
        var refused: [String: GenesysCloudError] = [:]
        /// Intervals that were halved.
        var halved = 0
    }

    /// One listing that is being read.
    private struct Walk: Sendable {
        let evaluator: String
        let interval: QueryInterval
        var reader: ListingReader
        /// Whether pages have come.
        var hasBegun = false
    }

    private enum Answer: Sendable {
        case page(Walk, ListingPage)
        case end(Walk)
        case tooWide(Walk, GenesysCloudError)
        case refused(Walk, GenesysCloudError)
    }

    /// Reads everything that was assigned to evaluators in an interval.
    ///
    /// - Parameter page: called with each page, one at a time; an evaluation may come twice.
    func read(
        _ evaluators: [String], _ interval: QueryInterval, page: (ListingPage) async throws -> Void
    ) async throws -> Result {
        var result = Result()
        var waiting = evaluators.reversed().map { walk($0, interval) }
        var widths = Widths()
        try await withThrowingTaskGroup(of: Answer.self) { group in
            var running = 0
            while true {
                while running < work.configuration.concurrency, let next = waiting.popLast() {
                    if !next.hasBegun, widths.isTooWide(next.interval), let halves = halves(next) {
                        waiting += [halves.1, halves.0]
                        continue
                    }
                    running += 1
                    group.addTask { try await Self.next(of: next) }
                }
                guard let answer = try await group.next() else { break }
                running -= 1
                switch answer {
                case .page(var walk, let read):
                    // A listing that has begun goes on before others begin: the less it can shift.
                    walk.hasBegun = true
                    waiting.append(walk)
                    widths.answered(walk.interval)
                    result.pages += 1
                    try await page(read)
                case .end(let walk):
                    widths.answered(walk.interval)
                    result.figures += walk.reader.figures
                case .tooWide(let walk, let error):
                    guard let halves = halves(walk) else { throw error }
                    result.figures += walk.reader.figures
                    result.halved += 1
                    widths.timedOut(walk.interval)
                    waiting += [halves.1, halves.0]
                case .refused(let walk, let error):
                    result.figures += walk.reader.figures
                    result.refused[walk.evaluator] = error
                    work.logger.warning(
                        "the vendor takes no such evaluator; what conversations mention of it is read one by one",
                        metadata: ["evaluator": "\(walk.evaluator)", "error": "\(error)"])
                }
            }
        }
        return result
    }

    /// What other evaluators' listings have shown of how long an interval the vendor answers: each needn't find it out anew. One
    /// that timed out says little, as long as others of its length were answered.
    private struct Widths {
        private var longestAnswered: Int64 = 0
        private var timeouts: [Int64: Int] = [:]

        mutating func answered(_ interval: QueryInterval) {
            longestAnswered = max(longestAnswered, Self.length(interval))
        }

        mutating func timedOut(_ interval: QueryInterval) { timeouts[Self.length(interval), default: 0] += 1 }

        func isTooWide(_ interval: QueryInterval) -> Bool {
            let length = Self.length(interval)
            guard length > longestAnswered else { return false }
            return timeouts.reduce(0) { $0 + ($1.key > longestAnswered && $1.key <= length ? $1.value : 0) } >= 3
        }

        private static func length(_ interval: QueryInterval) -> Int64 {
            interval.endMilliseconds - interval.startMilliseconds
        }
    }

    private func walk(_ evaluator: String, _ interval: QueryInterval) -> Walk {
        let query = EvaluationsQuery(
            evaluator: evaluator, interval: interval, pageSize: work.configuration.pageSize,
            expandsAnswerTotals: expandsAnswerTotals)
        let limits = RecordLimits(recordBytes: work.configuration.maximumRecordBytes)
        return Walk(
            evaluator: evaluator, interval: interval, reader: work.client.listing(query.listing, limits: limits))
    }

    /// Two walks over half of the interval each; both begin anew, since a listing is no snapshot.
    private func halves(_ walk: Walk) -> (Walk, Walk)? {
        guard Double(walk.interval.endMilliseconds - walk.interval.startMilliseconds) > work.configuration.leastWindow * 1000,
            let halves = walk.interval.halves
        else { return nil }
        return (self.walk(walk.evaluator, halves.0), self.walk(walk.evaluator, halves.1))
    }

    private static func next(of walk: Walk) async throws -> Answer {
        var walk = walk
        do {
            guard let page = try await walk.reader.next() else { return .end(walk) }
            return .page(walk, page)
        } catch let error as GenesysCloudError {
            switch error.kind {
            case .unavailable(status: 504), .badRequest(.intervalTooLong), .badRequest(.paginationTooDeep):
                return .tooWide(walk, error)
            // Whoever was deleted or never was one must not end the day of all others.
            case .notFound, .badRequest(.other): return .refused(walk, error)
            case .credentials, .permission, .throttled, .unavailable, .badAnswer, .transport: throw error
            }
        }
    }
}

/// Who was asked for evaluations, and what came of it.
struct AskedEvaluators: Sendable {
    private(set) var all: Set<String> = []
    private(set) var refused: [String: GenesysCloudError] = [:]
    /// Pages of evaluations that came.
    private(set) var pages = 0

    /// Those who weren't asked yet, in order; from now on they were.
    mutating func take(_ evaluators: some Sequence<String>) -> [String] {
        Set(evaluators).subtracting(all).sorted().filter { all.insert($0).inserted }
    }

    /// Takes in what came of asking.
    ///
    /// - Parameter isOnlyWay: whether evaluations are found in no other way.
    /// - Throws: `ExtractionFailure`, reason `evaluators-refused`, when the vendor gives everybody the same refusal: then the
    ///   question is wrong, and going on would make of it an empty day.
    mutating func add(_ result: EvaluatorListings.Result, isOnlyWay: Bool) throws(ExtractionFailure) {
        pages += result.pages
        refused.merge(result.refused) { $1 }
        try check(isOnlyWay: isOnlyWay)
    }

    /// Judges refusals; see ``add(_:isOnlyWay:)``.
    func check(isOnlyWay: Bool) throws(ExtractionFailure) {
        guard pages == 0, let error = refused.values.first, refused.count == all.count,
            refused.values.allSatisfy({ $0.status == 400 && $0.code == error.code }),
            // Those who left are no wrong question, as long as conversations tell what they did.
            (all.count > 1 && isOnlyWay) || error.code != "quality.query.invalid.user"
        else { return }
        throw ExtractionFailure(
            reason: "evaluators-refused",
            message: "the vendor refuses the evaluations of each of \(all.count) evaluators: \(error)",
            advice:
                "check that evaluations.roles and evaluations.evaluators name users of this organisation; if they do, report this with the vendor's message"
        )
    }
}
