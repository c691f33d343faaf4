internal import Contracts
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
        /// Evaluators whom the vendor doesn't take.
        var refused: Set<String> = []
        /// Intervals that were halved.
        var halved = 0
    }

    /// One listing that is being read.
    private struct Walk: Sendable {
        let evaluator: String
        let interval: QueryInterval
        var reader: ListingReader
    }

    private enum Answer: Sendable {
        case page(Walk, ListingPage)
        case end(Walk)
        case timedOut(Walk, GenesysCloudError)
        case refused(Walk)
    }

    /// Reads everything that was assigned to evaluators in an interval.
    ///
    /// - Parameter page: called with each page, one at a time; an evaluation may come twice.
    func read(
        _ evaluators: [String], _ interval: QueryInterval, page: (ListingPage) async throws -> Void
    ) async throws -> Result {
        var result = Result()
        var waiting = evaluators.reversed().map { walk($0, interval) }
        try await withThrowingTaskGroup(of: Answer.self) { group in
            var running = 0
            while true {
                while running < work.configuration.concurrency, let next = waiting.popLast() {
                    running += 1
                    group.addTask { try await Self.next(of: next) }
                }
                guard let answer = try await group.next() else { break }
                running -= 1
                switch answer {
                case .page(let walk, let read):
                    // A listing that has begun goes on before others begin: the less it can shift.
                    waiting.append(walk)
                    try await page(read)
                case .end(let walk): result.figures += walk.reader.figures
                case .timedOut(let walk, let error):
                    guard let halves = halves(walk) else { throw error }
                    result.figures += walk.reader.figures
                    result.halved += 1
                    waiting += [halves.1, halves.0]
                case .refused(let walk):
                    result.refused.insert(walk.evaluator)
                    work.logger.warning(
                        "the vendor takes no such evaluator; conversations may still mention what is missing then",
                        metadata: ["evaluator": "\(walk.evaluator)"])
                }
            }
        }
        return result
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
        } catch let error as GenesysCloudError where error.kind == .unavailable(status: 504) {
            return .timedOut(walk, error)
        } catch let error as GenesysCloudError where error.code == "quality.query.invalid.user" {
            return .refused(walk)
        }
    }
}
