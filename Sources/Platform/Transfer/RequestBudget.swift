/// Says how much of an account's allowance may be used here, where several processes share it.
///
/// A `RateLimiter` asks before each request, while it holds its lock: answer at once and don't call back.
public protocol RequestBudget: Sendable {
    /// How many requests may have passed here in the window so far.
    func allowance(in window: RequestWindow) -> Int

    /// Notes that the server refused a request because there were too many; told once for each pause.
    ///
    /// - Parameter window: what was known of the window when the refusal came.
    func throttled(in window: RequestWindow)
}

/// What is known of the present window of an account's allowance.
public struct RequestWindow: Sendable, Equatable {
    /// What the server allows all callers together in a window; what is configured until it has said so.
    public var allowed: Int
    /// What of it is left for all callers, as far as is known here.
    public var left: Int
    /// What has passed here.
    public var passed: Int
    /// Whether the server has said its count in this window.
    public var isCounted: Bool
    /// The length of a window: the longest time to its end that the server has said, or what is configured.
    public var length: Duration
    /// The part of the window that is over, 0 to 1.
    public var elapsed: Double
    /// The time since the limiter was made.
    public var time: Duration

    /// Describes a window.
    public init(
        allowed: Int, left: Int, passed: Int, isCounted: Bool, length: Duration, elapsed: Double, time: Duration
    ) {
        self.allowed = allowed
        self.left = left
        self.passed = passed
        self.isCounted = isCounted
        self.length = length
        self.elapsed = elapsed
        self.time = time
    }
}
