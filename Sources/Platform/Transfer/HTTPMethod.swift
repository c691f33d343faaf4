/// The method of an HTTP request.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The method as it is sent, such as `GET`.
    public let rawValue: String

    /// Takes a method name as it is sent; it is checked when the request is sent.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Takes a method name as it is sent.
    public init(stringLiteral value: String) { rawValue = value }

    /// The method name.
    public var description: String { rawValue }

    /// Asks for a resource.
    public static let get: HTTPMethod = "GET"
    /// Asks for the headers of a resource alone.
    public static let head: HTTPMethod = "HEAD"
    /// Sends data to be processed.
    public static let post: HTTPMethod = "POST"
    /// Replaces a resource.
    public static let put: HTTPMethod = "PUT"
    /// Changes part of a resource.
    public static let patch: HTTPMethod = "PATCH"
    /// Removes a resource.
    public static let delete: HTTPMethod = "DELETE"

    /// Whether sending the request twice has the effect of sending it once (RFC 9110, 9.2.2).
    public var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(rawValue) }
}
