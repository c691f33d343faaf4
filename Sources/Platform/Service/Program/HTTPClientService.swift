public import ServiceLifecycle
public import Transfer

/// Keeps an HTTP client until everything that uses it has stopped, then ends its thread.
public struct HTTPClientService: ServiceLifecycle.Service {
    private let client: HTTPClient

    /// To be listed before the services that use the client: services stop in reverse order.
    public init(_ client: HTTPClient) { self.client = client }

    /// Waits for the end.
    public func run() async throws {
        // Throws only when the task is cancelled, which is an end too.
        try? await gracefulShutdown()
        await client.shutdown()
    }
}
