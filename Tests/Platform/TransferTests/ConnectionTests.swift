import Foundation
import Synchronization
import TestSupport
import Testing
import Transfer

@Suite("HTTP client: connections and threads", .serialized)
struct ConnectionTests {
    @Test("requests one after the other share a connection")
    func reuse() async throws {
        let client = HTTPClient()
        let server = try echo()
        defer { server.stop() }
        for number in 0..<20 {
            let response = try await client.send(HTTPRequest(.post, server.url + "/", body: .text("\(number)")))
            #expect(try await response.body.collect(upTo: 10) == Array("\(number)".utf8))
        }
        #expect(server.accepted == 1)
    }

    @Test("50 requests at once use no more connections than allowed, and all are answered")
    func parallel() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.maximumConnectionsPerHost = 5
        let client = HTTPClient(configuration)
        let server = try echo()
        defer { server.stop() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let response = try await client.send(HTTPRequest(.post, server.url + "/", body: .text("\(number)")))
                    return try await response.body.collect(upTo: 10) == Array("\(number)".utf8)
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(server.mostOpen <= 5)
        #expect(server.accepted <= 5)
    }

    @Test("waiting for a free connection is neither stalled nor forgotten, but counts for the total limit")
    func waiting() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.maximumConnectionsPerHost = 1
        let client = HTTPClient(configuration)
        let release = Signal()
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                if request.line.contains("hold") { while !release.isSet { usleep(1000) } }
                try connection.respond(body: [1])
            }
        }
        defer { server.stop() }
        async let held = client.send(HTTPRequest(.get, server.url + "/hold"))
        while server.accepted == 0 { await Task.yield() }
        async let patient = client.send(HTTPRequest(.get, server.url + "/", limits: TransferLimits(stall: .milliseconds(100))))
        do {
            _ = try await client.send(HTTPRequest(.get, server.url + "/", limits: TransferLimits(total: .milliseconds(400))))
            Issue.record("the only connection is taken")
        } catch {
            #expect(error.kind == .timedOut(.total))
        }
        release.set()
        #expect(try await held.body.collect(upTo: 10) == [1])
        #expect(try await patient.status == 200)
    }

    @Test("200 clients are made, used and shut down without leaving a thread or a descriptor")
    func noLeaks() async throws {
        let server = try echo()
        defer { server.stop() }
        try await round(server)
        let threads = ProcessFigures.threads
        let descriptors = ProcessFigures.descriptors
        for _ in 0..<200 { try await round(server) }
        // The server's side of the connections goes a moment later, and so do idle threads of others in this process.
        for _ in 0..<500 where ProcessFigures.descriptors > descriptors + 20 || ProcessFigures.threads > threads + 20 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(ProcessFigures.threads < threads + 50)
        #expect(ProcessFigures.descriptors < descriptors + 50)
    }

    @Test("200 clients that are dropped instead leave nothing either")
    func noLeaksWhenDropped() async throws {
        let server = try echo()
        defer { server.stop() }
        let threads = ProcessFigures.threads
        for _ in 0..<200 {
            let response = try await HTTPClient().send(HTTPRequest(.post, server.url + "/", body: .text("x")))
            // The client is gone already; its last transfer is not.
            #expect(try await response.body.collect(upTo: 10) == Array("x".utf8))
        }
        for _ in 0..<500 where ProcessFigures.threads > threads + 20 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(ProcessFigures.threads < threads + 50)
    }

    @Test("a shut-down client fails what is running and refuses what comes")
    func shutDown() async throws {
        let client = HTTPClient()
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            connection.waitForClose()
        }
        defer { server.stop() }
        let response = try await client.send(HTTPRequest(.get, server.url + "/"))
        await client.shutdown()
        await client.shutdown()
        do {
            for try await _ in response.body {}
            Issue.record("the body is not complete")
        } catch {
            #expect(error.kind == .clientShutDown)
        }
        do {
            _ = try await client.send(HTTPRequest(.get, server.url + "/"))
            Issue.record("the client is shut down")
        } catch {
            #expect(error.kind == .clientShutDown)
        }
    }

    @Test("an idle client and a paused transfer use no processor time")
    func idle() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.threadName = "idle-test"
        let client = HTTPClient(configuration)
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                try connection.respond(body: [UInt8](repeating: 0, count: request.line.contains("large") ? 50 << 20 : 1))
            }
        }
        defer { server.stop() }
        _ = try await client.send(HTTPRequest(.get, server.url + "/")).body.collect(upTo: 10)
        let paused = try await client.send(HTTPRequest(.get, server.url + "/large"))
        try await Task.sleep(for: .milliseconds(500))
        let before = try ticks(ofThreadsNamed: "idle-test")
        try await Task.sleep(for: .seconds(1))
        #expect(try ticks(ofThreadsNamed: "idle-test") - before < 10)
        withExtendedLifetime(paused) {}
    }

    private func echo() throws -> RawServer {
        try RawServer { connection in
            while let request = try connection.readRequest() { try connection.respond(body: request.body) }
        }
    }

    private func round(_ server: RawServer) async throws {
        let client = HTTPClient()
        let response = try await client.send(HTTPRequest(.post, server.url + "/", body: .text("x")))
        #expect(try await response.body.collect(upTo: 10) == Array("x".utf8))
        await client.shutdown()
    }

    /// Processor time of the threads of a name, in clock ticks of 10 ms.
    private func ticks(ofThreadsNamed name: String) throws -> Int {
        var ticks = 0
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            // Threads of other tests end while this one looks.
            guard let stat = try? String(contentsOfFile: "/proc/self/task/\(thread)/stat", encoding: .utf8),
                stat.contains("(\(name))")
            else { continue }
            let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
            ticks += [11, 12].reduce(0) { $0 + (fields.count > $1 ? Int(fields[$1]) ?? 0 : 0) }
        }
        return ticks
    }
}
