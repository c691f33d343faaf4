import Synchronization

/// Something that happens once and that tests wait for.
public final class Signal: Sendable {
    private let state = Mutex((isSet: false, waiters: [CheckedContinuation<Void, Never>]()))

    /// Makes a signal that is not set.
    public init() {}

    /// Whether it has happened.
    public var isSet: Bool { state.withLock { $0.isSet } }

    /// Lets all go on who wait.
    public func set() {
        let waiters = state.withLock { state in
            state.isSet = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until it has happened.
    public func wait() async {
        await withCheckedContinuation { continuation in
            let isSet = state.withLock { state in
                if !state.isSet { state.waiters.append(continuation) }
                return state.isSet
            }
            if isSet { continuation.resume() }
        }
    }
}
