import Synchronization

/// One request and its response: where the loop's thread and the tasks of the caller meet.
///
/// The thread puts in the head, chunks and the end; the caller takes them out. Invariants:
///   1. `head` is decided once: by the final headers, or by the end of the transfer if that comes first.
///   2. `buffer` never exceeds the limit by more than one write of libcurl (16 KiB) that came while it was empty.
///   3. After `end` is set nothing enters the buffer; what is in it is still delivered, unless the transfer was cancelled.
///   4. A continuation is resumed outside of the lock, exactly once.
final class Exchange: Sendable {
    struct Head: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let version: HTTPVersion
    }

    enum Intake {
        case taken
        case paused
        case refused
    }

    typealias HeadResult = Result<Head, TransferError>
    typealias ChunkResult = Result<[UInt8]?, TransferError>

    private struct State {
        var head: HeadResult?
        var headWaiter: CheckedContinuation<HeadResult, Never>?
        var buffer: [UInt8] = []
        var received = 0
        var isPaused = false
        var reader: CheckedContinuation<ChunkResult, Never>?
        var end: Result<Void, TransferError>?
        var lastMove: ContinuousClock.Instant?
    }

    let id: UInt64
    let host: String
    let feed: UploadFeed
    private let loop: TransferLoop
    private let bufferLimit: Int
    private let bodyLimit: Int?
    private let state = Mutex(State())

    init(id: UInt64, plan: RequestPlan, feed: UploadFeed, bufferLimit: Int, loop: TransferLoop) {
        self.id = id
        host = plan.host
        self.feed = feed
        self.loop = loop
        self.bufferLimit = bufferLimit
        bodyLimit = plan.limits.maximumResponseBytes
    }

    func error(_ kind: TransferError.Kind, _ message: String) -> TransferError {
        TransferError(kind, host: host, message: message)
    }

    // MARK: the caller's side

    /// Waits for the head; cancels the transfer when the task is cancelled.
    func response() async -> HeadResult {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> HeadResult? in
                    if state.head == nil { state.headWaiter = continuation }
                    return state.head
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Waits for bytes and takes all that are there.
    func nextChunk() async throws(TransferError) -> [UInt8]? {
        let result: ChunkResult = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (ready, resumes) = state.withLock { state -> (ChunkResult?, Bool) in
                    guard state.reader == nil else {
                        return (.failure(error(.unusable, "the response body is read by two tasks at once")), false)
                    }
                    guard let ready = take(&state) else {
                        state.reader = continuation
                        return (nil, false)
                    }
                    return (ready, unpause(&state))
                }
                if resumes { loop.post(.resume(id)) }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            cancel()
        }
        return try result.get()
    }

    /// Ends the transfer if it is still running; the reader gets `.cancelled`.
    func cancel() {
        let wasRunning = finish(.failure(error(.cancelled, "the transfer was cancelled")), dropsBuffer: true)
        if wasRunning { loop.post(.cancel(id)) }
    }

    // MARK: the thread's side

    /// Lets go of what the producer of the body still has, because the server has answered already.
    func stopUpload() {
        if feed.closeIfUnfinished() { loop.post(.resume(id)) }
    }

    /// Notes the final headers.
    func deliver(_ head: Head) {
        let waiter = state.withLock { state -> CheckedContinuation<HeadResult, Never>? in
            guard state.head == nil else { return nil }
            state.head = .success(head)
            defer { state.headWaiter = nil }
            return state.headWaiter
        }
        waiter?.resume(returning: .success(head))
    }

    /// Puts body bytes into the buffer, if there is room.
    func take(in bytes: UnsafeRawBufferPointer) -> Intake {
        let intake = state.withLock { state -> Intake in
            guard state.end == nil else { return .refused }
            if !state.buffer.isEmpty, state.buffer.count + bytes.count > bufferLimit {
                state.isPaused = true
                return .paused
            }
            state.received += bytes.count
            if let bodyLimit, state.received > bodyLimit { return .refused }
            state.buffer.append(contentsOf: bytes)
            state.lastMove = .now
            return .taken
        }
        if intake == .refused, let bodyLimit {
            finish(.failure(error(.bodyTooLarge, "the response body is larger than \(bodyLimit) bytes")), dropsBuffer: true)
        }
        return intake
    }

    /// Hands what is in the buffer to a waiting reader; called once per round of the loop, so that chunks are large.
    func flush() {
        let (reader, ready) = state.withLock { state -> (CheckedContinuation<ChunkResult, Never>?, ChunkResult?) in
            guard let reader = state.reader, let ready = take(&state) else { return (nil, nil) }
            state.reader = nil
            // The reader waited, so the buffer was empty and the transfer can't have been paused for long: resume it at once.
            if unpause(&state) { loop.post(.resume(id)) }
            return (reader, ready)
        }
        if let reader, let ready { reader.resume(returning: ready) }
    }

    /// Ends the exchange once; later ends are ignored. Returns whether this was the first.
    @discardableResult
    func finish(_ end: Result<Void, TransferError>, dropsBuffer: Bool = false) -> Bool {
        let failure: TransferError =
            if case .failure(let failure) = end { failure } else { error(.badResponse, "the response has no headers") }
        let (isFirst, headWaiter, reader, ready) = state.withLock {
            state -> (Bool, CheckedContinuation<HeadResult, Never>?, CheckedContinuation<ChunkResult, Never>?, ChunkResult?) in
            guard state.end == nil else { return (false, nil, nil, nil) }
            state.end = end
            if dropsBuffer { state.buffer = [] }
            let headWaiter = state.head == nil ? state.headWaiter : nil
            if state.head == nil { state.head = .failure(failure) }
            state.headWaiter = nil
            let reader = state.reader
            state.reader = nil
            return (true, headWaiter, reader, reader == nil ? nil : take(&state))
        }
        guard isFirst else { return false }
        headWaiter?.resume(returning: .failure(failure))
        if let reader, let ready { reader.resume(returning: ready) }
        feed.close()
        return true
    }

    /// Starts, or restarts, the count of stalled time: the connection stands, or bytes moved.
    func moved() { state.withLock { $0.lastMove = .now } }

    /// Whether the download is paused for want of room.
    var isPaused: Bool { state.withLock { $0.isPaused } }

    /// When bytes last moved while this side was ready; nil: the connection doesn't stand yet, or this side isn't ready.
    var waitingSince: ContinuousClock.Instant? {
        let lastMove = state.withLock { $0.isPaused ? nil : $0.lastMove }
        return feed.isPaused ? nil : lastMove
    }

    // MARK: under the lock

    private func take(_ state: inout State) -> ChunkResult? {
        guard state.buffer.isEmpty else {
            let chunk = state.buffer
            state.buffer = []
            return .success(chunk)
        }
        return state.end.map { end in end.map { nil } }
    }

    private func unpause(_ state: inout State) -> Bool {
        guard state.isPaused, state.end == nil else { return false }
        state.isPaused = false
        state.lastMove = .now
        return true
    }
}
