internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Collects the rows of one interval, page by page.
struct DayExtraction {
    let client: GenesysCloudClient
    let configuration: UserDetailsConfiguration
    let range: QueryInterval
    let context: JobContext

    /// Users of the smallest page that is tried when the vendor times out.
    private static let smallestPage = 5

    /// Rows that others have adopted whose days begin earlier.
    let adoptedBefore: Set<RowKey>
    private var home: HomeDays
    private var ledger: RowLedger

    /// Rows without an end.
    private(set) var open: Set<RowKey> = []
    /// Rows that began before the day and are kept here, because theirs was never extracted.
    private(set) var adopted: Set<RowKey> = []
    /// All rows that began before the day; with their ended version where they have ended.
    private(set) var crossing: [RowKey: UserRow?] = [:]
    private(set) var figures: [String: Int] = [:]
    private var users: Set<RecordIdentity> = []
    private var passDuplicates = 0
    private var isPassNew = false

    init(
        client: GenesysCloudClient, configuration: UserDetailsConfiguration, range: QueryInterval, home: HomeDays,
        adoptedBefore: Set<RowKey>, ledger: RowLedger, context: JobContext
    ) {
        self.client = client
        self.configuration = configuration
        self.range = range
        self.home = home
        self.adoptedBefore = adoptedBefore
        self.ledger = ledger
        self.context = context
    }

    /// One page, taken apart; made anew for every attempt at it.
    private struct PageRows: Sendable {
        var users: [(identity: RecordIdentity, rows: [UserRow], rest: UserRow.Rest)] = []

        mutating func add(_ user: RawRecord) throws {
            var rows: [UserRow] = []
            let rest = try UserRow.read(user) { rows.append($0) }
            let id = user.string(of: "userId")
            users.append((id.map { RecordIdentity($0) } ?? RecordIdentity(digestOf: user.bytes), rows, rest))
        }

        /// Reads an answer to its end.
        static func read(_ answer: RecordAnswer) async throws -> (RecordPage, PageRows) {
            var rows = PageRows()
            var reader = answer.makeReader()
            while try await reader.next({ try rows.add($0) }) {}
            return (try reader.finish(), rows)
        }
    }

    private var limits: RecordLimits { RecordLimits(recordBytes: configuration.maximumRecordBytes) }

    // MARK: By query

    /// Passes over the pages until one brings nothing new: pages are no snapshot.
    mutating func query(_ request: String?) async throws {
        var size = configuration.pageSize
        var isSettled = false
        var passes = 0
        var listing = MovingListing()
        while !isSettled, passes < configuration.maximumPasses {
            let query = try UserDetailsTask.checked { () throws(InvalidRequestFields) in
                try UserDetailsQuery(interval: range, pageSize: size, requestBody: request)
            }
            do {
                passes += 1
                isSettled = try await pass(query, &listing)
            } catch let error as GenesysCloudError where error.status == 504 && size > Self.smallestPage {
                // A page that times out again and again is too much for the vendor: smaller ones, from the beginning.
                size = max(size / 2, Self.smallestPage)
                passes = 0
                listing = MovingListing()
                figures["shrunk-pages", default: 0] += 1
            }
        }
        figures["passes"] = passes
        figures["unsettled"] = isSettled ? 0 : 1
    }

    /// Reads pages until one is empty: the total counts users, and it moves, so it says nothing about pages.
    private mutating func pass(_ query: UserDetailsQuery, _ listing: inout MovingListing) async throws -> Bool {
        listing.beginPass()
        passDuplicates = 0
        isPassNew = false
        var seen: Set<RecordIdentity> = []
        var number = 1
        while true {
            let (page, rows) = try await client.userDetailsPage(query, number: number, limits: limits) { answer in
                try await PageRows.read(answer)
            }
            listing.answered(total: page.totalHits)
            try await take(page, rows, &seen)
            guard page.recordCount > 0 else { break }
            number += 1
        }
        return listing.endPass(hasNews: isPassNew, hasDuplicates: passDuplicates > 0, seen: seen.count)
    }

    // MARK: By job

    /// Has the vendor collect the interval, and reads the results.
    ///
    /// - Throws: `ExtractionFailure` (a snooze) when the results say that data were missing.
    mutating func job(_ request: String?) async throws {
        let query = try UserDetailsTask.checked { () throws(InvalidRequestFields) in
            try DetailsJobQuery(.users, interval: range, requestBody: request)
        }
        let checkpoint = context.checkpoint
        let context = context
        var progress = JobProgress.restored(await checkpoint.last, body: query.body)
        let former = progress.figures
        let run = DetailsJobRun(
            client: client, query: query, pageSize: configuration.jobPageSize, limits: limits,
            patience: configuration.patience
        ) { state in context.progressed(["waiting": 1, "vendor-\(state.name)": 1]) }
        var seen: Set<RecordIdentity> = []
        var isDone = false
        while !isDone {
            switch try await run.next(&progress, read: { try await PageRows.read($0) }) {
            case .submitted: await checkpoint.save(step: JobProgress.step, cursor: progress.value(query.body), forced: true)
            case .page(let page, let rows): try await take(page, rows, &seen)
            case .lost(let state):
                context.logger.notice("the vendor's job is lost; submitting another", metadata: ["state": "\(state)"])
                seen = []
            case .end: isDone = true
            }
        }
        if let available = progress.dataAvailability, available < range.endMilliseconds {
            progress.figures["truncated", default: 0] += 1
            let next = DetailsJobRun.Progress(job: nil, cursor: nil, pages: 0, submissions: 0, figures: progress.figures)
            await checkpoint.save(step: JobProgress.step, cursor: next.value(query.body), forced: true)
            throw UserDetailsTask.notAvailable(until: available, end: range.endMilliseconds, reason: "vendor-truncated")
        }
        for (name, count) in progress.figures.merging(former, uniquingKeysWith: { new, _ in new }) { figures[name] = count }
        figures["submissions"] = progress.submissions
    }

    // MARK: Rows

    private mutating func take(_ page: RecordPage, _ rows: PageRows, _ seen: inout Set<RecordIdentity>) async throws {
        figures["pages", default: 0] += 1
        figures["vendor-bytes", default: 0] += page.bytes
        for user in rows.users {
            if !seen.insert(user.identity).inserted {
                passDuplicates += 1
                figures["duplicates", default: 0] += 1
            }
            if users.insert(user.identity).inserted {
                isPassNew = true
                figures["unknown-fields", default: 0] += user.rest.unknownFields
                figures["missing-arrays", default: 0] += user.rest.missingArrays
            }
            for row in user.rows { try await take(row) }
        }
        context.progressed(["pages": figures["pages"] ?? 0, "records": ledger.count, "users": users.count])
    }

    private mutating func take(_ row: UserRow) async throws {
        guard let key = row.key else {
            // Never lost: what has no key is its own identity.
            if try await ledger.keep(RecordIdentity(digestOf: row.line), row.line) == .new {
                figures["unidentified", default: 0] += 1
            }
            return
        }
        guard key.start < range.endMilliseconds else {
            figures["outside", default: 0] += 1
            return
        }
        if key.start < range.startMilliseconds {
            let isNew = crossing[key] == nil
            if isNew || !row.isOpen { crossing[key] = .some(row.isOpen ? nil : row) }
            if adoptedBefore.contains(key) { return }
            if !adopted.contains(key) {
                guard isNew, !(try await home.isExtracted(key.start)) else { return }
                adopted.insert(key)
            }
        }
        try await keep(row, key)
    }

    private mutating func keep(_ row: UserRow, _ key: RowKey) async throws {
        let identity = key.identity
        // What has ended doesn't open again: a page that was asked for earlier may come later.
        if row.isOpen, !open.contains(key), ledger.has(identity) { return }
        if try await ledger.keep(identity, row.line) != .same { isPassNew = true }
        if row.isOpen { open.insert(key) } else { open.remove(key) }
    }

    // MARK: End

    /// Replaces rows that are still open by ended versions that were learned otherwise; how many.
    mutating func complete(_ rows: [UserRow]) async throws -> Int {
        var completed = 0
        for row in rows {
            guard let key = row.key, !row.isOpen, open.contains(key) else { continue }
            try await keep(row, key)
            completed += 1
        }
        return completed
    }

    /// The objects, each row once.
    mutating func finish() async throws -> [Manifest.Object] {
        let objects = try await ledger.finish()
        figures["records"] = objects.reduce(0) { $0 + $1.records }
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["objects"] = objects.count
        figures["users"] = users.count
        figures["open"] = open.count
        figures["adopted"] = adopted.count
        figures["carried"] = crossing.count - adopted.count
        return objects
    }

    /// Gives up what is being written.
    mutating func abandon() async { await ledger.abandon() }
}
