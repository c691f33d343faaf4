import Contracts
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

@testable import Evaluation

/// Business days of a simulated vendor that has evaluations, and a worker's handler for them.
struct SimulatedWeek: Sendable {
    /// The business day 2026-03-02 of Manila.
    static let start = "2026-03-01T16:00:00Z"
    static let now = "2026-03-09T00:00:00Z"

    var vendor: SimulatorConfiguration
    var store: any ObjectStore = MemoryObjectStore()
    var configuration = EvaluationConfiguration()
    /// What is done to answers on their way.
    var meddle: @Sendable (Meddled) -> Meddling? = { _ in nil }

    init(conversationsPerDay: Int = 60, _ change: (inout SimulatorConfiguration) -> Void = { _ in }) {
        vendor = SimulatorConfiguration()
        vendor.now = SimulatorInstant(Self.now)
        vendor.isClockFrozen = true
        vendor.rateLimit = nil
        vendor.data.conversationsPerDay = conversationsPerDay
        vendor.data.evaluationEvery = 2
        configuration.conversationDays = 9
        configuration.settleMargin = 0
        configuration.leastWindow = 60
        change(&vendor)
    }

    /// What tests use of a running vendor.
    struct Running: Sendable {
        let week: SimulatedWeek
        let simulator: VendorSimulator
        let handler: EvaluationHandler
        let client: GenesysCloudClient

        func handle(_ job: Job) async throws -> Outcome {
            try await handler.handle(job, JobContext(attempt: 1, worker: "w@0", logger: .quiet))
        }

        /// The result of a job that is done.
        func done(_ job: Job) async throws -> JobResult {
            guard case .done(let result) = try await handle(job) else { throw NotDone() }
            return result
        }

        /// What became of a job that failed.
        func failure(_ job: Job) async throws -> Outcome {
            do {
                return try await handle(job)
            } catch let error as any OutcomeError {
                return error.outcome
            }
        }

        /// What a perfect reader has of a day now.
        func truth(_ day: Int = 0) throws -> [EvaluationTruth.Evaluation] {
            let interval = SimulatedWeek.interval(day)
            let text = "\(Timestamp.string(interval.start))/\(Timestamp.string(interval.end))"
            return simulator.evaluations(try #require(SimulatorInterval(text))).evaluations
        }

        /// How often a path was asked for.
        func calls(_ path: String) -> Int { simulator.requests.entries.count { $0.path.contains(path) } }
    }

    struct NotDone: Error {}

    /// The interval of a business day, counted from 2026-03-02.
    static func interval(_ day: Int) -> Interval {
        let start = (Timestamp.date(Self.start) ?? .distantPast).addingTimeInterval(Double(day) * 86_400)
        guard let interval = Interval(start: start, end: start.addingTimeInterval(86_400)) else { preconditionFailure() }
        return interval
    }

    static func name(_ day: Int) -> String { String(Timestamp.string(interval(day).end).prefix(10)) }

    static func job(
        _ day: Int = 0, revision: Int = 0, dataset: String = "evaluations", parameters: [String: JSONValue] = [:]
    ) -> Job {
        Job(
            id: "\(dataset)-\(name(day))", kind: "evaluation", source: "genesys/main", dataset: dataset, day: name(day),
            interval: interval(day), revision: revision, createdAt: .distantPast, parameters: .object(parameters))
    }

    static func sweep(_ day: Int, revision: Int = 0) -> Job {
        job(day, revision: revision, dataset: "evaluations-sweep", parameters: ["task": .string("sweep")])
    }

    static func folder(_ day: Int, dataset: String = "evaluations") -> String {
        "genesys/\(dataset)/\(name(day).replacing("-", with: "/"))"
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
                genesys, transport: MeddlingTransport(base: http, meddle: meddle),
                limiter: RateLimiter(RateLimiter.Allowance(requests: 100_000, per: .seconds(60)), clock: clock), clock: clock,
                logger: .quiet)
            let now: @Sendable () -> Date = {
                Date(timeIntervalSince1970: Double(simulator.clock.now.milliseconds) / 1000)
            }
            let handler = EvaluationHandler(client: client, store: store, configuration: configuration, now: now)
            try await body(Running(week: self, simulator: simulator, handler: handler, client: client))
        }
        await http.shutdown()
    }

    // MARK: The lake

    /// One line of the lake, and what it says.
    struct Line: Sendable {
        let text: String
        let record: EvaluationRecord

        /// The id, the version and the change.
        var key: String { "\(record.id ?? "") \(record.version) \(record.changed)" }
    }

    func manifest(_ day: Int = 0, dataset: String = "evaluations") async throws -> Manifest? {
        let key = try ObjectKey("\(Self.folder(day, dataset: dataset))/_manifest.\(dataset)-\(Self.name(day)).json")
        guard try await store.head(key) != nil else { return nil }
        return try Manifest.decode(try await store.read(key, upTo: 1 << 24))
    }

    /// The lines of all objects that the manifest names; checks that they are what it says, and that there is nothing else.
    func lines(_ day: Int = 0, dataset: String = "evaluations") async throws -> [Line] {
        let found = try await manifest(day, dataset: dataset)
        let manifest = try #require(found)
        var lines: [Line] = []
        for object in manifest.objects {
            let bytes = try await store.read(ObjectKey(object.key), upTo: 1 << 28)
            #expect(bytes.count == object.bytes && bytes.last == UInt8(ascii: "\n"))
            #expect(try await store.head(ObjectKey(object.key))?.sha256 == object.sha256)
            let pieces = bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
            #expect(pieces.count == object.records)
            lines += pieces.map { piece in
                piece.withUnsafeBytes {
                    Line(
                        text: String(decoding: piece, as: UTF8.self),
                        record: EvaluationRecord(RawRecord(bytes: $0), dates: ["assignedDate", "createdDate"]))
                }
            }
        }
        let present = try await store.list(prefix: "\(Self.folder(day, dataset: dataset))/genesys_").collect().map(\.key.text)
        #expect(Set(present) == Set(manifest.objects.map(\.key)), "nothing but what the manifest names")
        return lines
    }

    /// Checks that the lake has every evaluation of a day in its latest version, byte for byte in one of the vendor's two forms,
    /// and no version twice.
    func expectTruth(_ truth: [EvaluationTruth.Evaluation], _ day: Int = 0) async throws {
        let lines = try await lines(day)
        #expect(Set(lines.map(\.key)).count == lines.count, "no version twice")
        let byKey = Dictionary(lines.map { ($0.key, $0.text) }, uniquingKeysWith: { first, _ in first })
        #expect(Set(lines.compactMap(\.record.id)) == Set(truth.map(\.id)))
        for evaluation in truth {
            let text = byKey["\(evaluation.id) \(evaluation.version) \(evaluation.changed)"]
            #expect(text.map { Self.forms(evaluation).contains($0) } == true, "\(evaluation.id)")
        }
    }

    /// The forms that an evaluation may have in the lake: the listing's, the point read's, and that with what only the listing has.
    static func forms(_ evaluation: EvaluationTruth.Evaluation) -> [String] {
        let team = evaluation.listing.firstMatch(of: /,"agentTeam":\{"id":"[^"]*"\}/).map { String($0.output) } ?? ""
        return [evaluation.listing, evaluation.point, "\(evaluation.point.dropLast())\(team)}"]
    }
}

extension SimulatorInstant {
    /// This many days later.
    func days(_ count: Double) -> SimulatorInstant { adding(milliseconds: Int64(count * 86_400_000)) }
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
