internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Extracts an interval with the details query; one that is too large is divided.
///
/// The vendor reaches no more than 100,000 results of a query and answers 504 where it takes too long: then the job returns the
/// halves of its interval as children. Each half keeps the conversations that start in it, so none is in both.
struct QueryExtract: Sendable {
    let work: DayWork

    private var request: ConversationRequest { work.request }
    private var configuration: ConversationConfiguration { work.configuration }

    func run() async throws -> Outcome {
        let query = try request.query(pageSize: configuration.pageSize)
        // The youngest rows still move.
        try work.wait(
            until: request.interval.end.addingTimeInterval(configuration.settleMargin), reason: "not-settled",
            message: "the interval has ended less than \(Int(configuration.settleMargin)) s ago",
            advice: "nothing to do; conversations.settle-margin says how long to wait")
        let found = try await work.output.find()
        if found?.isCurrent == true, let manifest = try await work.output.present() {
            try await work.removeParts()
            return await work.alreadyDone(manifest)
        }
        // A message that comes once more finds the parts that its day was divided into, or later ones.
        if found == nil, let parts = try await work.currentParts() { return .children(parts) }
        do {
            return .done(try await extract(query, former: found?.manifest))
        } catch let error as DayExtraction.TooManyResults {
            return try await divide(because: "results", figures: ["total-hits": error.total], fallback: nil)
        } catch let error as DayExtraction.NothingOfSomething {
            throw ExtractionFailure(
                retryBecause: "vendor-empty", message: "the vendor names \(error.total) conversations and returns none",
                advice: "nothing to do: it is asked again; the third attempt believes it")
        } catch let error as GenesysCloudError {
            switch error.kind {
            case .badRequest(.paginationTooDeep): return try await divide(because: "results", fallback: error)
            case .badRequest(.intervalTooLong): return try await divide(because: "interval", fallback: error)
            case .unavailable(status: 504) where error.retryAfter == nil || error.attempts > 1:
                // What stands isn't taken away for parts that may fail, unless the vendor goes on like that.
                let last = min(Self.attemptsBeforeDivision, work.job.maximumAttempts ?? Self.attemptsBeforeDivision)
                guard found == nil || work.context.attempt >= last else { throw error }
                return try await divide(because: "timeouts", least: configuration.leastTimeoutWindow, fallback: error)
            default: throw error
            }
        }
    }

    private func extract(_ query: ConversationDetailsQuery, former: Manifest?) async throws -> JobResult {
        let range = request.range
        let keepsAll = configuration.keepsOutside
        let isDivisible = isDivisible(least: configuration.leastWindow)
        let extraction = DayExtraction(
            client: work.client, query: query, limits: work.limits, store: work.store,
            options: PutOptions(contentType: NDJSON.contentType), concurrency: configuration.concurrency,
            maximumPasses: configuration.maximumPasses, splitAbove: isDivisible ? configuration.splitAbove : nil,
            // What takes the vendor too long does so again.
            maximumTimeouts: self.isDivisible(least: configuration.leastTimeoutWindow) ? 2 : nil,
            isOwned: { keepsAll || ConversationRecord.starts($0, in: range) },
            numberBefore: work.output.firstFreeNumber(after: former) - 1,
            key: { [names = work.names] (number) throws(ObjectStorageError) in try names.key(number) },
            // A vendor that has an outage may answer without an error; one whose totals are wrong does so each time.
            acceptsNothing: work.context.attempt >= 3,
            progress: { [context = work.context] in context.progressed($0) }, checkpoint: work.context.checkpoint,
            logger: work.context.logger)
        let result = try await extraction.run()
        if result.figures["unsettled"] == 1 {
            work.context.logger.warning(
                "pages kept shifting until the last pass; a later run of the day may find more",
                metadata: ["passes": "\(configuration.maximumPasses)"])
        }
        let published = try await work.publish(result.objects, after: former, open: result.open, figures: result.figures)
        // Once the whole stands: whoever dies in between finds it current and comes here again.
        try await work.removeParts()
        return published
    }

    /// The attempt from which on a day that is in the lake is divided for timeouts.
    private static let attemptsBeforeDivision = 3

    private func isDivisible(least: TimeInterval) -> Bool {
        DayParts.halves(of: work.job, range: request.range, least: least) != nil
    }

    /// The halves of the job as its children.
    ///
    /// - Parameter fallback: what is thrown when the interval can't be divided; nil when that was asked before.
    private func divide(
        because reason: String, least: TimeInterval? = nil, figures: [String: Int] = [:], fallback: GenesysCloudError?
    ) async throws -> Outcome {
        let least = least ?? configuration.leastWindow
        guard let halves = DayParts.halves(of: work.job, range: request.range, least: least) else {
            throw fallback.map { ExtractionFailure($0) }
                ?? ExtractionFailure(
                    reason: "vendor-result-cap", message: "\(request.interval) has too many results",
                    advice: "lower conversations.least-window")
        }
        work.context.logger.info("dividing the interval", metadata: ["reason": "\(reason)", "interval": "\(request.interval)"])
        try await work.output.discard()
        try await OpenList.remove(work.place(of: work.job.id), from: work.store)
        var figures = figures
        figures["divided-by-\(reason)"] = 1
        return .children(halves, figures: figures)
    }
}
