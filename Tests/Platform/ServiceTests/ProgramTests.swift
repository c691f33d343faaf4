import CoreMetrics
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import Service

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

private func get(_ url: String) async throws -> (status: Int, type: String, body: String) {
    let (data, response) = try await URLSession.shared.data(from: #require(URL(string: url)))
    let http = try #require(response as? HTTPURLResponse)
    return (http.statusCode, http.value(forHTTPHeaderField: "Content-Type") ?? "", String(decoding: data, as: UTF8.self))
}

/// A service that runs until it's told to stop, and tells what happened to it.
private final class Probe: ServiceLifecycle.Service {
    let name: String
    let stubborn: Bool
    let failure: (any Error)?
    let events: AsyncStream<String>.Continuation

    init(
        _ name: String, stubborn: Bool = false, failure: (any Error)? = nil, events: AsyncStream<String>.Continuation
    ) {
        self.name = name
        self.stubborn = stubborn
        self.failure = failure
        self.events = events
    }

    func run() async throws {
        events.yield("\(name) started")
        do {
            if stubborn {
                try await Task.sleep(for: .seconds(3600))
            } else {
                try await gracefulShutdown()
            }
            events.yield("\(name) stopped")
        } catch {
            events.yield("\(name) cancelled")
            throw failure ?? error
        }
    }
}

private struct Failing: ServiceLifecycle.Service {
    let error: (any Error)?
    func run() async throws { if let error { throw error } }
}

@Suite("Admin server", .timeLimit(.minutes(5)))
struct AdminServerTests {
    @Test("metrics, liveness, readiness and the program's own routes are served on a free port")
    func routes() async throws {
        let health = HealthRegistry()
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "jobs", dimensions: []).increment(by: 3)
        let kafka = health.indicator("kafka")
        let alive = Mutex(true)
        health.addCheck("loop", for: .liveness) { alive.withLock { $0 } ? .passing : .failing("has not moved for 60 s") }
        let server = AdminServer(configuration: AdminConfiguration(), health: health, metrics: metrics) { router in
            router.get("page") { _, _ in "hello" }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try #require(await server.boundPort())
            let base = "http://127.0.0.1:\(port)"
            let text = try await get("\(base)/metrics")
            #expect(text.status == 200 && text.type == PrometheusMetrics.contentType && text.body.contains("jobs_total 3\n"))
            #expect(try await get("\(base)/page").body == "hello")
            #expect(try await get("\(base)/nothing").status == 404)
            var ready = try await get("\(base)/readyz")
            #expect(ready.status == 503)
            #expect(ready.body == #"{"status":"failing","checks":1,"failing":{"kafka":"has not started yet"}}"# + "\n")
            kafka.set(.passing)
            ready = try await get("\(base)/readyz")
            #expect(ready.status == 200 && ready.body == #"{"status":"passing","checks":1,"failing":{}}"# + "\n")
            #expect(try await get("\(base)/healthz").status == 200)
            alive.withLock { $0 = false }
            #expect(try await get("\(base)/healthz").status == 503)
            health.beginDraining()
            ready = try await get("\(base)/readyz")
            #expect(ready.status == 503 && ready.body.contains("draining"))
            group.cancelAll()
        }
    }

    @Test("an address that is taken is a configuration failure that names the keys")
    func addressInUse() async throws {
        let taken = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(taken.localAddress?.port)
        let server = AdminServer(
            configuration: AdminConfiguration(port: port), health: HealthRegistry(), metrics: PrometheusMetrics())
        let failure = await #expect(throws: ProgramFailure.self) { try await server.run() }
        #expect(failure?.exit == .configuration)
        #expect(failure?.message.hasPrefix("admin.host, admin.port: cannot listen on 127.0.0.1:\(port)") == true)
        #expect(await server.boundPort() == nil)
        try await taken.close()
    }

    @Test("waiting for readiness ends when the last indicator passes, or by cancellation")
    func waiting() async throws {
        let health = HealthRegistry()
        let indicators = (0..<50).map { health.indicator("i\($0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { try await health.waitUntilReady() } }
            for indicator in indicators { group.addTask { indicator.set(.passing) } }
            try await group.waitForAll()
        }
        indicators[7].set(.failing("lost"))
        let task = Task { try await health.waitUntilReady() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

extension ServerBootstrap {
    /// A port that was free a moment ago.
    fileprivate static func freePort() async throws -> Int? {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0)
            .get()
        let port = channel.localAddress?.port
        try await channel.close()
        return port
    }
}

@Suite("Program", .timeLimit(.minutes(5)))
struct ProgramTests {
    private let events = AsyncStream.makeStream(of: String.self)
    private let signals = AsyncStream.makeStream(of: String.self)
    private let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    private func supervisor(grace: String = "25s", readyFile: String? = nil) throws -> ProgramSupervisor {
        let settings = try Settings(yaml: "shutdown.grace: \(grace)")
        let context = ProgramContext(
            name: "probe", instance: "i", settings: settings, health: HealthRegistry(), metrics: PrometheusMetrics())
        return ProgramSupervisor(context: context, common: CommonConfiguration(settings), readyFile: readyFile, endByForce: {})
    }

    private func next(_ count: Int) async -> [String] {
        var seen: [String] = []
        for await event in events.stream {
            seen.append(event)
            if seen.count == count { break }
        }
        return seen
    }

    @Test("the first signal stops the services in reverse order")
    func gracefulStop() async throws {
        let supervisor = try supervisor()
        let parts = ProgramParts(services: [Probe("a", events: events.continuation), Probe("b", events: events.continuation)])
        async let result: Void = supervisor.run(signals: signals.stream) { parts }
        #expect(await Set(next(2)) == ["a started", "b started"])
        signals.continuation.yield("SIGTERM")
        #expect(await next(2) == ["b stopped", "a stopped"])
        try await result
        #expect(!supervisor.context.health.report(.readiness).isPassing)
    }

    @Test("the second signal cancels what does not stop")
    func hardStop() async throws {
        let supervisor = try supervisor()
        let parts = ProgramParts(services: [Probe("a", stubborn: true, events: events.continuation)])
        async let result: Void = supervisor.run(signals: signals.stream) { parts }
        #expect(await next(1) == ["a started"])
        signals.continuation.yield("SIGTERM")
        signals.continuation.yield("SIGTERM")
        #expect(await next(1) == ["a cancelled"])
        try await result
    }

    @Test("what a part says after the second signal is how the program ends")
    func failureAfterHardStop() async throws {
        let supervisor = try supervisor()
        let failure = ProgramFailure(.temporary, "jobs were handed back")
        let parts = ProgramParts(services: [
            Probe("a", stubborn: true, failure: failure, events: events.continuation)
        ])
        let signals = signals
        async let end = #expect(throws: ProgramFailure.self) { try await supervisor.run(signals: signals.stream) { parts } }
        #expect(await next(1) == ["a started"])
        signals.continuation.yield("SIGTERM")
        signals.continuation.yield("SIGINT")
        #expect(await next(1) == ["a cancelled"])
        #expect(await end == failure)
    }

    @Test("the end of the grace period cancels what does not stop")
    func graceEnds() async throws {
        let supervisor = try supervisor(grace: "1ms")
        let parts = ProgramParts(services: [Probe("a", stubborn: true, events: events.continuation)])
        async let result: Void = supervisor.run(signals: signals.stream) { parts }
        #expect(await next(1) == ["a started"])
        signals.continuation.yield("SIGINT")
        #expect(await next(1) == ["a cancelled"])
        try await result
    }

    @Test("a signal during a slow start interrupts it, without failure")
    func signalWhileBuilding() async throws {
        let supervisor = try supervisor()
        let continuation = events.continuation
        async let result: Void = supervisor.run(signals: signals.stream) {
            continuation.yield("building")
            do { try await Task.sleep(for: .seconds(3600)) } catch { throw ProgramFailure(.temporary, "no broker answers") }
            return ProgramParts(services: [])
        }
        #expect(await next(1) == ["building"])
        signals.continuation.yield("SIGTERM")
        try await result
    }

    @Test("operators are served while the parts are being built, and the program's own routes come with them")
    func servedWhileBuilding() async throws {
        let supervisor = try supervisor()
        let health = supervisor.context.health
        let port = try #require(try await ServerBootstrap.freePort())
        let gate = AsyncStream.makeStream(of: Void.self)
        let probe = Probe("a", events: events.continuation)
        let settings = try Settings(yaml: "admin.port: \(port)")
        let common = CommonConfiguration(settings)
        let waiting = ProgramSupervisor(context: supervisor.context, common: common, readyFile: nil, endByForce: {})
        let continuation = events.continuation
        async let result: Void = waiting.run(signals: signals.stream) {
            continuation.yield("building")
            for await _ in gate.stream { break }
            return ProgramParts(services: [probe]) { router in router.get("page") { _, _ in "hello" } }
        }
        #expect(await next(1) == ["building"])
        let base = "http://127.0.0.1:\(port)"
        let ready = try await get("\(base)/readyz")
        #expect(ready.status == 503 && ready.body.contains("start"), "\(ready)")
        #expect(try await get("\(base)/healthz").status == 200)
        #expect(try await get("\(base)/page").status == 404)
        gate.continuation.yield()
        #expect(await next(1) == ["a started"])
        #expect(try await get("\(base)/page").body == "hello")
        #expect(try await get("\(base)/readyz").status == 200)
        #expect(health.report(.readiness).isPassing)
        signals.continuation.yield("SIGTERM")
        try await result
    }

    @Test("an admin address that is taken ends the program before its parts are built")
    func takenAddress() async throws {
        let taken = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(taken.localAddress?.port)
        let supervisor = try supervisor()
        let waiting = ProgramSupervisor(
            context: supervisor.context, common: CommonConfiguration(try Settings(yaml: "admin.port: \(port)")), readyFile: nil,
            endByForce: {})
        let continuation = events.continuation
        let failure = await #expect(throws: ProgramFailure.self) {
            try await waiting.run(signals: signals.stream) {
                continuation.yield("building")
                return ProgramParts(services: [])
            }
        }
        #expect(failure?.exit == .configuration)
        events.continuation.finish()
        #expect(await next(1).isEmpty)
        try await taken.close()
    }

    @Test("a service that fails stops the others gracefully and its error is the program's")
    func failure() async throws {
        let supervisor = try supervisor()
        let parts = ProgramParts(services: [
            Probe("a", events: events.continuation), Failing(error: ProgramFailure(.temporary, "the broker is gone")),
        ])
        let failure = await #expect(throws: ProgramFailure.self) { try await supervisor.run(signals: signals.stream) { parts } }
        #expect(failure == ProgramFailure(.temporary, "the broker is gone"))
        #expect(await next(2) == ["a started", "a stopped"])
    }

    @Test("a service that ends by itself ends the program with a failure")
    func unexpectedEnd() async throws {
        let supervisor = try supervisor()
        let parts = ProgramParts(services: [Failing(error: nil)])
        let failure = await #expect(throws: ProgramFailure.self) { try await supervisor.run(signals: signals.stream) { parts } }
        #expect(failure?.exit == .failure)
    }

    @Test("the ready file appears, whole, once the program is ready")
    func readyFile() async throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "ready.json").path
        let supervisor = try supervisor(readyFile: path)
        let indicator = supervisor.context.health.indicator("kafka")
        let parts = ProgramParts(services: [Probe("a", events: events.continuation)])
        async let result: Void = supervisor.run(signals: signals.stream) { parts }
        #expect(await next(1) == ["a started"])
        #expect(!FileManager.default.fileExists(atPath: path))
        indicator.set(.passing)
        while !FileManager.default.fileExists(atPath: path) { try await Task.sleep(for: .milliseconds(2)) }
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any]
        #expect(object?["pid"] as? Int == Int(getpid()))
        let admin = try #require(object?["admin"] as? String)
        #expect(try await get("\(admin)/readyz").status == 200)
        signals.continuation.yield("SIGTERM")
        try await result
    }

    @Test(
        "a wrong configuration ends with 78 before anything is built",
        arguments: [
            "fetch.page-size: 1000", "fetch.size: 3", "a: [", "log.level: loud",
        ])
    func configuration(yaml: String) async throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "probe.yaml").path
        try Data(yaml.utf8).write(to: URL(filePath: path))
        let built = Mutex(false)
        func run(_ file: String) async -> ProgramExit {
            await Program("probe", summary: "a test") { settings in
                settings.int("fetch.page-size", default: 100, in: 1...100)
            } build: { _, _ in
                built.withLock { $0 = true }
                return ProgramParts(services: [])
            }.run(ProgramOptions(configurationFile: file), environment: [:])
        }
        #expect(await run(path) == .configuration)
        #expect(await run(path + ".missing") == .configuration)
        #expect(!built.withLock { $0 })
    }

    @Test("the command line is parsed strictly")
    func options() throws {
        #expect(
            try ProgramOptions.parse(["--config", "a.yaml", "--ready-file=r", "--print-config"])
                == .run(ProgramOptions(configurationFile: "a.yaml", readyFile: "r", printsConfiguration: true)))
        #expect(try ProgramOptions.parse([]) == .run(ProgramOptions()))
        #expect(try ProgramOptions.parse(["--help", "--nonsense"]) == .help)
        for wrong in [["--config"], ["--config="], ["--nonsense"], ["file"], ["--print-config=yes"]] {
            let failure = #expect(throws: ProgramFailure.self) { try ProgramOptions.parse(wrong) }
            #expect(failure?.exit == .usage)
        }
    }
}
