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

    /// Writes a day's state.
    func write(_ state: DayState) async throws {
        try await store.put(try stateKey(state.job), bytes: state.encoded())
    }

    /// Removes a day's state: nothing is open in it.
    func remove(_ job: Job) async throws {
        try await store.delete(try stateKey(job))
    }

    /// The ended versions of rows that a day has as open ones.
    func learned(_ job: Job) async throws -> [UserRow] {
        guard let bytes = try await read(try learnedKey(job), upTo: DayState.maximumBytes) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { UserRow(line: Array($0)) }
    }

    /// Adds ended versions to those that are known.
    func learn(_ rows: [UserRow], for job: Job) async throws {
        var known: [RowKey: [UInt8]] = [:]
        for row in try await learned(job) + rows { if let key = row.key { known[key] = row.line } }
        let lines = known.sorted { ($0.key.user, $0.key.kind, $0.key.start) < ($1.key.user, $1.key.kind, $1.key.start) }
        try await store.put(try learnedKey(job), bytes: lines.flatMap { $0.value + [UInt8(ascii: "\n")] })
    }

    /// Removes what was learned: the day has it.
    func forget(_ job: Job) async throws {
        try await store.delete(try learnedKey(job))
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
