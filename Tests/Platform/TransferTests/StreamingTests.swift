import Glibc
import Synchronization
import TestSupport
import Testing
import Transfer

@Suite("HTTP client: streams, back-pressure, cancellation", .serialized)
struct StreamingTests {
    let client = HTTPClient()

    @Test("a reader that stops reading stops the server")
    func stoppedReader() async throws {
        let sent = SendableCounter()
        let server = try fountain(sent)
        defer { server.stop() }
        let response = try await client.send(HTTPRequest(.get, server.url + "/\(300 << 20)"))
        var last = -1
        while sent.value != last || last == 0 {
            last = sent.value
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(last < 24 << 20, "the kernel's and the client's buffers hold \(last) bytes")
        withExtendedLifetime(response) {}
    }

    @Test("memory stays flat while 2 GiB go to a slow reader")
    func slowReader() async throws {
        // In a process of its own: other tests' memory doesn't count.
        await #expect(processExitsWith: .success) {
            let server = try fountain(SendableCounter())
            let client = HTTPClient()
            let size = 2 << 30
            let response = try await client.send(HTTPRequest(.get, server.url + "/\(size)"))
            let before = ProcessFigures.residentBytes
            var highest = before
            var received = 0
            for try await chunk in response.body {
                received += chunk.count
                if received % (16 << 20) < chunk.count { try await Task.sleep(for: .milliseconds(10)) }
                highest = max(highest, ProcessFigures.residentBytes)
            }
            #expect(received == size)
            #expect(highest - before < 32 << 20)
        }
    }

    @Test("a fast reader gets everything, quickly")
    func throughput() async throws {
        let server = try fountain(SendableCounter())
        defer { server.stop() }
        let size = 512 << 20
        let start = ContinuousClock.now
        let response = try await client.send(HTTPRequest(.get, server.url + "/\(size)"))
        var received = 0
        var chunks = 0
        for try await chunk in response.body {
            received += chunk.count
            chunks += 1
        }
        #expect(received == size)
        let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
        print("local download: \(Int(Double(size >> 20) / seconds)) MiB/s in chunks of \((size / chunks) >> 10) KiB")
    }

    @Test("a paused transfer is not stalled")
    func pausedIsNotStalled() async throws {
        let server = try fountain(SendableCounter())
        defer { server.stop() }
        let request = HTTPRequest(.get, server.url + "/\(20 << 20)", limits: TransferLimits(stall: .milliseconds(200)))
        let response = try await client.send(request)
        try await Task.sleep(for: .milliseconds(600))
        var received = 0
        for try await chunk in response.body { received += chunk.count }
        #expect(received == 20 << 20)
    }

    @Test("the task that reads is cancelled: it gets .cancelled at once and the server's connection ends")
    func cancelReading() async throws {
        let closed = Signal()
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            connection.waitForClose()
            closed.set()
        }
        defer { server.stop() }
        let reading = Signal()
        let task = Task { [client] () async -> TransferError? in
            do throws(TransferError) {
                let response = try await client.send(HTTPRequest(.get, server.url + "/"))
                for try await _ in response.body { reading.set() }
                return nil
            } catch {
                return error
            }
        }
        await reading.wait()
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        await closed.wait()
    }

    @Test("the task that waits for headers is cancelled: the server's connection ends")
    func cancelWaiting() async throws {
        let (asked, closed) = (Signal(), Signal())
        let server = try RawServer { connection in
            _ = try connection.readRequest()
            asked.set()
            connection.waitForClose()
            closed.set()
        }
        defer { server.stop() }
        let task = Task { [client] () async -> TransferError? in
            do throws(TransferError) {
                _ = try await client.send(HTTPRequest(.get, server.url + "/"))
                return nil
            } catch {
                return error
            }
        }
        await asked.wait()
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        await closed.wait()
    }

    @Test("a response, or an iterator, that is dropped ends the transfer")
    func dropped() async throws {
        let (first, second) = (Signal(), Signal())
        let server = try RawServer { connection in
            let request = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            connection.waitForClose()
            (request?.line.contains("first") == true ? first : second).set()
        }
        defer { server.stop() }
        _ = try await client.send(HTTPRequest(.get, server.url + "/first"))
        await first.wait()
        for try await _ in try await client.send(HTTPRequest(.get, server.url + "/second")).body { break }
        await second.wait()
    }

    @Test("a cancelled task sends nothing")
    func cancelledBefore() async throws {
        let server = try RawServer { connection in _ = try connection.readRequest() }
        defer { server.stop() }
        let go = Signal()
        let task = Task { [client] () async -> TransferError? in
            await go.wait()
            do throws(TransferError) {
                _ = try await client.send(HTTPRequest(.get, server.url + "/"))
                return nil
            } catch {
                return error
            }
        }
        task.cancel()
        go.set()
        #expect(await task.value?.kind == .cancelled)
        #expect(server.accepted == 0)
    }

    // MARK: uploads

    @Test("a streamed body arrives whole, with its length or chunked", arguments: [true, false])
    func streamedUpload(isLengthKnown: Bool) async throws {
        let server = try RawServer { connection in
            while let request = try connection.readRequest() {
                let sum = request.body.reduce(into: UInt64(7)) { $0 = $0 &* 31 &+ UInt64($1) }
                try connection.respond(
                    headers: ["X-Sum: \(sum)", "X-Chunked: \(request.header("Transfer-Encoding") ?? "no")"], body: [])
            }
        }
        defer { server.stop() }
        let chunks = (0..<300).map { index in (0..<(index * 97 % 5000)).map { UInt8(truncatingIfNeeded: $0 &* index) } }
        let all = chunks.flatMap { $0 }
        let expected = all.reduce(into: UInt64(7)) { $0 = $0 &* 31 &+ UInt64($1) }
        let body = RequestBody.stream(length: isLengthKnown ? all.count : nil) {
            let rest = Mutex(chunks[...])
            let box = Shared(rest)
            return BodyProducer {
                await Task.yield()
                return box.value.withLock { $0.popFirst() }
            }
        }
        let response = try await client.send(HTTPRequest(.put, server.url + "/", body: body))
        #expect(response.headers["x-sum"] == "\(expected)")
        #expect(response.headers["x-chunked"] == (isLengthKnown ? "no" : "chunked"))
    }

    @Test("a server that doesn't read stops the producer")
    func uploadBackPressure() async throws {
        let goOn = Signal()
        let server = try RawServer { connection in
            guard let head = try connection.readHead() else { return }
            while !goOn.isSet { usleep(1000) }
            try connection.respond(body: Array("\(try connection.readBody(of: head).body.count)".utf8))
        }
        defer { server.stop() }
        let produced = SendableCounter()
        let body = RequestBody.stream(length: nil) {
            BodyProducer {
                guard produced.value < 64 << 20 else { return nil }
                produced.add(64 << 10)
                return [UInt8](repeating: 1, count: 64 << 10)
            }
        }
        let sending = Task { [client] in
            let response = try await client.send(HTTPRequest(.put, server.url + "/", body: body))
            return try await response.body.collect(upTo: 100)
        }
        var last = -1
        while produced.value != last || last == 0 {
            last = produced.value
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(last < 16 << 20, "\(last) bytes were produced for nobody")
        goOn.set()
        #expect(try await sending.value == Array("\(64 << 20)".utf8))
    }

    @Test("a producer that is slow doesn't make the transfer stalled")
    func slowProducer() async throws {
        let server = try RawServer { connection in
            while let request = try connection.readRequest() { try connection.respond(body: request.body) }
        }
        defer { server.stop() }
        let count = SendableCounter()
        let body = RequestBody.stream(length: nil) {
            BodyProducer {
                count.add(1)
                try await Task.sleep(for: .milliseconds(300))
                return count.value <= 3 ? [UInt8(count.value)] : nil
            }
        }
        let request = HTTPRequest(.post, server.url + "/", body: body, limits: TransferLimits(stall: .milliseconds(200)))
        #expect(try await client.send(request).body.collect(upTo: 10) == [1, 2, 3])
    }

    @Test("a producer that throws, or brings another length than announced, ends the transfer", arguments: [0, 1, 2])
    func wrongProducer(mode: Int) async throws {
        struct Broken: Error {}
        let server = try RawServer { connection in
            while let request = try connection.readRequest() { try connection.respond(body: request.body) }
        }
        defer { server.stop() }
        let count = SendableCounter()
        let body = RequestBody.stream(length: mode == 0 ? nil : 100) {
            BodyProducer {
                count.add(1)
                switch mode {
                case 0: throw Broken()
                case 1: return count.value == 1 ? [1, 2, 3] : nil
                default: return count.value < 10 ? [UInt8](repeating: 0, count: 60) : nil
                }
            }
        }
        do {
            _ = try await client.send(HTTPRequest(.post, server.url + "/", body: body))
            Issue.record("the request succeeded")
        } catch {
            #expect(error.kind == .requestBodyFailed)
            #expect((error.underlying is Broken) == (mode == 0))
        }
    }

    @Test("an early refusal is returned, and the producer is told to stop")
    func earlyRefusal() async throws {
        let server = try RawServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            connection.waitForClose()
        }
        defer { server.stop() }
        let body = RequestBody.stream(length: nil) {
            BodyProducer {
                try await Task.sleep(for: .seconds(3600))
                return [1]
            }
        }
        let response = try await client.send(HTTPRequest(.put, server.url + "/", body: body))
        #expect(response.status == 413)
        #expect(try await response.body.collect(upTo: 10) == Array("no".utf8))
    }

    @Test("cancelling an upload whose producer waits ends both")
    func cancelUpload() async throws {
        let (producing, asked, closed) = (Signal(), Signal(), Signal())
        let server = try RawServer { connection in
            _ = try connection.readHead()
            asked.set()
            connection.waitForClose()
            closed.set()
        }
        defer { server.stop() }
        let body = RequestBody.stream(length: nil) {
            BodyProducer {
                producing.set()
                try await Task.sleep(for: .seconds(3600))
                return [1]
            }
        }
        let task = Task { [client] () async -> TransferError? in
            do throws(TransferError) {
                _ = try await client.send(HTTPRequest(.put, server.url + "/", body: body))
                return nil
            } catch {
                return error
            }
        }
        await producing.wait()
        await asked.wait()
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        await closed.wait()
    }

    @Test("a kept-alive connection that died is replaced, for bytes and for streams", arguments: [true, false])
    func deadConnection(isStream: Bool) async throws {
        let server = try RawServer { connection in
            guard let request = try connection.readRequest() else { return }
            try connection.respond(body: request.body)
            // The first connection takes the next request's head and dies.
            if connection.number == 1 {
                _ = try connection.readHead()
                connection.reset()
            }
        }
        defer { server.stop() }
        _ = try await client.send(HTTPRequest(.get, server.url + "/")).body.collect(upTo: 10)
        let starts = SendableCounter()
        let stream = RequestBody.stream(length: nil) {
            starts.add(1)
            let count = SendableCounter()
            return BodyProducer {
                count.add(1)
                return count.value <= 2 ? [UInt8(count.value)] : nil
            }
        }
        do {
            let response = try await client.send(HTTPRequest(.put, server.url + "/", body: isStream ? stream : .bytes([1, 2])))
            #expect(try await response.body.collect(upTo: 10) == [1, 2])
        } catch {
            // A reset that comes while the body is sent, instead of after it, is the caller's to judge.
            #expect(isStream && error.kind == .connectionLost && error.isRetriable)
        }
        #expect(server.accepted <= 3)
    }
}

/// A server that sends as much as the path says, in bytes, as fast as it can; it counts what the kernel took.
private func fountain(_ sent: SendableCounter) throws -> RawServer {
    try RawServer { connection in
        let block = [UInt8](repeating: 0x61, count: 1 << 20)
        while let request = try connection.readRequest() {
            var left = Int(request.line.split(separator: " ")[1].dropFirst()) ?? 0
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(left)\r\n\r\n")
            while left > 0 {
                let count = min(left, block.count)
                try connection.write(count == block.count ? block : Array(block.prefix(count)))
                sent.add(count)
                left -= count
            }
        }
    }
}

/// A number that several threads add to.
final class SendableCounter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func add(_ more: Int) { count.withLock { $0 += more } }
}

/// A value that can't be copied, shared by closures.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value

    init(_ value: consuming Value) { self.value = value }
}
