/// A secret value that shows itself only to who asks for it by name.
///
/// Printing, interpolating, dumping or mirroring it shows `(secret)`.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    /// Wraps a secret value.
    ///
    /// - Parameter value: The value itself.
    public init(_ value: String) { self.value = value }

    /// Returns the value itself, for the one place that sends it.
    public func reveal() -> String { value }

    /// Always `(secret)`.
    public var description: String { "(secret)" }
    /// Always `(secret)`.
    public var debugDescription: String { "(secret)" }
    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    /// Compares without giving away by its duration where two secrets begin to differ.
    public static func == (left: Secret, right: Secret) -> Bool {
        let (a, b) = (Array(left.value.utf8), Array(right.value.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Why a secret reference could not be resolved. Never contains the secret.
public struct SecretError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what to do, one line.
    public let description: String

    /// Creates an error.
    ///
    /// - Parameter description: What is wrong and what to do, one line, without the secret.
    public init(_ description: String) { self.description = description }
}
