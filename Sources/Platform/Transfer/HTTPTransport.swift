/// Something that sends HTTP requests: an `HTTPClient`, or a stand-in in tests.
public protocol HTTPTransport: Sendable {
    /// Sends a request and returns when the headers of the final response are in.
    ///
    /// - Throws: `TransferError`, with kind `.cancelled` when the task was cancelled.
    func send(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse
}
