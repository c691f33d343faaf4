import Contracts
import Foundation
import GenesysCloud
import Logging
import ObjectStorage
import Testing
import Transfer
import VendorSimulator
import WorkerKit

@testable import UserDetails

/// A simulated vendor with users, a lake, and a worker's handler.
struct SimulatedUsers: Sendable {
    /// The business day 1 is 2026-03-01T16:00Z to 2026-03-02T16:00Z, and so on.
    static let firstEnd = "2026-03-02T16:00:00.000Z"

    var vendor: SimulatorConfiguration
    var store: any ObjectStore & Sendable = MemoryObjectStore()
    var configuration = UserDetailsConfiguration()

    init(users: Int = 24, now: String = "2026-03-20T00:00:00Z", _ change: (inout SimulatorConfiguration) -> Void = { _ in }) {
        vendor = SimulatorConfiguration()
        vendor.now = SimulatorInstant(now)
        vendor.isClockFrozen = true
        vendor.rateLimit = nil
        vendor.users.count = users
        vendor.data.conversationsPerDay = 0
        change(&vendor)
        configuration.pageSize = 6
        configuration.jobPageSize = 6
    }

    /// The interval of a number of days that follow each other.
    static func interval(_ first: Int, through last: Int? = nil) -> Interval {
        let base = Timestamp.date(firstEnd) ?? .distantPast
        let start = base.addingTimeInterval(Double(first - 2) * 86400)
        return Interval(start: start, end: base.addingTimeInterval(Double((last ?? first) - 1) * 86400))
            ?? Interval(start: base, end: base) ?? { preconditionFailure("an empty interval") }()
    }

    static func job(_ number: Int, revision: Int = 0, parameters: [String: JSONValue] = [:]) -> Job {
        let day = number + 1 < 10 ? "2026-03-0\(number + 1)" : "2026-03-\(number + 1)"
        return Job(
            id: "user-details-\(day)", kind: "user-details", source: "genesys/main", dataset: "user_details", day: day,
            interval: interval(number), revision: revision, createdAt: .distantPast, parameters: .object(parameters))
    }

    static func lookup(_ dataset: String) -> Job {
        Job(
            id: "\(dataset)-20260302", kind: "user-details", source: "genesys/main", dataset: dataset, day: "2026-03-02",
            interval: interval(1), createdAt: .distantPast)
    }

    struct NotDone: Error { let outcome: Outcome }

    /// What tests use of a running vendor.
    struct Running: Sendable {
        let simulator: VendorSimulator
        let handler: UserDetailsHandler
        let store: any ObjectStore

        func handle(_ job: Job, _ checkpoint: JobCheckpoint? = nil) async throws -> Outcome {
            do {
                return try await handler.handle(
                    job, JobContext(attempt: 1, worker: "w@0", logger: .quiet, checkpoint: checkpoint))
            } catch let error as any OutcomeError {
                return error.outcome
            }
        }

        /// The result of a job that is done.
        @discardableResult
        func done(_ job: Job, _ checkpoint: JobCheckpoint? = nil) async throws -> JobResult {
            var outcome = try await handle(job, checkpoint)
            for _ in 0..<3 {
                guard case .retry = outcome else { break }
                outcome = try await handle(job, checkpoint)
            }
            guard case .done(let result) = outcome else { throw NotDone(outcome: outcome) }
            return result
        }

        /// Does jobs and what follows from them, as workers do; all results in order.
        @discardableResult
        func work(_ jobs: [Job]) async throws -> [JobResult] {
            var queue = jobs
            var results: [JobResult] = []
            while !queue.isEmpty {
                try #require(results.count < 200, "reruns that never end")
                let result = try await done(queue.removeFirst())
                queue += result.successors
                results.append(result)
            }
            return results
        }

        /// How often a path was asked for.
        func asked(_ path: String) -> Int { simulator.requests.entries.count { $0.path.hasPrefix(path) } }

        /// All rows of these days, and those that reach into the first one.
        func truth(_ first: Int, through last: Int? = nil) throws -> [[UInt8]] {
            let interval = SimulatedUsers.interval(first, through: last)
            return simulator.userTruth(try #require(SimulatorInterval(interval.description)), reaching: true)
        }

        func advance(days: Double) { simulator.clock.advance(by: .seconds(days * 86400)) }

        /// All lines that manifests of a data set name, checked against them.
        func lines(_ dataset: String = "user_details") async throws -> [[UInt8]] {
            var lines: [[UInt8]] = []
            var named: Set<String> = []
            for object in try await store.list(prefix: "genesys/\(dataset)/").collect()
            where object.key.text.contains("/_manifest.") {
                let manifest = try Manifest.decode(try await store.read(object.key, upTo: 1 << 24))
                for object in manifest.objects {
                    let bytes = try await store.read(ObjectKey(object.key), upTo: 1 << 28)
                    #expect(bytes.count == object.bytes && bytes.last == UInt8(ascii: "\n"))
                    #expect(try await store.head(ObjectKey(object.key))?.sha256 == object.sha256)
                    let own = bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                    #expect(own.count == object.records)
                    lines += own.map { Array($0) }
                    #expect(named.insert(object.key).inserted)
                }
            }
            let present = try await store.list(prefix: "genesys/\(dataset)/").collect().map(\.key.text)
                .filter { $0.contains("/genesys_") }
            #expect(Set(present) == named, "nothing but what manifests name")
            return lines
        }

        /// Checks that the lake holds every row of these days once, in its present version, those that reach into the first day
        /// among them, and nothing else.
        func expectTruth(_ first: Int, through last: Int, _ comment: Comment? = nil) async throws {
            let lines = try await lines()
            let keys = Set(lines.compactMap { UserRow(line: $0)?.key })
            #expect(keys.count == lines.count, comment)
            #expect(Set(lines) == Set(try truth(first, through: last)), comment)
        }

        func states() async throws -> [DayState] {
            try await DayStates(store: store, source: "genesys/main", dataset: "user_details", logger: .quiet).all()
        }
    }

    /// Runs the vendor, the client and the handler for as long as `body` does.
    func run(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
        let simulator = try VendorSimulator(vendor, logger: .quiet)
        let http = HTTPClient(HTTPClientConfiguration())
        let clock = HastyClock()
        try await simulator.whileRunning { addresses in
            var genesys = GenesysCloudConfiguration(
                domain: "example.com", loginURL: addresses.login, apiURL: addresses.api, clientID: "simulator"
            ) { "simulator-secret" }
            genesys.retry.maximumAttempts = 12
            let client = GenesysCloudClient(
                genesys, transport: http,
                limiter: RateLimiter(RateLimiter.Allowance(requests: 100_000, per: .seconds(60)), clock: clock), clock: clock,
                logger: .quiet)
            let handler = UserDetailsHandler(
                client: client, store: store, configuration: configuration,
                now: { Timestamp.date(simulator.clock.now.description) ?? .distantPast })
            try await body(Running(simulator: simulator, handler: handler, store: store))
        }
        await http.shutdown()
    }
}

extension ObjectListing {
    func collect() async throws -> [ObjectInfo] {
        var objects: [ObjectInfo] = []
        for try await object in self { objects.append(object) }
        return objects
    }
}

/// A clock on which pauses pass a thousand times faster.
struct HastyClock: Clock {
    struct Instant: InstantProtocol {
        let elapsed: Swift.Duration

        func advanced(by duration: Swift.Duration) -> Instant { Instant(elapsed: elapsed + duration) }
        func duration(to other: Instant) -> Swift.Duration { other.elapsed - elapsed }
        static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
    }

    private let start = ContinuousClock.now

    var now: Instant { Instant(elapsed: (ContinuousClock.now - start) * 1000) }
    var minimumResolution: Swift.Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        try await Task.sleep(until: start + deadline.elapsed / 1000, clock: .continuous)
    }
}

extension Logger {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
