internal import Synchronization

/// What the calls of one piece of work met on the way: what went wrong and was made good would be seen by nobody otherwise.
///
/// Calls count into the tally of the task that makes them and of its children:
///
/// ```swift
/// let tally = CallTally()
/// try await CallTally.$current.withValue(tally) { try await work() }
/// report(tally.figures)
/// ```
public final class CallTally: Sendable {
    /// The tally of the task; nil counts nothing.
    @TaskLocal public static var current: CallTally?

    private let counts = Mutex<[String: Int]>([:])

    /// An empty tally.
    public init() {}

    /// How often something happened, by name: `vendor-throttled` (429), `vendor-tokens-refused` (401), `vendor-timeouts` (504),
    /// `vendor-failures` (408, other 5xx), `vendor-disconnects` (no answer, or half of one), `vendor-bad-answers` (unreadable).
    public var figures: [String: Int] { counts.withLock { $0 } }

    func count(_ kind: GenesysCloudError.Kind, status: Int?) {
        let name: String? =
            switch kind {
            case .throttled: "vendor-throttled"
            case .credentials: status == 401 ? "vendor-tokens-refused" : nil
            case .unavailable(504): "vendor-timeouts"
            case .unavailable: "vendor-failures"
            case .transport: "vendor-disconnects"
            case .badAnswer: "vendor-bad-answers"
            case .permission, .notFound, .badRequest: nil
            }
        if let name { counts.withLock { $0[name, default: 0] += 1 } }
    }
}
