/// Says why the development stack can't go on, and what to do.
public struct DevelopmentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened to what.
    public let message: String
    /// What to do about it.
    public let advice: String?

    /// An error with advice.
    public init(_ message: String, advice: String? = nil) {
        self.message = message
        self.advice = advice
    }

    /// What happened, and what to do about it.
    public var description: String { advice.map { "\(message); \($0)" } ?? message }
}
