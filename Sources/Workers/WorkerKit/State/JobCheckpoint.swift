public import Contracts
internal import Logging
internal import Metrics
internal import ObjectStorage
internal import Synchronization

/// What an attempt can go on from, and what it leaves for the next one: a small object for each job and revision.
///
/// 1. It is written at most once in an interval, the first time an interval after the attempt began, so that short jobs write
///    none; the newest is never held back for longer than that.
/// 2. A write that fails is logged and made again later; it never fails the job.
/// 3. When the attempt ends without a result, what is newest is written, though its task is cancelled.
/// 4. A write that comes after the removal, as of a paused worker, leaves an object that nobody reads: the job is done, and a
///    rerun has another revision. Housekeeping removes it.
public final class JobCheckpoint: Sendable {
    private struct Place {
        let store: any ObjectStore
        let key: ObjectKey
        let job: String
        let revision: Int
    }

    private struct State {
        var last: Checkpoint?
        var isLoaded = false
        /// Whether this attempt or one before had to begin anew.
        var isAnew = false
        var newest: Checkpoint?
        /// What is newer than the object.
        var unsaved: Checkpoint?
        var written: WorkerClock.Instant
        var writer: Task<Void, Never>?
        var timer: Task<Void, Never>?
        /// Whether there is or may be an object.
        var isPresent = false
        var isOver = false
    }

    private let place: Place?
    private let kind: String
    private let interval: Duration
    private let clock: WorkerClock
    private let logger: Logger
    private let wentForward: @Sendable () -> Void
    private let state: Mutex<State>

    /// A checkpoint in memory, as tests make it.
    ///
    /// - Parameter last: what a former attempt left.
    public convenience init(last: Checkpoint? = nil) {
        self.init(store: nil, kind: "", job: nil, last: last, logger: Logger(label: "checkpoint"))
    }

    /// The checkpoint of one attempt.
    ///
    /// - Parameters:
    ///   - store: where it is kept; nil keeps it in memory, for this attempt only.
    ///   - interval: the least time between two writes.
    ///   - wentForward: called when the attempt went on from `last` and has written something else, so that a crash from now on
    ///     isn't one more at the same place. Never again for a job that had to begin anew.
    convenience init(
        store: (any ObjectStore)?, kind: String, job: Job, interval: Duration = .seconds(10), clock: WorkerClock = .system,
        logger: Logger, wentForward: @escaping @Sendable () -> Void
    ) {
        self.init(
            store: store, kind: kind, job: job, last: nil, interval: interval, clock: clock, logger: logger,
            wentForward: wentForward)
    }

    private init(
        store: (any ObjectStore)?, kind: String, job: Job?, last: Checkpoint?, interval: Duration = .seconds(10),
        clock: WorkerClock = .system, logger: Logger, wentForward: @escaping @Sendable () -> Void = {}
    ) {
        var place: Place?
        if let store, let job {
            do throws(ObjectStorageError) {
                let key = try ObjectKey(StateLayout.checkpoint(kind: kind, job: job.id, revision: job.revision))
                place = Place(store: store, key: key, job: job.id, revision: job.revision)
            } catch {
                logger.warning("no checkpoint can be kept", metadata: ["error": "\(error)"])
            }
        }
        self.place = place
        self.kind = kind
        self.interval = interval
        self.clock = clock
        self.logger = logger
        self.wentForward = wentForward
        state = Mutex(State(last: last, isLoaded: place == nil, written: clock.now()))
    }

    // MARK: What handlers use

    /// What a former attempt left; nil when there is nothing that can be used. Read when it is first asked for.
    public var last: Checkpoint? {
        get async {
            let (last, isLoaded) = state.withLock { ($0.last, $0.isLoaded) }
            guard !isLoaded, let place else { return last }
            let found = await read(place)
            return state.withLock { state in
                guard !state.isLoaded else { return state.last }
                state.isLoaded = found.isCertain
                state.last = found.checkpoint
                if found.isAnew { state.isAnew = true }
                if found.isPresent { state.isPresent = true }
                return state.last
            }
        }
    }

    /// Notes how far the attempt came.
    ///
    /// What it says must be true already: what it stands for is in the lake.
    ///
    /// - Parameter forced: writes it now, whatever the interval says.
    public func save(step: String, cursor: JSONValue, figures: [String: Int] = [:], forced: Bool = false) async {
        let checkpoint = Checkpoint(step: step, cursor: cursor, figures: figures)
        let isDue = state.withLock { state in
            guard !state.isOver else { return false }
            state.newest = checkpoint
            state.unsaved = checkpoint
            guard place != nil else { return false }
            let wait = interval - state.written.duration(to: clock.now())
            if forced || wait <= .zero { return true }
            writeLater(&state, after: wait)
            return false
        }
        if isDue { await writer().value }
    }

    /// Takes back what was noted, by this attempt and the ones before: the job begins anew from here.
    ///
    /// - Throws: an `ObjectStorageError` when it could not be removed, so that it still stands.
    public func discard() async throws {
        let writer = state.withLock { state in
            state.last = nil
            state.isAnew = true
            state.newest = nil
            state.unsaved = nil
            return state.writer
        }
        await writer?.value
        guard let place, state.withLock({ $0.isPresent }) else { return }
        try await place.store.delete(place.key)
        state.withLock { $0.isPresent = $0.unsaved != nil }
    }

    /// What this attempt noted last, written or not.
    public var newest: Checkpoint? { state.withLock { $0.newest } }

    // MARK: What the worker does when the attempt ends

    /// Ends the attempt without a result: writes what is newer than the object, also when the task is cancelled.
    ///
    /// - Parameter limit: gives the write up after this time.
    func flush(within limit: Duration = .seconds(5)) async {
        guard end() else { return }
        // After a write that is under way, which may fail.
        await bounded(writer(), limit)
    }

    /// Whether there is or may be an object to remove.
    var mayBePresent: Bool { state.withLock { $0.isPresent || $0.writer != nil } }

    /// Ends the attempt with a result that was accepted: removes the object, if there may be one.
    func remove(within limit: Duration = .seconds(5)) async {
        let writer = state.withLock { state -> Task<Void, Never>? in
            state.unsaved = nil
            return state.writer
        }
        end()
        writer?.cancel()
        await writer?.value
        guard let place, state.withLock({ $0.isPresent }) else { return }
        let removal = Task {
            do throws(ObjectStorageError) {
                try await place.store.delete(place.key)
            } catch {
                logger.notice(
                    "checkpoint not removed; housekeeping will", metadata: ["key": "\(place.key)", "error": "\(error)"])
            }
        }
        await bounded(removal, limit)
    }

    /// Nothing is written any more by itself; true when there was anything to write.
    @discardableResult
    private func end() -> Bool {
        state.withLock { state in
            state.isOver = true
            state.timer?.cancel()
            state.timer = nil
            return state.newest != nil && place != nil
        }
    }

    /// Waits for a task and cancels it after a time; a task of its own, because the caller's may be cancelled already.
    private func bounded(_ work: Task<Void, Never>, _ limit: Duration) async {
        let guardian = Task {
            do { try await clock.sleep(limit) } catch { return }
            work.cancel()
        }
        await work.value
        guardian.cancel()
    }

    // MARK: The object

    private struct Found {
        var checkpoint: Checkpoint?
        var isAnew = false
        var isPresent = true
        var isCertain = true
    }

    private func read(_ place: Place) async -> Found {
        do throws(ObjectStorageError) {
            let bytes = try await place.store.read(place.key, upTo: Checkpoint.maximumBytes)
            do throws(ContractError) {
                let (checkpoint, isAnew) = try Checkpoint.decode(bytes, job: place.job, revision: place.revision)
                return Found(checkpoint: checkpoint, isAnew: isAnew)
            } catch {
                logger.warning("the checkpoint is ignored", metadata: ["key": "\(place.key)", "error": "\(error)"])
                return Found(isAnew: true)
            }
        } catch {
            switch error.kind {
            case .notFound: return Found(isPresent: false)
            case .tooLarge:
                logger.warning("the checkpoint is ignored", metadata: ["key": "\(place.key)", "error": "\(error)"])
                return Found(isAnew: true)
            default:
                logger.warning("the checkpoint can't be read; the job begins anew", metadata: ["error": "\(error)"])
                return Found(isAnew: true, isCertain: false)
            }
        }
    }

    private func writeLater(_ state: inout State, after wait: Duration) {
        guard state.timer == nil else { return }
        // Not a child of anybody: the attempt goes on meanwhile; its end cancels it.
        state.timer = Task {
            do { try await clock.sleep(wait) } catch { return }
            self.state.withLock { $0.timer = nil }
            await self.writer().value
        }
    }

    /// Writes what is newest, after the writes before it: a task of its own, because a hand-back cancels the attempt's.
    private func writer() -> Task<Void, Never> {
        state.withLock { state in
            let previous = state.writer
            let writer = Task {
                await withTaskCancellationHandler {
                    await previous?.value
                } onCancel: {
                    previous?.cancel()
                }
                await self.write()
            }
            state.writer = writer
            return writer
        }
    }

    private func write() async {
        let (taken, isAnew) = state.withLock { state -> (Checkpoint?, Bool) in
            defer { state.unsaved = nil }
            if state.unsaved != nil { state.written = clock.now() }
            return (state.unsaved, state.isAnew)
        }
        guard let checkpoint = taken, let place else { return }
        guard let bytes = checkpoint.encoded(job: place.job, revision: place.revision, isAnew: isAnew) else {
            logger.warning(
                "the checkpoint is too large or can't be said in JSON; the last one stays",
                metadata: ["step": "\(checkpoint.step.prefix(100))", "limit": "\(Checkpoint.maximumBytes)"])
            return
        }
        state.withLock { $0.isPresent = true }
        do throws(ObjectStorageError) {
            try await place.store.put(place.key, bytes: bytes, options: PutOptions(contentType: "application/json"))
            // Whoever didn't look at what was there, or began anew, may stand where a crash has been before.
            let isNew = state.withLock { $0.isLoaded && !$0.isAnew && $0.last != checkpoint }
            if isNew { wentForward() }
        } catch {
            Counter(label: "worker_state_failures_total", dimensions: [("kind", kind), ("what", "checkpoint")]).increment()
            logger.notice("checkpoint not written", metadata: ["error": "\(error)"])
            state.withLock { state in
                guard state.unsaved == nil, state.newest == checkpoint else { return }
                state.unsaved = checkpoint
                if !state.isOver { writeLater(&state, after: interval) }
            }
        }
    }
}
