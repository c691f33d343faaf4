public import Records

/// How patiently a details job is waited for.
public struct DetailsJobPatience: Sendable, Hashable {
    /// The pause before a job is looked at the second time.
    public var firstPause: Duration
    /// The longest pause; they grow by half from one to the next.
    public var longestPause: Duration
    /// How long a job may take; then it is called off and counts as lost.
    public var longestWait: Duration
    /// How many jobs one attempt submits when the vendor loses them.
    public var submissions: Int
    /// How often results are asked for that the vendor doesn't have yet.
    public var lateResults: Int

    /// 3 s growing to 30 s, for two hours; four jobs; six times.
    public init(
        firstPause: Duration = .seconds(3), longestPause: Duration = .seconds(30), longestWait: Duration = .seconds(7200),
        submissions: Int = 4, lateResults: Int = 6
    ) {
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.longestWait = longestWait
        self.submissions = max(1, submissions)
        self.lateResults = max(1, lateResults)
    }
}

/// Runs one details job to its end: submits it, waits for it, reads its results page by page, and submits it again when the
/// vendor loses it.
///
/// The caller pulls: it asks for the next step, does what the step says, and keeps ``Progress`` where another attempt finds it.
///
/// ```swift
/// var progress = saved ?? DetailsJobRun.Progress()
/// while true {
///     switch try await run.next(&progress, read: { … }) {
///     case .submitted: save(progress)            // now: a job that nobody remembers runs in vain
///     case .page(let page, let value): keep(value); save(progress)
///     case .lost: forget(everything)             // the next step submits another job, whose pages are other ones
///     case .end: return
///     }
/// }
/// ```
public struct DetailsJobRun: Sendable {
    /// Where a run stands: small enough to be kept after every step.
    public struct Progress: Sendable, Hashable {
        /// The vendor's job; nil before it is submitted.
        public var job: String?
        /// Where the next page begins; nil for the first.
        public var cursor: String?
        /// The pages of this job that were read.
        public var pages = 0
        /// Jobs submitted so far, the present one included.
        public var submissions = 0
        /// Whether the last page was read.
        public var isAtEnd = false
        /// The earliest availability date that a page of this job named, milliseconds since 1970 UTC.
        public var dataAvailability: Int64?
        /// What the vendor did that it should not, by name; see ``DetailsJobRun``'s figures.
        public var figures: [String: Int] = [:]
        /// The cursors seen by this attempt, hashed: one that comes again ends the walk.
        var seen: Set<UInt64> = []
        /// Jobs submitted by this attempt.
        var ownSubmissions = 0
        /// Whether the results are known to be there.
        var isFulfilled = false
        /// Whether this attempt has submitted the job: then the vendor may not find it yet.
        var isFresh = false

        /// The beginning.
        public init() {}

        /// Where a former attempt stopped.
        public init(
            job: String?, cursor: String?, pages: Int, submissions: Int, isAtEnd: Bool = false, dataAvailability: Int64? = nil,
            figures: [String: Int] = [:]
        ) {
            self.job = job
            self.cursor = cursor
            self.pages = pages
            self.submissions = submissions
            self.isAtEnd = isAtEnd
            self.dataAvailability = dataAvailability
            self.figures = figures
        }

        mutating func count(_ figure: String) { figures[figure, default: 0] += 1 }

        /// Forgets the job, but not how many there were.
        mutating func forget() {
            job = nil
            cursor = nil
            pages = 0
            dataAvailability = nil
            seen = []
            isFulfilled = false
            isFresh = false
            isAtEnd = false
        }
    }

    /// What has happened.
    public enum Step<Value: Sendable>: Sendable {
        /// A job was submitted.
        case submitted
        /// A page was read; a page without records can be followed by others.
        case page(RecordPage, Value)
        /// The vendor lost the job: what was read of it must be forgotten, or met again without harm.
        case lost(DetailsJobState)
        /// Everything was read.
        case end
    }

    /// More pages than any interval has: a vendor whose cursors never end is given up.
    static let maximumPages = 90_000

    private let client: GenesysCloudClient
    private let query: DetailsJobQuery
    private let pageSize: Int
    private let limits: RecordLimits
    private let patience: DetailsJobPatience
    private let waiting: @Sendable (DetailsJobState) async -> Void

    /// A run.
    ///
    /// - Parameters:
    ///   - query: What to collect.
    ///   - pageSize: The number of records of a page; 1000 is widely used.
    ///   - limits: How large and deep a page may be.
    ///   - patience: How long to wait and how often to begin again.
    ///   - waiting: Told each time before a pause: the run is alive though no pages come.
    public init(
        client: GenesysCloudClient, query: DetailsJobQuery, pageSize: Int = 1000, limits: RecordLimits = RecordLimits(),
        patience: DetailsJobPatience = DetailsJobPatience(),
        waiting: @escaping @Sendable (DetailsJobState) async -> Void = { _ in }
    ) {
        self.client = client
        self.query = query
        self.pageSize = max(1, pageSize)
        self.limits = limits
        self.patience = patience
        self.waiting = waiting
    }

    /// Goes one step forward.
    ///
    /// The figures of `progress` count what deviated: `jobs-failed`, `jobs-cancelled`, `jobs-expired`, `jobs-absent` (lost
    /// ones), `jobs-overdue`, `submissions-repeated` (after an answer got lost), `late-results` (404 though fulfilled),
    /// `late-jobs` (404 though just submitted), `cursors-repeated`, `pages-empty`, `states-unknown`.
    ///
    /// - Parameters:
    ///   - progress: Where the run stands; changed by the step.
    ///   - read: Reads a page to its end and returns its figures and what came of it; run again when an attempt breaks off.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `read` threw. `progress` stays usable.
    public func next<Value: Sendable>(
        _ progress: inout Progress, read: @Sendable (RecordAnswer) async throws -> (RecordPage, Value)
    ) async throws -> Step<Value> {
        guard let job = progress.job else {
            progress.job = try await submit(&progress)
            progress.isFresh = true
            return .submitted
        }
        if progress.isAtEnd { return .end }
        guard progress.pages < Self.maximumPages else {
            throw GenesysCloudError(
                .badAnswer, operation: "\(query.kind.operation) job", message: "the results have no end: \(progress.pages) pages")
        }
        if !progress.isFulfilled {
            let state = try await settled(job, &progress)
            if state.isLost { return try lost(state, &progress) }
            progress.isFulfilled = true
        }
        guard let (page, value) = try await page(job, &progress, read) else { return try lost(.absent, &progress) }
        progress.pages += 1
        if page.recordCount == 0, page.cursor != nil { progress.count("pages-empty") }
        if let date = page.dataAvailability { progress.dataAvailability = min(date, progress.dataAvailability ?? date) }
        advance(to: page.cursor, &progress)
        return .page(page, value)
    }

    // MARK: Steps

    private func submit(_ progress: inout Progress) async throws -> String {
        var attempts = 0
        while true {
            do {
                let job = try await client.submitDetailsJob(query)
                progress.submissions += 1
                progress.ownSubmissions += 1
                return job
            } catch let error as GenesysCloudError where error.disposition == .retry && attempts < 3 {
                // It may run already: harmless, but it's told.
                progress.count("submissions-repeated")
                attempts += 1
                try await pause(patience.firstPause * (1 << attempts), .absent)
            }
        }
    }

    /// Waits until the job runs no more.
    private func settled(_ job: String, _ progress: inout Progress) async throws -> DetailsJobState {
        var wait = patience.firstPause
        var waited = Duration.zero
        // A job that was just submitted has nothing yet; one of a former attempt may be done.
        var isNew = progress.seen.isEmpty && progress.pages == 0 && progress.cursor == nil
        var absences = 0
        while true {
            if !isNew {
                let state = try await client.detailsJob(query.kind, id: job)
                if case .unknown = state { progress.count("states-unknown") }
                if state == .absent, progress.isFresh, absences < patience.lateResults {
                    // What was just made isn't found everywhere at once.
                    absences += 1
                    progress.count("late-jobs")
                } else if state == .fulfilled || state.isLost {
                    return state
                }
                guard waited < patience.longestWait else {
                    // It will hardly end any more; the vendor lets only a few run at a time.
                    progress.count("jobs-overdue")
                    do {
                        try await client.deleteDetailsJob(query.kind, id: job)
                    } catch let error as GenesysCloudError where error.isRefusal {
                        // It is given up all the same.
                        progress.count("deletions-refused")
                    }
                    return .cancelled
                }
                try await pause(wait, state)
            } else {
                isNew = false
                try await pause(wait, .queued)
            }
            waited += wait
            wait = min(wait * 3 / 2, patience.longestPause)
        }
    }

    /// The next page; nil when the results are gone.
    private func page<Value: Sendable>(
        _ job: String, _ progress: inout Progress, _ read: @Sendable (RecordAnswer) async throws -> (RecordPage, Value)
    ) async throws -> (RecordPage, Value)? {
        var wait = patience.firstPause / 3
        for attempt in 1...patience.lateResults {
            do {
                return try await client.detailsJobPage(
                    query.kind, id: job, cursor: progress.cursor, number: progress.pages + 1, pageSize: pageSize, limits: limits,
                    read: read)
            } catch let error as GenesysCloudError where error.kind == .notFound {
                // For a moment after its end a job's results aren't found.
                progress.count("late-results")
                if attempt < patience.lateResults { try await pause(wait, .fulfilled) }
                wait = min(wait * 2, patience.longestPause)
            } catch let error as GenesysCloudError where error.kind == .badRequest(.other) {
                // Cursors age, and jobs expire between two looks; nothing is known of how the vendor says so.
                if progress.cursor != nil { return nil }
                guard try await client.detailsJob(query.kind, id: job).isLost else { throw error }
                return nil
            }
        }
        return nil
    }

    private func advance(to cursor: String?, _ progress: inout Progress) {
        guard let cursor else {
            progress.isAtEnd = true
            return
        }
        let hash = ContentHash.of(Array(cursor.utf8))
        if let last = progress.cursor { progress.seen.insert(ContentHash.of(Array(last.utf8))) }
        if progress.seen.contains(hash) {
            progress.count("cursors-repeated")
            progress.isAtEnd = true
        } else {
            progress.cursor = cursor
            progress.seen.insert(hash)
        }
    }

    private func lost<Value: Sendable>(_ state: DetailsJobState, _ progress: inout Progress) throws -> Step<Value> {
        progress.count("jobs-\(state.name)")
        progress.forget()
        guard progress.ownSubmissions < patience.submissions else {
            throw GenesysCloudError(
                .badAnswer, operation: "\(query.kind.operation) job",
                message: "\(progress.ownSubmissions) jobs were lost; the last one is \(state)")
        }
        return .lost(state)
    }

    private func pause(_ duration: Duration, _ state: DetailsJobState) async throws {
        await waiting(state)
        // A fifth more or less, so that many runs don't come at the same moment.
        try await client.sleep(for: duration * (0.8 + 0.4 * client.random()))
    }
}
