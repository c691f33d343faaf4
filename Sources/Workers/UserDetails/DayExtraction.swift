internal import Contracts
internal import Extraction
internal import Foundation
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

    /// After so many pages that are the same as the one before, the vendor has no others.
    private static let endlessRepetitions = 2
    /// How long before the day a home is looked through for every row that it should have. The days right before see every row
    /// that reaches into the next one; homes of long ago are looked through for rows that end in this day, which only it tells of.
    private static let lookBack: Int64 = 3 * 86_400_000

    private let store: any ObjectStore
    /// Rows that others have adopted whose days begin earlier.
    private let adoptedBefore: Set<RowKey>
    /// Rows that earlier days have, without an end.
    private let openBefore: Set<RowKey>
    private var home: HomeDays
    private var ledger: RowLedger

    /// Rows without an end.
    private(set) var open: Set<RowKey> = []
    /// Rows that began before the day and are kept here, because theirs was never extracted or hasn't got them yet.
    private(set) var adopted: Set<RowKey> = []
    /// All rows that began before the day, the ended version where there is one. A user has one of each kind at most, or two.
    private(set) var crossing: [RowKey: UserRow] = [:]
    private(set) var figures: [String: Int] = [:]
    /// Rows of earlier days that a former run kept here.
    private var adoptedOnce: Set<RowKey> = []
    private var users: Set<RecordIdentity> = []
    private var passDuplicates = 0
    private var isPassNew = false

    init(
        client: GenesysCloudClient, store: any ObjectStore, configuration: UserDetailsConfiguration, range: QueryInterval,
        home: HomeDays, before: [DayState], ledger: RowLedger, context: JobContext
    ) {
        self.client = client
        self.store = store
        self.configuration = configuration
        self.range = range
        self.home = home
        adoptedBefore = before.reduce(into: []) { $0.formUnion($1.adopted) }
        openBefore = before.reduce(into: []) { $0.formUnion($1.open) }
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
        var hasNews = false
        var seen: Set<RecordIdentity> = []
        var last: [RecordIdentity] = []
        var repetitions = 0
        var pages = 0
        var number = 1
        while true {
            let (page, rows) = try await client.userDetailsPage(query, number: number, limits: limits) { answer in
                try await PageRows.read(answer)
            }
            listing.answered(total: page.totalHits)
            note(page)
            guard page.recordCount > 0 else { break }
            isPassNew = false
            let duplicates = passDuplicates
            try await take(rows, &seen)
            hasNews = hasNews || isPassNew
            // The page before once more, with nothing new: nothing has moved, the vendor has no such page and answers another.
            let identities = rows.users.map(\.identity)
            if identities == last, !isPassNew {
                passDuplicates = duplicates
                repetitions += 1
                figures["repeated-pages", default: 0] += 1
                if repetitions >= Self.endlessRepetitions { break }
            } else {
                repetitions = 0
                pages += 1
            }
            last = identities
            guard number < configuration.maximumPages else {
                throw ExtractionFailure(
                    retryBecause: "vendor-bad-answer",
                    message: "user details query: \(number) pages were read, and none was empty",
                    advice: "try again later; if it repeats, check that no gateway changes the requests and tell the vendor")
            }
            number += 1
        }
        return listing.endPass(
            hasNews: hasNews, hasDuplicates: passDuplicates > 0, known: users.count, distinct: seen.count, pages: pages)
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
            case .page(let page, let rows):
                note(page)
                try await take(rows, &seen)
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

    private mutating func note(_ page: RecordPage) {
        figures["pages", default: 0] += 1
        figures["vendor-bytes", default: 0] += page.bytes
    }

    private mutating func take(_ rows: PageRows, _ seen: inout Set<RecordIdentity>) async throws {
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
            guard try await ledger.keep(row.identity, row.line) == .new else { return }
            if row.isOfUser { isPassNew = true } else { figures["unidentified", default: 0] += 1 }
            return
        }
        guard key.start < range.endMilliseconds else {
            figures["outside", default: 0] += 1
            return
        }
        guard key.start < range.startMilliseconds else { return try await keep(row, key) }
        // Whose it is can only be said when everything was read.
        if let known = crossing[key] {
            guard !row.isOpen else { return }
            if known.isOpen { isPassNew = true }
        } else {
            isPassNew = true
        }
        crossing[key] = row
    }

    private mutating func keep(_ row: UserRow, _ key: RowKey) async throws {
        let identity = key.identity
        // What has ended doesn't open again: a page that was asked for earlier may come later.
        if row.isOpen, !open.contains(key), ledger.has(identity) { return }
        if try await ledger.keep(identity, row.line) != .same { isPassNew = true }
        if row.isOpen { open.insert(key) } else { open.remove(key) }
    }

    // MARK: What isn't told

    /// Takes in what was learned otherwise: ends of rows that are still open, and rows that the vendor didn't tell; how many.
    mutating func complete(_ rows: [UserRow]) async throws -> Int {
        var completed = 0
        for row in rows where try await add(row) { completed += 1 }
        return completed
    }

    /// Joins the day with what the lake has of it: what the vendor told before and doesn't tell now stays, and what has ended
    /// doesn't open again.
    mutating func merge(_ manifest: Manifest) async throws {
        let reader = ManifestRecords(store: store)
        for object in manifest.objects {
            // An object is verified when it was read to its end; only then do its lines count.
            var missing: [UserRow] = []
            try await reader.read(object) { line in
                let row = UserRow(stored: Array(line))
                if isMissing(row) { missing.append(row) }
            }
            for row in missing where try await add(row) { figures["kept", default: 0] += 1 }
            context.progressed(["kept": figures["kept"] ?? 0, "records": ledger.count])
        }
    }

    /// Whether an older row says what isn't known.
    private func isMissing(_ row: UserRow) -> Bool {
        guard let key = row.key, key.start < range.startMilliseconds else {
            guard ledger.has(row.identity) else { return true }
            return row.key.map { open.contains($0) && !row.isOpen } ?? false
        }
        return true
    }

    /// Adds an older row; whether it says what wasn't known.
    private mutating func add(_ row: UserRow) async throws -> Bool {
        guard isMissing(row) else { return false }
        guard let key = row.key else {
            _ = try await ledger.keep(row.identity, row.line)
            return true
        }
        guard key.start < range.startMilliseconds else {
            guard key.start < range.endMilliseconds else { return false }
            try await keep(row, key)
            return true
        }
        adoptedOnce.insert(key)
        if let known = crossing[key], !known.isOpen || row.isOpen { return false }
        crossing[key] = row
        return true
    }

    /// Decides which rows of earlier days are kept here: those whose day was never extracted, and those that it doesn't have.
    mutating func adopt() async throws {
        var adopting: Set<RowKey> = []
        var homes: [String: (manifest: Manifest, keys: Set<RowKey>)] = [:]
        for (key, row) in crossing where !adoptedBefore.contains(key) {
            let found = try await home.homes(of: key.start)
            if found.isEmpty {
                adopting.insert(key)
            } else if isDoubtful(key, row) {
                adopting.insert(key)
                for manifest in found { homes[manifest.job, default: (manifest, [])].keys.insert(key) }
            }
        }
        let lake = LakeRows(store: store, layout: configuration.layout)
        for home in homes.values {
            adopting.subtract(try await lake.rows(home.keys, in: home.manifest).keys)
            context.progressed(["homes": homes.count, "records": ledger.count])
        }
        for key in adopting {
            guard let row = crossing[key] else { continue }
            adopted.insert(key)
            try await keep(row, key)
        }
    }

    /// Whether it must be looked up that the day in which a row begins has it.
    private func isDoubtful(_ key: RowKey, _ row: UserRow) -> Bool {
        if openBefore.contains(key) { return false }
        if adoptedOnce.contains(key) || key.start >= range.startMilliseconds - Self.lookBack { return true }
        return row.end.map { $0 <= range.endMilliseconds } ?? false
    }

    // MARK: End

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
