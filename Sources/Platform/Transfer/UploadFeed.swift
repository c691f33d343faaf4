import Synchronization

/// The request body on its way from memory or a producer to libcurl.
///
/// Invariants: at most one chunk of a producer is held; `isPaused` is set only by `read`, on the loop's thread, and cleared by
/// whoever makes `read` worth calling again.
final class UploadFeed: Sendable {
    enum Portion: Equatable {
        case bytes(Int)
        case paused
        case failed
    }

    private struct State {
        var chunk: [UInt8]
        var offset = 0
        var sent = 0
        var isComplete: Bool
        var isPaused = false
        var isClosed = false
        var isTaken = false
        var failure: TransferError?
        var room: CheckedContinuation<Bool, Never>?
        var settledWaiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>
    private let length: Int?
    private let isRestartable: Bool

    /// A body in memory; nil: none.
    init(bytes: [UInt8]?) {
        state = Mutex(State(chunk: bytes ?? [], isComplete: true))
        length = bytes?.count ?? 0
        isRestartable = true
    }

    /// A body that `produce` brings.
    init(length: Int?) {
        state = Mutex(State(chunk: [], isComplete: false))
        self.length = length
        isRestartable = false
    }

    // MARK: the thread's side

    /// Copies the next bytes into libcurl's buffer; zero bytes are the end.
    func read(into target: UnsafeMutableRawBufferPointer) -> Portion {
        let (portion, room, settled) = state.withLock {
            state -> (Portion, CheckedContinuation<Bool, Never>?, CheckedContinuation<Void, Never>?) in
            if state.failure != nil { return (.failed, nil, nil) }
            let count = min(target.count, state.chunk.count - state.offset)
            if count > 0 {
                state.chunk.withUnsafeBytes { source in
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[state.offset..<(state.offset + count)]))
                }
                state.offset += count
                state.sent += count
                guard state.offset == state.chunk.count, !isRestartable else { return (.bytes(count), nil, nil) }
                state.chunk = []
                state.offset = 0
                // Of a body of known length libcurl doesn't ask for the end.
                state.isTaken = state.sent == length
                defer {
                    state.room = nil
                    if state.isTaken { state.settledWaiter = nil }
                }
                return (.bytes(count), state.room, state.isTaken ? state.settledWaiter : nil)
            }
            guard state.isComplete, !state.isClosed else {
                // Nobody unpauses a closed feed: the server doesn't want to hear any more of it, and its answer is coming.
                state.isPaused = !state.isClosed
                return (.paused, nil, nil)
            }
            state.isTaken = true
            defer { state.settledWaiter = nil }
            return (.bytes(0), nil, state.settledWaiter)
        }
        room?.resume(returning: true)
        settled?.resume()
        return portion
    }

    /// Goes back to the first byte, where the body is still there.
    func rewind() -> Bool {
        state.withLock { state in
            guard isRestartable || state.sent == 0 else { return false }
            state.offset = 0
            state.sent = 0
            return true
        }
    }

    /// Whether libcurl's sending side waits for the producer.
    var isPaused: Bool { state.withLock { $0.isPaused } }

    /// Wants no more bytes of a producer, because the server answered before it had read everything; true: libcurl has to be told.
    func closeIfUnfinished() -> Bool {
        guard !isRestartable, !state.withLock({ $0.isTaken }) else { return false }
        close()
        return true
    }

    /// Wants no more bytes: the exchange is over, or the server answered before it had read everything.
    func close() {
        let (room, settled) = state.withLock { state -> (CheckedContinuation<Bool, Never>?, CheckedContinuation<Void, Never>?) in
            state.isClosed = true
            // libcurl takes a paused sending side for an unfinished transfer, even when it has given up sending.
            state.isPaused = false
            defer {
                state.room = nil
                state.settledWaiter = nil
            }
            return (state.room, state.settledWaiter)
        }
        room?.resume(returning: false)
        settled?.resume()
    }

    // MARK: the producer's side

    /// Runs a producer to its end, or until nobody wants its bytes; `wake` tells the loop that there is something to read.
    func produce(_ make: @Sendable () async throws -> BodyProducer, host: String, wake: @Sendable () -> Void) async {
        do {
            let producer = try await make()
            var produced = 0
            while let chunk = try await producer.next() {
                if chunk.isEmpty { continue }
                produced += chunk.count
                if let length, produced > length {
                    throw TransferError(
                        .requestBodyFailed, host: host, message: "the request body is longer than the announced \(length) bytes")
                }
                guard await push(chunk, wake: wake) else { return }
            }
            if let length, produced < length {
                throw TransferError(
                    .requestBodyFailed, host: host,
                    message: "the request body ended after \(produced) of the announced \(length) bytes")
            }
            change(wake: wake) { $0.isComplete = true }
        } catch is CancellationError where Task.isCancelled {
            // Whoever cancelled has ended the exchange, or wants no more bytes.
        } catch let failure as TransferError where failure.kind == .requestBodyFailed {
            change(wake: wake) { $0.failure = failure }
        } catch {
            let failure = TransferError(
                .requestBodyFailed, host: host, message: "the producer of the request body failed", underlying: error)
            change(wake: wake) { $0.failure = failure }
        }
    }

    /// The producer's failure, if it is why the transfer ended.
    var failure: TransferError? { state.withLock { $0.failure } }

    /// Waits until libcurl has taken the last byte or wants no more.
    func settled() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.isClosed || state.isTaken { return true }
                state.settledWaiter = continuation
                return false
            }
            if isSettled { continuation.resume() }
        }
    }

    /// Puts a chunk in and waits until libcurl has taken it all; false: nobody wants more.
    private func push(_ chunk: [UInt8], wake: @Sendable () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let (isClosed, wasPaused) = state.withLock { state -> (Bool, Bool) in
                guard !state.isClosed else { return (true, false) }
                state.chunk = chunk
                state.offset = 0
                state.room = continuation
                defer { state.isPaused = false }
                return (false, state.isPaused)
            }
            if isClosed { continuation.resume(returning: false) }
            if wasPaused { wake() }
        }
    }

    private func change(wake: @Sendable () -> Void, _ change: (inout State) -> Void) {
        let wasPaused = state.withLock { state in
            if state.isClosed || state.isTaken { return false }
            change(&state)
            defer { state.isPaused = false }
            return state.isPaused
        }
        if wasPaused { wake() }
    }
}
