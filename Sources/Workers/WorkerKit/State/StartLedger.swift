internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Metrics
internal import ObjectStorage
internal import Synchronization

/// The count of starts without an end, kept where every worker of the kind can read it: one small object for each worker.
///
/// 1. A start is in the store before `begin` returns, so a run that kills the process was counted.
/// 2. Starts and hand-backs that gather while one write is under way share the next: one write at a time, whatever the load.
/// 3. A hand-back is in the store before `handBack` returns, so the next owner doesn't take it for a crash.
/// 4. Ends aren't written by themselves: the next write omits them, which comes after `tidyDelay` if nothing else asks for one.
///    A run that ended and whose outcome was not published before a crash counts as a start, for it is started again.
/// 5. A paused process may write an old ledger over that of its own successor; then one start may be forgotten, none invented.
final class StartLedger: Sendable {
    private struct State {
        var book = StartBook()
        /// Counts changes of the book.
        var changes = 0
        /// The change up to which the stored object is right.
        var stored = 0
        var isWanted = false
        var isWriting = false
        var isAdopted = false
        var isStored = false
        var isClosed = false
        var waiters: [Int: Waiter] = [:]
        /// Those that were cancelled before they waited.
        var cancelled: Set<Int> = []
        var lastTicket = 0
        var tidying: Task<Void, Never>?
        var failures = 0
        var recoveries = 0
        var learned = 0
    }

    private struct Waiter {
        let change: Int
        let continuation: CheckedContinuation<Result<Void, LedgerError>, Never>
    }

    private enum LedgerError: Error {
        case cancelled
        case store(ObjectStorageError)
    }

    /// After this long without a write, ended runs are taken out of the stored object.
    static let tidyDelay: Duration = .seconds(1)
    /// How long a hand-back and the end wait for the store.
    static let patience: Duration = .seconds(5)
    /// Ledgers that weren't written for this long are removed: their workers don't come back.
    static let retention: TimeInterval = 7 * 86_400
    /// The most ledgers that are read.
    static let maximumLedgers = 10_000

    private let store: any ObjectStore
    private let kind: String
    private let instance: String
    private let limit: Int
    private let clock: WorkerClock
    private let logger: Logger
    private let state = Mutex(State())

    /// The ledger of one worker; nothing is read or written yet.
    ///
    /// - Parameters:
    ///   - instance: what tells this worker from the others of the kind, and survives its restart.
    ///   - limit: the start that isn't made any more.
    init(
        store: any ObjectStore, kind: String, instance: String, limit: Int, clock: WorkerClock = .system, logger: Logger
    ) {
        self.store = store
        self.kind = kind
        self.instance = Self.segment(instance)
        self.limit = limit
        self.clock = clock
        self.logger = logger
    }

    /// An instance's name as part of a key; different names stay different.
    static func segment(_ name: String) -> String {
        var text = ""
        // A file's name has 255 bytes; where names of instances are longer, it is their ends that differ.
        for byte in name.utf8.suffix(80) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "."): text += text.isEmpty ? "%2e" : "."
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text.isEmpty ? "%" : text
    }

    // MARK: Reading

    /// Reads the ledgers of all workers of the kind, so that the counts of newly assigned partitions are known.
    ///
    /// The first time it also takes over what a former process of this worker left. Call it at every assignment, before the
    /// first `begin`; if it throws, the counts stay as they were.
    func recover() async throws(ObjectStorageError) {
        let (recovery, isAdopted) = state.withLock { state in
            state.recoveries += 1
            return (state.recoveries, state.isAdopted)
        }
        let own = try key
        if !isAdopted {
            let former = try await read(own)
            state.withLock { state in
                guard !state.isAdopted else { return }
                state.isAdopted = true
                guard let former else { return }
                state.isStored = true
                state.book.adopt(former)
            }
        }
        var others: [ObjectKey] = []
        let old = clock.date().addingTimeInterval(-Self.retention)
        for try await object in store.list(prefix: StateLayout.starts(of: kind) + "/") where object.key != own {
            guard object.key.text.hasSuffix(".json") else { continue }
            if let modified = object.modified, modified < old {
                await remove(object.key)
            } else if others.count < Self.maximumLedgers {
                others.append(object.key)
            }
        }
        let ledgers = try await readAll(others)
        let isComplete = state.withLock { state in
            // A recovery that began later knows more.
            guard recovery > state.learned else { return true }
            state.learned = recovery
            return state.book.learn(ledgers)
        }
        if !isComplete { logger.warning("too many starts on record; some are not looked at") }
    }

    private var key: ObjectKey {
        get throws(ObjectStorageError) { try ObjectKey(StateLayout.starts(kind: kind, instance: instance)) }
    }

    private func readAll(_ keys: [ObjectKey]) async throws(ObjectStorageError) -> [[StartPlace: StartEntry]] {
        let results = await withTaskGroup(of: Result<[StartPlace: StartEntry]?, ObjectStorageError>.self) { group in
            var results: [Result<[StartPlace: StartEntry]?, ObjectStorageError>] = []
            for (number, key) in keys.enumerated() {
                if number >= 8, let result = await group.next() { results.append(result) }
                group.addTask {
                    do throws(ObjectStorageError) { return .success(try await self.read(key)) } catch { return .failure(error) }
                }
            }
            for await result in group { results.append(result) }
            return results
        }
        var ledgers: [[StartPlace: StartEntry]] = []
        for result in results { if let ledger = try result.get() { ledgers.append(ledger) } }
        return ledgers
    }

    /// One ledger; nil when there is none, or none that this program understands.
    private func read(_ key: ObjectKey) async throws(ObjectStorageError) -> [StartPlace: StartEntry]? {
        do throws(ObjectStorageError) {
            let bytes = try await store.read(key, upTo: StartBook.maximumBytes)
            do throws(ContractError) {
                return try StartBook.decode(bytes)
            } catch {
                logger.warning("a ledger of starts is ignored", metadata: ["key": "\(key)", "error": "\(error)"])
                return nil
            }
        } catch {
            switch error.kind {
            case .notFound: return nil
            case .tooLarge:
                logger.warning("a ledger of starts is ignored", metadata: ["key": "\(key)", "error": "\(error)"])
                return nil
            default: throw error
            }
        }
    }

    private func remove(_ key: ObjectKey) async {
        do throws(ObjectStorageError) {
            try await store.delete(key)
            logger.info("ledger of a worker that is gone removed", metadata: ["key": "\(key)"])
        } catch {
            logger.debug("old ledger not removed", metadata: ["key": "\(key)", "error": "\(error)"])
        }
    }

    /// Starts of a delivery without an end that are on record, its present run aside; known without its job and at once.
    func starts(of place: StartPlace) -> Int { state.withLock { $0.book.starts(of: place) } }

    // MARK: Runs

    /// Counts a start; when it returns a number below the limit, the start is in the store and the run may begin.
    ///
    /// At the limit nothing is counted: the run doesn't begin, and needs no `end`.
    /// - Returns: which start without an end it is, from 1.
    /// - Throws: an `ObjectStorageError` when the start could not be stored, or `CancellationError`; then the start doesn't count.
    func begin(_ place: StartPlace, job: String) async throws -> Int {
        if !state.withLock({ $0.isAdopted }) { try await recover() }
        let now = Int64(clock.date().timeIntervalSince1970)
        let (start, number) = state.withLock { state -> (Int, Int?) in
            let next = state.book.next(place, job: job)
            guard next < limit else { return (next, nil) }
            state.changes += 1
            return (state.book.begin(place, job: job, now: now), state.changes)
        }
        guard let number else { return start }
        do throws(LedgerError) {
            try await write(upTo: number)
        } catch {
            // It isn't run, though its count may have been stored.
            change(isWanted: true) { $0.end(place, handedBack: true) }
            switch error {
            case .cancelled: throw CancellationError()
            case .store(let error): throw error
            }
        }
        return start
    }

    /// Notes that a run ended by itself: its outcome is about to be published.
    func end(_ place: StartPlace) {
        change(isWanted: false) { $0.end(place, handedBack: false) }
    }

    /// Notes that a run was handed back, which is no crash; earlier starts without an end still count.
    ///
    /// Returns when that is in the store, or could not be stored in time, whether the task is cancelled or not.
    func handBack(_ place: StartPlace) async {
        guard let change = change(isWanted: true, { $0.end(place, handedBack: true) }) else { return }
        if let error = await settle(change) {
            logger.warning(
                "a hand-back is not on record; it may count as a start without an end", metadata: ["error": "\(error)"])
        }
    }

    /// The partitions of which something is on record that doesn't run here: ask what the group has committed of them.
    var idlePartitions: Set<TopicPartition> { state.withLock { $0.book.idlePartitions } }

    /// Forgets starts of deliveries below the group's committed offsets, which are never delivered again.
    func committed(_ offsets: [TopicPartition: Int64]) {
        change(isWanted: false) { $0.committed(offsets) }
    }

    /// Notes that a run reached a new checkpoint: its count begins again at 1.
    func progressed(_ place: StartPlace) {
        change(isWanted: true) { $0.progressed(place) }
    }

    /// Writes the last changes, or removes the object when it says nothing any more.
    func close() async {
        let change = state.withLock { state -> Int? in
            state.isClosed = true
            state.tidying?.cancel()
            guard state.isStored || state.stored < state.changes else { return nil }
            state.changes += 1
            return state.changes
        }
        guard let change else { return }
        if let error = await settle(change) {
            logger.warning("the ledger of starts could not be closed", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Writing

    /// Callers that wait for a write.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Changes the book; returns the change's number, or nil when nothing changed.
    @discardableResult
    private func change(isWanted: Bool, _ body: (inout StartBook) -> Bool) -> Int? {
        let (change, starts) = state.withLock { state -> (Int?, Bool) in
            guard body(&state.book) else { return (nil, false) }
            state.changes += 1
            guard isWanted else {
                tidyLater(&state)
                return (state.changes, false)
            }
            state.isWanted = true
            return (state.changes, Self.startsWriting(&state))
        }
        if starts { beginWriting() }
        return change
    }

    private static func startsWriting(_ state: inout State) -> Bool {
        guard !state.isWriting else { return false }
        state.isWriting = true
        return true
    }

    /// Not a child of anybody: who asked for the write may be cancelled, the others who share it are not. It ends when nothing
    /// is left to write, which `close` waits for.
    private func beginWriting() { Task { await self.writeAll() } }

    /// Waits until a change is stored, though the task is cancelled, but not longer than `patience`; nil when it was.
    private func settle(_ change: Int) async -> String? {
        let wait = Task { () -> String? in
            do throws(LedgerError) {
                try await write(upTo: change)
                return nil
            } catch {
                switch error {
                case .cancelled: return "the store didn't take it within \(Self.patience)"
                case .store(let error): return error.description
                }
            }
        }
        let guardian = Task {
            do { try await clock.sleep(Self.patience) } catch { return }
            wait.cancel()
        }
        defer { guardian.cancel() }
        return await wait.value
    }

    /// Waits until a change is stored or the task is cancelled.
    private func write(upTo change: Int) async throws(LedgerError) {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (starts, isCancelled) = state.withLock { state -> (Bool, Bool) in
                    if state.cancelled.remove(ticket) != nil { return (false, true) }
                    state.waiters[ticket] = Waiter(change: change, continuation: continuation)
                    return (Self.startsWriting(&state), false)
                }
                if isCancelled { continuation.resume(returning: .failure(.cancelled)) }
                if starts { beginWriting() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: ticket)
                if waiter == nil { state.cancelled.insert(ticket) }
                return waiter
            }
            waiter?.continuation.resume(returning: .failure(.cancelled))
        }
        state.withLock { _ = $0.cancelled.remove(ticket) }
        try result.get()
    }

    private struct Write {
        let change: Int
        /// Nil to remove the object.
        let bytes: [UInt8]?
    }

    private func writeAll() async {
        while let write = nextWrite() {
            let result = await put(write)
            let done = state.withLock { state in
                switch result {
                case .success:
                    state.stored = write.change
                    state.isStored = write.bytes != nil
                    state.failures = 0
                case .failure:
                    state.failures += 1
                    tidyLater(&state)
                }
                let done = state.waiters.filter { $0.value.change <= write.change }
                for ticket in done.keys { state.waiters[ticket] = nil }
                return done.values.map(\.continuation)
            }
            for continuation in done { continuation.resume(returning: result.mapError { .store($0) }) }
        }
    }

    private func nextWrite() -> Write? {
        state.withLock { state in
            guard !state.waiters.isEmpty || (state.isWanted && state.stored < state.changes) else {
                state.isWriting = false
                return nil
            }
            state.isWanted = false
            state.book.prune(now: Int64(clock.date().timeIntervalSince1970))
            let isOver = state.isClosed && state.book.entries.isEmpty
            return Write(change: state.changes, bytes: isOver ? nil : state.book.encoded())
        }
    }

    private func put(_ write: Write) async -> Result<Void, ObjectStorageError> {
        do throws(ObjectStorageError) {
            if let bytes = write.bytes {
                // A process that dies leaves what it wrote to the machine; that the machine died is no job's fault.
                let options = PutOptions(contentType: "application/json", outlivesMachine: false)
                try await store.put(key, bytes: bytes, options: options)
            } else {
                try await store.delete(key)
            }
            return .success(())
        } catch {
            Counter(label: "worker_state_failures_total", dimensions: [("kind", kind), ("what", "starts")]).increment()
            return .failure(error)
        }
    }

    /// Sees to it that ended runs don't stay in the stored object while nothing else is written.
    private func tidyLater(_ state: inout State) {
        guard state.tidying == nil, !state.isClosed else { return }
        let delay = Self.tidyDelay * (1 << min(state.failures, 6))
        // Not a child of anybody; `close` cancels it.
        state.tidying = Task {
            do { try await clock.sleep(delay) } catch { return }
            let starts = self.state.withLock { state in
                state.tidying = nil
                guard state.stored < state.changes else { return false }
                state.isWanted = true
                return Self.startsWriting(&state)
            }
            if starts { beginWriting() }
        }
    }
}
