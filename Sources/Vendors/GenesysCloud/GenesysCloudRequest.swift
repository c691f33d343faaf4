public import Transfer

/// One call of the API.
public struct GenesysCloudRequest: Sendable {
    /// The call's name in errors, logs and metrics: one of a few, such as `conversation details query`.
    public var operation: String
    /// The method.
    public var method: HTTPMethod
    /// The path below the API's address, with its query: `/api/v2/…`.
    public var path: String
    /// A JSON body, at most 512,000 bytes (the vendor's `request.bytes.max`).
    public var body: [UInt8]?
    /// Whether sending it twice does no harm; queries by POST are harmless.
    public var isReplayable: Bool
    /// The permission that it needs, for advice when the vendor's answer names none.
    public var permission: String?
    /// After so many answers 504 the call fails without further attempts: the caller asks for less instead. Nil: as configured.
    public var maximumTimeouts: Int?

    /// Creates a call.
    ///
    /// - Parameters:
    ///   - operation: The call's name in errors, logs and metrics.
    ///   - method: The method.
    ///   - path: The path below the API's address, with its query.
    ///   - body: A JSON body.
    ///   - isReplayable: Whether sending it twice does no harm; by default as the method says.
    ///   - permission: The permission that it needs.
    public init(
        _ operation: String, _ method: HTTPMethod = .get, path: String, body: [UInt8]? = nil, isReplayable: Bool? = nil,
        permission: String? = nil
    ) {
        self.operation = operation
        self.method = method
        self.path = path
        self.body = body
        self.isReplayable = isReplayable ?? method.isIdempotent
        self.permission = permission
    }
}
