import Contracts
import Extraction
import Foundation
import GenesysCloud
import Logging
import ObjectStorage
import Records
import Synchronization
import TestSupport
import Testing
import Transfer
import VendorSimulator
import WorkerKit

@testable import Conversation

/// A business day of a simulated vendor, and a worker's handler for it.
struct SimulatedDay: Sendable {
    static let interval = "2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z"
    static let now = "2026-03-09T00:00:00Z"
    static let folder = "genesys/conversations/2026/03/02"

    var vendor: SimulatorConfiguration
    var store: any ObjectStore & Sendable = MemoryObjectStore()
    var configuration = ConversationConfiguration()
    var secret = "simulator-secret"

    init(conversationsPerDay: Int = 450, _ change: (inout SimulatorConfiguration) -> Void = { _ in }) {
        vendor = SimulatorConfiguration()
        vendor.now = SimulatorInstant(Self.now)
        vendor.isClockFrozen = true
        vendor.rateLimit = nil
        vendor.data.conversationsPerDay = conversationsPerDay
        change(&vendor)
    }

    /// What tests use of a running vendor.
    struct Running: Sendable {
        let simulator: VendorSimulator
        let handler: ConversationHandler
        let truth: @Sendable () throws -> Truth

        /// How often pages were asked for.
        var pages: Int {
            simulator.requests.entries.count { $0.service == "api" }
        }

        func handle(_ job: Job = SimulatedDay.job(), _ checkpoint: JobCheckpoint? = nil) async throws -> Outcome {
            try await handler.handle(job, JobContext(attempt: 1, worker: "w@0", logger: .quiet, checkpoint: checkpoint))
        }

        /// The result of a job that is done.
        func done(_ job: Job = SimulatedDay.job(), _ checkpoint: JobCheckpoint? = nil) async throws -> JobResult {
            guard case .done(let result) = try await handle(job, checkpoint) else { throw NotDone() }
            return result
        }

        /// Runs a job, all that it divides itself into, and all that it asks for besides, as a worker would.
        ///
        /// - Returns: the results of those that are done, by job id.
        @discardableResult
        func complete(_ job: Job) async throws -> [String: JobResult] {
            var results: [String: JobResult] = [:]
            var waiting = [job]
            while let next = waiting.popLast() {
                switch try await handle(next) {
                case .done(let result):
                    results[next.id] = result
                    waiting += result.successors
                case .children(let children, _):
                    waiting += children.map { child in
                        var child = child
                        child.parent = next.id
                        child.root = next.root
                        child.revision = next.revision
                        return child
                    }
                default: throw NotDone()
                }
            }
            return results
        }

        /// What became of a job that failed.
        func failure(_ job: Job = SimulatedDay.job(), _ checkpoint: JobCheckpoint? = nil) async throws -> Outcome {
            do {
                return try await handle(job, checkpoint)
            } catch let error as any OutcomeError {
                return error.outcome
            }
        }
    }

    struct NotDone: Error {}

    static func job(revision: Int = 0, parameters: JSONValue = .object([:])) -> Job {
        Job(
            id: "daily-20260302", kind: "conversation", source: "genesys/main", dataset: "conversations", day: "2026-03-02",
            interval: Interval(
                start: Timestamp.date("2026-03-01T16:00:00Z") ?? .distantPast,
                end: Timestamp.date("2026-03-02T16:00:00Z") ?? .distantFuture),
            revision: revision, createdAt: .distantPast, parameters: parameters)
    }

    static func sweep(
        _ task: String, dataset: String, day: String = "2026-03-10", number: Int = 0
    ) -> Job {
        Job(
            id: "\(dataset)-\(number)", kind: "conversation", source: "genesys/main", dataset: dataset, day: day,
            interval: job().interval, createdAt: .distantPast, parameters: .object(["task": .string(task)]))
    }

    /// Runs the vendor, the client and the handler for as long as `body` does.
    func run(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
        let simulator = try VendorSimulator(vendor, logger: .quiet)
        let http = HTTPClient(HTTPClientConfiguration())
        let clock = HastyClock()
        try await simulator.whileRunning { addresses in
            var genesys = GenesysCloudConfiguration(
                domain: "example.com", loginURL: addresses.login, apiURL: addresses.api, clientID: "simulator"
            ) { [secret] in secret }
            genesys.retry.maximumAttempts = 12
            let client = GenesysCloudClient(
                genesys, transport: http,
                limiter: RateLimiter(RateLimiter.Allowance(requests: 100_000, per: .seconds(60)), clock: clock), clock: clock,
                logger: .quiet)
            let handler = ConversationHandler(client: client, store: store, configuration: configuration) {
                Date(timeIntervalSince1970: Double(simulator.clock.now.milliseconds) / 1000)
            }
            try await body(
                Running(
                    simulator: simulator, handler: handler,
                    truth: {
                        let interval = try #require(SimulatorInterval(Self.interval))
                        return simulator.truth(interval)
                    }))
        }
        await http.shutdown()
    }

    /// What a perfect reader has of the day, whatever the vendor's matching rule.
    func truth(now: String = SimulatedDay.now) throws -> Truth {
        var plain = vendor
        plain.startDayRule = false
        plain.now = SimulatorInstant(now)
        return try VendorSimulator(plain, logger: .quiet).truth(try #require(SimulatorInterval(Self.interval)))
    }

    // MARK: The lake

    /// The manifests of the day, by job id; checks that every object is named by exactly one.
    static func manifests(_ store: any ObjectStore, folder: String = SimulatedDay.folder) async throws -> [String: Manifest] {
        var manifests: [String: Manifest] = [:]
        var named: [String] = []
        for object in try await store.list(prefix: "\(folder)/").collect() where object.key.text.contains("/_manifest.") {
            let manifest = try Manifest.decode(try await store.read(object.key, upTo: 1 << 24))
            manifests[manifest.job] = manifest
            named += manifest.objects.map(\.key)
        }
        #expect(Set(named).count == named.count, "no object belongs to two jobs")
        let present = try await store.list(prefix: "\(folder)/genesys_").collect().map(\.key.text)
        #expect(Set(present) == Set(named), "nothing but what a manifest names")
        return manifests
    }

    /// The lines of all jobs of the day, in no particular order; checks that each conversation is there once.
    static func allLines(_ store: any ObjectStore, folder: String = SimulatedDay.folder) async throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for manifest in try await manifests(store, folder: folder).values {
            for object in manifest.objects { try await ManifestRecords(store: store).read(object) { lines.append(Array($0)) } }
        }
        let ids = lines.compactMap { line in line.withUnsafeBytes { ConversationRecord.id(of: RawRecord(bytes: $0)) } }
        #expect(Set(ids).count == lines.count, "every conversation once")
        return lines
    }

    /// Checks that all jobs of the day together hold every conversation once, in its latest version, byte for byte.
    static func expectAll(_ store: any ObjectStore, _ truth: Truth) async throws {
        let lines = Set(try await allLines(store))
        let expected = Set((0..<truth.count).map { truth.line(at: $0) })
        #expect(lines.count == expected.count && lines == expected)
    }

    static func manifest(_ store: any ObjectStore) async throws -> Manifest? {
        let key = try ObjectKey("\(folder)/_manifest.daily-20260302.json")
        guard try await store.head(key) != nil else { return nil }
        return try Manifest.decode(try await store.read(key, upTo: 1 << 24))
    }

    /// The lines of all objects that the manifest names, by the pages' numbers; checks that they are what it says.
    static func lines(_ store: any ObjectStore) async throws -> [[UInt8]] {
        let found = try await manifest(store)
        let manifest = try #require(found)
        var pages: [(number: Int, lines: [[UInt8]])] = []
        for object in manifest.objects {
            let bytes = try await store.read(ObjectKey(object.key), upTo: 1 << 28)
            #expect(bytes.count == object.bytes && bytes.last == UInt8(ascii: "\n"))
            #expect(try await store.head(ObjectKey(object.key))?.sha256 == object.sha256)
            let lines = bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
            #expect(lines.count == object.records)
            let number = try #require(object.key.split(separator: "_").last.flatMap { Int($0.dropLast(5)) })
            pages.append((number, lines))
        }
        #expect(manifest.records == pages.reduce(0) { $0 + $1.lines.count })
        let named = Set(manifest.objects.map(\.key))
        let present = try await store.list(prefix: "\(folder)/genesys_").collect().map(\.key.text)
        #expect(Set(present) == named, "nothing but what the manifest names")
        return pages.sorted { $0.number < $1.number }.flatMap(\.lines)
    }

    /// Checks that the lake holds every conversation once, in its latest version, byte for byte.
    static func expectTruth(_ store: any ObjectStore, _ truth: Truth, inOrder: Bool = true) async throws {
        let lines = try await lines(store)
        let expected = (0..<truth.count).map { truth.line(at: $0) }
        #expect(lines.count == expected.count)
        if inOrder {
            #expect(lines == expected, "every record as the vendor sent it, in its order")
        } else {
            #expect(Set(lines) == Set(expected))
            #expect(Set(lines).count == lines.count)
        }
    }
}

/// A clock on which pauses pass a hundred times faster.
struct HastyClock: Clock {
    struct Instant: InstantProtocol {
        let elapsed: Swift.Duration

        func advanced(by duration: Swift.Duration) -> Instant { Instant(elapsed: elapsed + duration) }
        func duration(to other: Instant) -> Swift.Duration { other.elapsed - elapsed }
        static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
    }

    private let start = ContinuousClock.now

    var now: Instant { Instant(elapsed: (ContinuousClock.now - start) * 100) }
    var minimumResolution: Swift.Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        try await Task.sleep(until: start + deadline.elapsed / 100, clock: .continuous)
    }
}
