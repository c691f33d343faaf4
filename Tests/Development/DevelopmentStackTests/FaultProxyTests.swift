import DevelopmentStack
import TestSupport
import Testing
import Transfer

@Suite("Fault proxy")
struct FaultProxyTests {
    /// A server that answers each request with its number on that connection, behind a proxy, and a client of the proxy.
    private func withProxy(_ body: (FaultProxy, HTTPClient, RawServer) async throws -> Void) async throws {
        let server = try RawServer { connection in
            var count = 0
            while let request = try connection.readRequest() {
                count += 1
                try connection.respond(body: Array("\(count):\(request.body.count)".utf8))
            }
        }
        let proxy = try FaultProxy.start("test", upstream: server.port, speaksHTTP: true, seed: 1)
        let client = HTTPClient(HTTPClientConfiguration())
        do {
            try await body(proxy, client, server)
        } catch {
            await client.shutdown()
            await proxy.stop()
            throw error
        }
        await client.shutdown()
        await proxy.stop()
        server.stop()
    }

    private struct Answer: Equatable {
        let status: Int
        let text: String
    }

    private func send(
        _ client: HTTPClient, _ proxy: FaultProxy, _ method: HTTPMethod = .get, bytes: Int = 0, limit: Duration = .seconds(20)
    ) async throws -> Answer {
        let response = try await client.send(
            HTTPRequest(
                method, "http://\(proxy.address)/x", body: bytes > 0 ? .bytes([UInt8](repeating: 7, count: bytes)) : nil,
                limits: TransferLimits(connect: .seconds(5), total: limit)))
        return Answer(
            status: response.status, text: String(decoding: try await response.body.collect(upTo: 1 << 20), as: UTF8.self))
    }

    @Test("without a fault it passes everything, whole bodies too")
    func passes() async throws {
        try await withProxy { proxy, client, _ in
            let first = try await send(client, proxy)
            #expect(first == Answer(status: 200, text: "1:0"))
            #expect(try await send(client, proxy, .put, bytes: 3_000_000) == Answer(status: 200, text: "2:3000000"))
            #expect(proxy.figures.connections == 1)
            #expect(proxy.figures.broken == 0)
        }
    }

    @Test("it answers in the storage's place, and what it answered never reached the storage")
    func answers() async throws {
        try await withProxy { proxy, client, server in
            proxy.set(.answer(percent: 100, [.outOfSpace]))
            let refused = try await send(client, proxy, .put, bytes: 400_000)
            #expect(refused.status == 507)
            #expect(refused.text.contains("<Code>XMinioStorageFull</Code>"))
            // Reading goes on while the disk is full.
            #expect(try await send(client, proxy).status == 200)
            proxy.set(.answer(percent: 100, [.status(503)]))
            #expect(try await send(client, proxy).status == 503)
            proxy.set(nil)
            #expect(try await send(client, proxy).status == 200)
            #expect(proxy.figures.requestsStruck == 2)
            #expect(server.accepted >= 2)
        }
    }

    @Test("an answer that is lost belongs to a request that was done")
    func answerLost() async throws {
        try await withProxy { proxy, client, _ in
            proxy.set(.answer(percent: 100, [.answerLost]))
            await #expect(throws: TransferError.self) { try await send(client, proxy, .put, bytes: 10) }
            #expect(proxy.figures.requestsStruck >= 1)
            #expect(proxy.figures.broken >= 1)
        }
    }

    @Test("connections are refused, held and cut, and all is well afterwards")
    func connections() async throws {
        try await withProxy { proxy, client, _ in
            let first = try await send(client, proxy)
            #expect(first.status == 200)
            proxy.set(.refuse)
            await #expect(throws: TransferError.self) { try await send(client, proxy) }
            proxy.set(.hold)
            await #expect(throws: TransferError.self) { try await send(client, proxy, limit: .milliseconds(300)) }
            proxy.set(.throttle(bytesPerSecond: 100_000))
            #expect(try await send(client, proxy, .put, bytes: 20_000).status == 200)
            proxy.set(.delay(milliseconds: 20))
            #expect(try await send(client, proxy).status == 200)
            proxy.set(nil)
            proxy.cut()
            // The client opens another connection by itself, or is told once.
            _ = try? await send(client, proxy)
            #expect(try await send(client, proxy).status == 200)
        }
    }

    @Test("a proxy that was stopped lets nobody in and can be stopped again")
    func stops() async throws {
        try await withProxy { proxy, client, _ in
            await proxy.stop()
            await proxy.stop()
            proxy.set(nil)
            await #expect(throws: TransferError.self) { try await send(client, proxy) }
        }
    }
}
