import Glibc
import TestSupport
import Testing
import Transfer

@Suite("HTTP client: requests and responses")
struct HTTPClientTests {
    let client = HTTPClient()

    private func error(_ request: HTTPRequest, by client: HTTPClient? = nil) async -> TransferError? {
        do throws(TransferError) {
            let response = try await (client ?? self.client).send(request)
            for try await _ in response.body {}
            return nil
        } catch {
            return error
        }
    }

    @Test("a response has status, headers in order and the exact bytes of its body")
    func response() async throws {
        let server = try RawServer { connection in
            while try connection.readRequest() != nil {
                try connection.respond("207 Odd", headers: ["X-Two: a", "x-two:  b ", "Empty:"], body: [0, 255, 10, 13, 0])
            }
        }
        defer { server.stop() }
        let response = try await client.send(HTTPRequest(.get, server.url + "/"))
        #expect(response.status == 207)
        #expect(response.headers.values(for: "X-TWO") == ["a", "b"])
        #expect(response.headers["empty"] == "")
        #expect(response.version == .http1)
        #expect(try await response.body.collect(upTo: 100) == [0, 255, 10, 13, 0])
    }

    @Test(
        "a request arrives as it was made: target, method, headers, body",
        arguments: ["POST", "PUT", "PATCH", "DELETE", "REPORT"])
    func request(method: String) async throws {
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                let echo =
                    ([request.line] + request.headers).joined(separator: "\n") + "\n\n"
                    + String(decoding: request.body, as: UTF8.self)
                try connection.respond(body: Array(echo.utf8))
            }
        }
        defer { server.stop() }
        let request = HTTPRequest(
            HTTPMethod(rawValue: method), server.url + "/a/../b//c/./%2e%2E?q=1&q=&%20+x",
            headers: ["X-Empty": "", "X-One": "1"],
            body: .text("body"))
        let response = try await client.send(request)
        let echo = String(decoding: try await response.body.collect(upTo: 10_000), as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(echo.first == "\(method) /a/../b//c/./%2e%2E?q=1&q=&%20+x HTTP/1.1")
        #expect(echo.last == "body")
        #expect(echo.contains("X-One: 1"))
        #expect(echo.contains { $0.hasPrefix("X-Empty:") })
        #expect(echo.contains("Content-Length: 4"))
        #expect(echo.contains("User-Agent: switchboard"))
        #expect(!echo.contains { $0.lowercased().hasPrefix("expect") || $0.lowercased().hasPrefix("accept-encoding") })
        #expect(!echo.contains { $0.lowercased().hasPrefix("content-type") })
    }

    @Test("a POST without a body says that its length is zero; a GET and a DELETE say nothing")
    func noBody() async throws {
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                try connection.respond(body: Array((request.header("Content-Length") ?? "none").utf8))
            }
        }
        defer { server.stop() }
        for (method, length) in [(HTTPMethod.post, "0"), (.put, "0"), (.get, "none"), (.delete, "none")] {
            let response = try await client.send(HTTPRequest(method, server.url + "/"))
            #expect(try await response.body.collect(upTo: 10) == Array(length.utf8))
        }
    }

    @Test("a HEAD has headers and no body, and its connection is used again")
    func head() async throws {
        let server = try RawServer { connection in
            while try connection.readRequest() != nil { try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n") }
        }
        defer { server.stop() }
        for _ in 0..<2 {
            let response = try await client.send(HTTPRequest(.head, server.url + "/"))
            #expect(response.headers["content-length"] == "12345")
            #expect(try await response.body.collect(upTo: 0).isEmpty)
        }
        #expect(server.accepted == 1)
    }

    @Test("a chunked response is put together, its trailers are dropped")
    func chunkedResponse() async throws {
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Late: 1\r\n\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let response = try await client.send(HTTPRequest(.get, server.url + "/"))
        #expect(try await response.body.collect(upTo: 10) == Array("abcd".utf8))
        #expect(response.headers["x-late"] == nil)
    }

    @Test("interim responses are not the response, and an expected 100 is waited for")
    func interim() async throws {
        let server = try RawServer { connection in
            guard let head = try connection.readHead() else { return }
            #expect(head.header("Expect") == "100-continue")
            try connection.write("HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            let request = try connection.readBody(of: head)
            try connection.respond("201 Created", headers: ["X-Real: 1"], body: request.body)
        }
        defer { server.stop() }
        let request = HTTPRequest(.put, server.url + "/", headers: ["Expect": "100-continue"], body: .text("after"))
        let response = try await client.send(request)
        #expect(response.status == 201)
        #expect(response.headers["x-hint"] == nil)
        #expect(try await response.body.collect(upTo: 10) == Array("after".utf8))
    }

    @Test("headers are there before the body is")
    func headersFirst() async throws {
        let goOn = Signal()
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            _ = try connection.read(exactly: 1)
            try connection.write("ok")
        }
        defer { server.stop() }
        // The server sends the body only when a second connection says so; here: never before the headers were seen.
        let response = try await client.send(
            HTTPRequest(.get, server.url + "/", limits: TransferLimits(stall: .milliseconds(300))))
        #expect(response.status == 200)
        goOn.set()
        do {
            _ = try await response.body.collect(upTo: 10)
            Issue.record("there is no body")
        } catch {
            #expect(error.kind == .stalled)
        }
    }

    @Test(
        "a body that ends too early is a lost connection, never a short body",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "", "HTTP/1.1 200 OK\r\nContent-Le",
        ])
    func truncated(answer: String) async throws {
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write(answer)
        }
        defer { server.stop() }
        let error = await error(HTTPRequest(.get, server.url + "/secret?token=secret"))
        #expect(error?.kind == .connectionLost)
        #expect(error?.isRetriable == true)
        #expect(error?.host == "127.0.0.1:\(server.port)")
        #expect(error?.description.contains("secret") == false)
    }

    @Test("a reset in mid-body is a lost connection, and what came before it is delivered")
    func reset() async throws {
        let delivered = Signal()
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            while !delivered.isSet { usleep(1000) }
            connection.reset()
        }
        defer { server.stop() }
        let response = try await client.send(HTTPRequest(.get, server.url + "/"))
        var iterator = response.body.makeAsyncIterator()
        #expect(try await iterator.next() == Array("abc".utf8))
        delivered.set()
        do {
            _ = try await iterator.next()
            Issue.record("the body went on")
        } catch {
            #expect(error.kind == .connectionLost)
        }
    }

    @Test("what isn't HTTP is a bad response", arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "<html>\n"])
    func notHTTP(answer: String) async throws {
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write(answer)
        }
        defer { server.stop() }
        #expect(await error(HTTPRequest(.get, server.url + "/"))?.kind == .badResponse)
    }

    @Test("headers past their limit end the transfer; up to it they arrive")
    func largeHeaders() async throws {
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                let count = Int(request.line.split(separator: " ")[1].dropFirst()) ?? 0
                try connection.respond(headers: (0..<count).map { "X-\($0): " + String(repeating: "v", count: 1000) })
            }
        }
        defer { server.stop() }
        let response = try await client.send(HTTPRequest(.get, server.url + "/60"))
        #expect(response.headers.fields.count == 61)
        #expect(await error(HTTPRequest(.get, server.url + "/70"))?.kind == .headersTooLarge)
    }

    @Test("a body past its limit ends the transfer, whether or not its length was announced")
    func largeBody() async throws {
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while true { try connection.write("400\r\n" + String(repeating: "x", count: 1024) + "\r\n") }
        }
        defer { server.stop() }
        let limited = HTTPRequest(.get, server.url + "/", limits: TransferLimits(maximumResponseBytes: 100_000))
        #expect(await error(limited)?.kind == .bodyTooLarge)
        let response = try await client.send(HTTPRequest(.get, server.url + "/"))
        await #expect(throws: TransferError.self) { try await response.body.collect(upTo: 100_000) }
    }

    @Test("compressed bytes are left alone unless the request accepts compression")
    func compression() async throws {
        let zipped: [UInt8] = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0,
        ]
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                let accepts = request.header("Accept-Encoding") ?? "nothing"
                try connection.respond(headers: ["Content-Encoding: gzip", "X-Accepts: \(accepts)"], body: zipped)
            }
        }
        defer { server.stop() }
        let plain = try await client.send(HTTPRequest(.get, server.url + "/"))
        #expect(plain.headers["x-accepts"] == "nothing")
        #expect(try await plain.body.collect(upTo: 100) == zipped)
        let decoded = try await client.send(HTTPRequest(.get, server.url + "/", acceptsCompression: true))
        #expect(decoded.headers["x-accepts"] == "gzip")
        #expect(try await decoded.body.collect(upTo: 100) == Array("hello".utf8))
    }

    @Test("redirects are returned, or followed up to a number where the client is told to")
    func redirects() async throws {
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                let number = Int(request.line.split(separator: " ")[1].dropFirst()) ?? 0
                if number == 0 {
                    try connection.respond(body: [1])
                } else {
                    try connection.respond("302 Found", headers: ["Location: /\(number - 1)"], body: [2, 2])
                }
            }
        }
        defer { server.stop() }
        #expect(try await client.send(HTTPRequest(.get, server.url + "/1")).status == 302)
        var configuration = HTTPClientConfiguration()
        configuration.redirects = .followed(maximum: 2)
        let following = HTTPClient(configuration)
        let response = try await following.send(HTTPRequest(.get, server.url + "/2"))
        #expect(response.status == 200)
        #expect(try await response.body.collect(upTo: 10) == [1])
        #expect(await error(HTTPRequest(.get, server.url + "/3"), by: following)?.kind == .badResponse)
    }

    @Test(
        "a request that can't be sent is refused before anything is",
        arguments: [
            HTTPRequest(.get, "ftp://127.0.0.1/"), HTTPRequest(.get, "127.0.0.1"),
            HTTPRequest(.get, "http://user:secret@127.0.0.1/"),
            HTTPRequest(.get, "http://127.0.0.1/a b"), HTTPRequest(.get, "http://127.0.0.1/ü"), HTTPRequest(.get, "http:///x"),
            HTTPRequest(.get, "http://127.0.0.1/\r\nX: y"), HTTPRequest("GE T", "http://127.0.0.1/"),
            HTTPRequest(.get, "http://127.0.0.1/", headers: ["X": "a\r\nsecret: b"]),
            HTTPRequest(.get, "http://127.0.0.1/", headers: ["X Y": "a"]),
            HTTPRequest(.get, "http://127.0.0.1/", headers: ["Content-Length": "5"]),
            HTTPRequest(.head, "http://127.0.0.1/", body: .text("x")), HTTPRequest(.get, "http://127.0.0.1:99999/"),
            HTTPRequest(.get, "http://127.0.0.1/" + String(repeating: "x", count: 20_000)),
        ])
    func unusable(request: HTTPRequest) async {
        let error = await error(request)
        #expect(error?.kind == .unusable)
        #expect(error?.isRetriable == false)
        #expect(error.map { "\($0)" }?.contains("secret") == false)
    }

    @Test("a host without an address and a port without a listener are told apart")
    func unreachable() async throws {
        #expect(await error(HTTPRequest(.get, "http://no-such-host.invalid/"))?.kind == .couldNotResolve)
        let port = try FreePort.find()
        let error = await error(HTTPRequest(.get, "http://127.0.0.1:\(port)/?key=secret"))
        #expect(error?.kind == .couldNotConnect)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("a silent server is stalled; a slow one that keeps sending is not")
    func stalled() async throws {
        let server = try RawServer { connection in
            guard let request = try connection.readRequest() else { return }
            guard request.line.contains("slow") else { return connection.waitForClose() }
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            for _ in 0..<10 {
                usleep(200_000)
                try connection.write("x")
            }
        }
        defer { server.stop() }
        let limits = TransferLimits(stall: .milliseconds(1500))
        #expect(await error(HTTPRequest(.get, server.url + "/silent", limits: limits))?.kind == .stalled)
        // 2 s in all.
        #expect(await error(HTTPRequest(.get, server.url + "/slow", limits: limits))?.description == nil)
    }

    @Test("a transfer that takes longer than its total limit ends, however busy it is")
    func total() async throws {
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\n\r\n")
            while true {
                usleep(20_000)
                try connection.write("x")
            }
        }
        defer { server.stop() }
        let request = HTTPRequest(.get, server.url + "/", limits: TransferLimits(total: .milliseconds(300)))
        #expect(await error(request)?.kind == .timedOut(.total))
    }

    @Test("a server that accepts no connection is left after the connect limit")
    func connectLimit() async throws {
        // TEST-NET-1 has no hosts; where it is refused at once instead, the error is another.
        let request = HTTPRequest(.get, "http://192.0.2.1:81/", limits: TransferLimits(connect: .milliseconds(300)))
        let kind = await error(request)?.kind
        #expect(kind == .timedOut(.connect) || kind == .couldNotConnect)
    }
}
