/// An HTTP client: libcurl on a thread of its own.
///
/// Make one per program, or per set of credentials for proxies and client certificates, and keep it: it holds the connections.
public final class HTTPClient: HTTPTransport {
    private let loop: TransferLoop

    /// Starts a client and its thread.
    public init(_ configuration: HTTPClientConfiguration = HTTPClientConfiguration()) {
        loop = TransferLoop(configuration)
    }

    deinit {
        // Bodies that are still being read come to their end.
        loop.stop(.whenIdle)
        loop.detach()
    }

    /// Sends a request and returns when the headers of the final response are in and the request body is sent or unwanted.
    ///
    /// Any status is a response, also 4xx and 5xx. Nothing is retried. Cancelling the task ends the transfer.
    ///
    /// - Throws: `TransferError`.
    public func send(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse {
        var plan = try RequestPlan(request, userAgent: loop.configuration.userAgent)
        if Task.isCancelled { throw TransferError(.cancelled, host: plan.host, message: "the task was cancelled") }
        guard case .stream(let length, let make) = request.body else {
            var bytes: [UInt8]?
            if case .bytes(let body) = request.body { bytes = body }
            let exchange = try loop.start(plan, feed: UploadFeed(bytes: bytes))
            let reader = ExchangeReader(exchange)
            return HTTPResponse(try await exchange.response().get(), reader: reader)
        }
        do {
            return try await send(plan, length: length, make)
        } catch  where error.curlCode == TransferError.couldNotRewind {
            // A kept-alive connection was closed under the request; what libcurl does for bytes is done here for streams.
            plan.needsFreshConnection = true
            return try await send(plan, length: length, make)
        }
    }

    /// Ends all transfers with `.clientShutDown`, closes all connections and returns when the thread is gone.
    public func shutdown() async {
        loop.stop(.now)
        await loop.join()
    }

    private func send(
        _ plan: RequestPlan, length: Int?, _ make: @escaping @Sendable () async throws -> BodyProducer
    ) async throws(TransferError) -> HTTPResponse {
        let feed = UploadFeed(length: length)
        let exchange = try loop.start(plan, feed: feed)
        let reader = ExchangeReader(exchange)
        let loop = loop
        let result = await withTaskGroup(of: Void.self) { group -> Exchange.HeadResult in
            group.addTask {
                await feed.produce(make, host: plan.host) { loop.post(.resume(exchange.id)) }
            }
            let head = await exchange.response()
            if case .success = head {
                await withTaskCancellationHandler {
                    await feed.settled()
                } onCancel: {
                    exchange.cancel()
                }
            }
            group.cancelAll()
            return head
        }
        if let failure = feed.failure { throw failure }
        return HTTPResponse(try result.get(), reader: reader)
    }
}

extension HTTPResponse {
    init(_ head: Exchange.Head, reader: ExchangeReader) {
        self.init(status: head.status, headers: head.headers, version: head.version, body: ResponseBody(reader))
    }
}

extension TransferError {
    /// `CURLE_SEND_FAIL_REWIND`.
    static let couldNotRewind = 65
}
