import CLibcurl
import Glibc

/// A transfer while libcurl has it: the easy handle, its callbacks' context, and the exchange that it fills.
///
/// It lives on the loop's thread alone. The callbacks get it unretained; the loop keeps it until the easy handle has left the
/// multi handle, so it outlives every call.
final class RunningTransfer {
    let exchange: Exchange
    let plan: RequestPlan
    let handle: EasyHandle
    let deadline: ContinuousClock.Instant?
    private(set) var isConnected = false
    /// Whether body bytes came in this round of the loop.
    var hasNews = false
    private var parser: HeadParser
    private let limitsHeaders: Int

    init?(exchange: Exchange, plan: RequestPlan, configuration: HTTPClientConfiguration) {
        guard let handle = EasyHandle() else { return nil }
        self.exchange = exchange
        self.plan = plan
        self.handle = handle
        deadline = plan.limits.total.map { .now + $0 }
        limitsHeaders = configuration.maximumResponseHeaderBytes
        var redirects = 0
        if case .followed(let maximum) = configuration.redirects { redirects = maximum }
        parser = HeadParser(maximumBytes: configuration.maximumResponseHeaderBytes, redirects: redirects)
        handle.apply(plan)
        handle.apply(configuration, plan: plan)
        setCallbacks()
    }

    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        for option in [CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA, CURLOPT_PREREQDATA] {
            handle.set(option, pointer: context)
        }
        handle.set(CURLOPT_WRITEFUNCTION) { data, size, count, context in
            guard let context, let data else { return 0 }
            let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
            return Unmanaged<RunningTransfer>.fromOpaque(context).takeUnretainedValue().body(bytes)
        }
        handle.set(CURLOPT_HEADERFUNCTION) { data, size, count, context in
            guard let context, let data else { return 0 }
            let line = UnsafeRawBufferPointer(start: data, count: size * count)
            return Unmanaged<RunningTransfer>.fromOpaque(context).takeUnretainedValue().header(line) ? size * count : 0
        }
        handle.set(CURLOPT_READFUNCTION) { data, size, count, context in
            guard let context, let data else { return Int(CURL_READFUNC_ABORT) }
            let room = UnsafeMutableRawBufferPointer(start: data, count: size * count)
            return Unmanaged<RunningTransfer>.fromOpaque(context).takeUnretainedValue().upload(room)
        }
        handle.setSeek { context, offset, origin in
            guard let context, offset == 0, origin == SEEK_SET else { return CInt(CURL_SEEKFUNC_CANTSEEK) }
            let transfer = Unmanaged<RunningTransfer>.fromOpaque(context).takeUnretainedValue()
            return CInt(transfer.exchange.feed.rewind() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK)
        }
        handle.setBeforeRequest { context, _, _, _, _ in
            guard let context else { return CInt(CURL_PREREQFUNC_ABORT) }
            let transfer = Unmanaged<RunningTransfer>.fromOpaque(context).takeUnretainedValue()
            transfer.isConnected = true
            transfer.exchange.moved()
            return CInt(CURL_PREREQFUNC_OK)
        }
    }

    // MARK: callbacks

    private func body(_ bytes: UnsafeRawBufferPointer) -> Int {
        // libcurl writes the body of a redirecting response too, when it doesn't follow it after all.
        switch exchange.take(in: bytes) {
        case .taken:
            hasNews = true
            return bytes.count
        case .paused: return Int(CURL_WRITEFUNC_PAUSE)
        case .refused: return 0
        }
    }

    private func header(_ line: UnsafeRawBufferPointer) -> Bool {
        exchange.moved()
        switch parser.take(line) {
        case .more: return true
        case .head:
            // libcurl stops sending when an answer that refuses the request comes early.
            if parser.status >= 300 { exchange.stopUpload() }
            exchange.deliver(Exchange.Head(status: parser.status, headers: parser.headers, version: parser.version))
            return true
        case .tooLarge:
            exchange.finish(
                .failure(exchange.error(.headersTooLarge, "the response headers are larger than \(limitsHeaders) bytes")))
            return false
        case .unexpected:
            exchange.finish(.failure(exchange.error(.badResponse, "the server sent a second response")))
            return false
        }
    }

    private func upload(_ room: UnsafeMutableRawBufferPointer) -> Int {
        switch exchange.feed.read(into: room) {
        case .bytes(let count):
            exchange.moved()
            return count
        case .paused: return Int(CURL_READFUNC_PAUSE)
        case .failed: return Int(CURL_READFUNC_ABORT)
        }
    }

    // MARK: the loop's calls

    /// Lets libcurl go on in the directions that have room or bytes again.
    func resume() {
        if isConnected { exchange.moved() }
        let mask =
            (exchange.isPaused ? CURLPAUSE_RECV : CURLPAUSE_RECV_CONT)
            | (exchange.feed.isPaused ? CURLPAUSE_SEND : CURLPAUSE_SEND_CONT)
        // A failure here ends the transfer in the next round, with its own message.
        _ = curl_easy_pause(handle.pointer, mask)
    }

    /// Ends the exchange with libcurl's result.
    func finish(_ code: CURLcode) {
        guard code != CURLE_OK else {
            if !parser.isComplete {
                // libcurl takes a connection that ends within the headers for the end of a response without a body.
                guard parser.isAtEnd, parser.status >= 200 else {
                    exchange.finish(.failure(exchange.error(.connectionLost, "the connection was lost within the headers")))
                    return
                }
                // A redirect that libcurl didn't follow after all.
                exchange.deliver(Exchange.Head(status: parser.status, headers: parser.headers, version: parser.version))
            }
            exchange.finish(.success(()))
            return
        }
        if let failure = exchange.feed.failure {
            exchange.finish(.failure(failure))
            return
        }
        exchange.finish(
            .failure(
                CurlFailure.error(
                    code, detail: handle.failureText, plan: plan, proxyStatus: handle.long(CURLINFO_HTTP_CONNECTCODE),
                    isConnected: isConnected)))
    }

    /// Ends the exchange if a limit of time has passed; else returns when to look again.
    func expire(at now: ContinuousClock.Instant) -> (isOver: Bool, next: ContinuousClock.Instant?) {
        if let deadline, deadline <= now {
            let limit = plan.limits.total ?? .zero
            exchange.finish(.failure(exchange.error(.timedOut(.total), "the transfer took longer than its limit of \(limit)")))
            return (true, nil)
        }
        guard let stall = plan.limits.stall else { return (false, deadline) }
        let since = exchange.waitingSince ?? now
        if since + stall <= now {
            exchange.finish(.failure(exchange.error(.stalled, "no byte moved for \(stall)")))
            return (true, nil)
        }
        return (false, min(since + stall, deadline ?? since + stall))
    }
}
