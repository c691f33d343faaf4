import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Answers for one simulated service: applies the fault plan, adds the correlation id and keeps the log.
struct FaultyHost: SimulatedHost {
    /// `login` or `api`.
    let service: String
    let genesys: GenesysServices
    let faults: FaultInjector
    let log: RequestLog
    let correlation: CorrelationCounter

    func respond(to request: Request, on connection: any Channel) async throws -> Response {
        let contextID = correlation.next()
        let question: Question
        do {
            question = try await Question(request)
        } catch {
            let body = PlatformError.body(
                status: 413, code: "request.entity.too.large", message: "The request is too large.", contextID: contextID)
            var response = Answer(status: 413, body: body).response
            response.headers[.correlation] = contextID
            response.headers[.connection] = "close"
            return response
        }
        let started = ContinuousClock.now
        let time = genesys.store.clock.now
        let fault = faults.fault(path: question.path, method: question.method, fingerprint: question.fingerprint)
        var answer = answer(question, contextID, fault)
        answer.headers[.correlation] = contextID
        if fault?.kind == .slow { try await Task.sleep(for: .milliseconds(fault?.milliseconds ?? 0)) }
        let isReset = fault.map { $0.kind == .reset || ($0.kind == .truncate && answer.body.readableBytes == 0) } ?? false
        log.record(
            RequestLog.Entry(
                ordinal: 0, time: time.description, service: service, method: question.method, path: question.path,
                query: question.query, status: isReset ? 0 : answer.status, fault: fault?.kind.rawValue,
                bytes: answer.body.readableBytes, milliseconds: Int((ContinuousClock.now - started).milliseconds),
                page: answer.page))
        guard !isReset else {
            try await connection.reset()
            throw CutConnection()
        }
        return faulty(answer, fault)
    }

    private func answer(_ question: Question, _ contextID: String, _ fault: Fault?) -> Answer {
        switch fault?.kind {
        case .throttle:
            guard let fault else { break }
            let allowance = genesys.limiter.allowance
            return GenesysServices.throttle(
                fault, allowed: allowance.requests ?? 300, window: allowance.window, contextID: contextID)
        case .status:
            guard let fault else { break }
            var answer = failure(fault, contextID)
            if let seconds = fault.retryAfter { answer.headers[.retryAfter] = String(seconds) }
            return answer
        case .revoke: genesys.tokens.revoke(authorization: question.authorization)
        // Nothing is asked of the vendor when the connection is reset before: pages don't shift by it.
        case .reset: return Answer(status: 503, body: ByteBuffer())
        case .truncate, .slow, .trickle, nil: break
        }
        return service == "login" ? genesys.login(question) : genesys.api(question, contextID: contextID)
    }

    private func failure(_ fault: Fault, _ contextID: String) -> Answer {
        switch fault.body {
        case .empty: return Answer(status: fault.status, contentType: "text/plain", body: ByteBuffer())
        case .html:
            let head = "<html>\r\n<head><title>\(fault.status)</title></head>\r\n"
            let page = head + "<body>\r\n<center><h1>\(fault.status)</h1></center>\r\n</body>\r\n</html>\r\n"
            return Answer(status: fault.status, contentType: "text/html", body: ByteBuffer(string: page))
        case .json:
            let code =
                switch fault.status {
                case 500: "internal.server.error"
                case 503: "service.unavailable"
                case 504: "request.timeout"
                default: "bad.gateway"
                }
            return Answer(
                status: fault.status,
                body: PlatformError.body(
                    status: fault.status, code: code, message: "The request could not be completed.", contextID: contextID))
        }
    }

    private func faulty(_ answer: Answer, _ fault: Fault?) -> Response {
        let body = answer.body
        switch fault?.kind {
        case .truncate:
            let kept = min(body.readableBytes - 1, Int(Double(body.readableBytes) * (fault?.keep ?? 0.5)))
            var response = answer.response
            response.body = ResponseBody(contentLength: body.readableBytes) { writer in
                if let part = body.getSlice(at: body.readerIndex, length: kept) { try await writer.write(part) }
                // The length was announced; ending here cuts the connection.
                throw CutConnection()
            }
            return response
        case .trickle:
            let pieces = 8
            let pause = Duration.milliseconds(fault?.milliseconds ?? 0) / pieces
            var response = answer.response
            response.body = ResponseBody(contentLength: body.readableBytes) { writer in
                var rest = body
                let size = max(1, rest.readableBytes / pieces)
                while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                    try await writer.write(piece)
                    try await Task.sleep(for: pause)
                }
                try await writer.finish(nil)
            }
            return response
        default: return answer.response
        }
    }
}
