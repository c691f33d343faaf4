internal import Contracts
internal import Foundation
internal import Logging
internal import ObjectStorage

/// Where the states of a data set's days are kept, and what was learned about their open rows.
struct DayStates: Sendable {
    let store: any ObjectStore
    let source: String
    let dataset: String
    let logger: Logger

    /// The kind of worker.
    private static let kind = "user-details"

    init(store: any ObjectStore, source: String, dataset: String, logger: Logger) {
        self.store = store
        self.source = source
        self.dataset = dataset
        self.logger = logger
    }

    /// All states, by day.
    func all() async throws -> [DayState] {
        var states: [DayState] = []
        let folder = StateLayout.open(of: Self.kind, source: source, dataset: dataset)
        for try await object in store.list(prefix: "\(folder)/") {
            guard let bytes = try await read(object.key, upTo: DayState.maximumBytes) else { continue }
            guard let state = DayState(bytes), state.job.source == source, state.job.dataset == dataset else {
                logger.warning("a day's state is ignored: it is damaged", metadata: ["key": "\(object.key)"])
                continue
            }
            states.append(state)
        }
        return states.sorted { ($0.job.interval?.start ?? .distantPast) < ($1.job.interval?.start ?? .distantPast) }
    }

    /// Whether a day is too long ago for its rows to be followed.
    func isForgotten(_ job: Job, at now: Date, _ configuration: UserDetailsConfiguration) -> Bool {
        guard let interval = job.interval else { return true }
        return interval.end.addingTimeInterval(configuration.carry / .seconds(1)) <= now
    }

    /// Whether a day's rows have been followed for long enough; those of history, which was extracted just now, are followed too.
    func isGivenUp(_ state: DayState, at now: Date, _ configuration: UserDetailsConfiguration) -> Bool {
        guard let interval = state.job.interval else { return true }
        let since = max(interval.end, state.since ?? .distantPast)
        return since.addingTimeInterval(configuration.carry / .seconds(1)) <= now
    }

    /// Writes a day's state.
    func write(_ state: DayState) async throws {
        try await store.put(try stateKey(state.job), bytes: state.encoded())
    }

    /// Removes a day's state: nothing is open in it.
    func remove(_ job: Job) async throws {
        try await store.delete(try stateKey(job))
    }

    /// What was learned of a day's rows: ended versions of those that it has as open ones, and rows that it doesn't have.
    func learned(_ job: Job) async throws -> [UserRow] {
        guard let bytes = try await read(try learnedKey(job), upTo: DayState.maximumBytes) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { UserRow(line: Array($0)) }
    }

    /// Adds rows to those that were learned; what has ended doesn't open again.
    func learn(_ rows: [UserRow], for job: Job) async throws {
        var known: [RowKey: UserRow] = [:]
        for row in try await learned(job) + rows {
            guard let key = row.key else { continue }
            if let present = known[key], !present.isOpen, row.isOpen { continue }
            known[key] = row
        }
        try await keep(Array(known.values), for: job)
    }

    /// Removes what the day has taken in; what was learned meanwhile stays.
    ///
    /// - Returns: whether something is left.
    func forget(_ rows: [UserRow], for job: Job) async throws -> Bool {
        let taken = Set(rows.map(\.line))
        let rest = try await learned(job).filter { !taken.contains($0.line) }
        if rest.isEmpty { try await store.delete(try learnedKey(job)) } else { try await keep(rest, for: job) }
        return !rest.isEmpty
    }

    private func keep(_ rows: [UserRow], for job: Job) async throws {
        let keyed = rows.compactMap { row in row.key.map { ($0, row.line) } }
        let sorted = keyed.sorted { ($0.0.user, $0.0.kind, $0.0.start) < ($1.0.user, $1.0.kind, $1.0.start) }
        try await store.put(try learnedKey(job), bytes: sorted.flatMap { $0.1 + [UInt8(ascii: "\n")] })
    }

    private func read(_ key: ObjectKey, upTo limit: Int) async throws -> [UInt8]? {
        do throws(ObjectStorageError) {
            return try await store.read(key, upTo: limit)
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
    }

    private func stateKey(_ job: Job) throws(ObjectStorageError) -> ObjectKey {
        try ObjectKey(
            StateLayout.open(kind: Self.kind, source: source, dataset: dataset, day: job.day ?? "none", job: job.id))
    }

    private func learnedKey(_ job: Job) throws(ObjectStorageError) -> ObjectKey {
        try ObjectKey(
            StateLayout.learned(kind: Self.kind, source: source, dataset: dataset, day: job.day ?? "none", job: job.id))
    }
}
