import Contracts
import Foundation
import Kafka
import Messaging
import Service
import Synchronization
import TestSupport
import Testing

@testable import Scheduler

/// Time that passes as fast as somebody sleeps, up to an end where it stands until more is allowed.
private final class VirtualTime: Sendable {
    private struct State {
        var now: Date
        var end: Date
        var arrivals: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(from now: Date, to end: Date) { state = Mutex(State(now: now, end: end)) }

    var now: Date { state.withLock { $0.now } }

    var clock: SchedulerClock {
        SchedulerClock(now: { self.now }, sleep: { try await self.sleep($0) })
    }

    private func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        let arrivals: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            // Whoever sleeps at the end has done what was due there.
            guard state.now >= state.end else {
                state.now = min(state.end, state.now.addingTimeInterval(max(duration / .seconds(1), 0)))
                return nil
            }
            guard duration > .zero else { return nil }
            defer { state.arrivals = [] }
            return state.arrivals
        }
        guard let arrivals else { return }
        for arrival in arrivals { arrival.resume() }
        // Stands still; a new look now and then finds out whether the end was moved.
        try await Task.sleep(for: .milliseconds(5))
    }

    /// Waits until everything that is due up to the end was done.
    func arrival() async {
        await withCheckedContinuation { continuation in state.withLock { $0.arrivals.append(continuation) } }
    }

    /// Lets everybody go who waits for the end.
    func release() {
        let arrivals = state.withLock { state in
            defer { state.arrivals = [] }
            return state.arrivals
        }
        for arrival in arrivals { arrival.resume() }
    }

    func extend(to end: Date) { state.withLock { $0.end = end } }
}

/// Schedulers with topics of their own on the real broker.
private struct Bench {
    let topics = TopicNames(prefix: "s\(UUID().uuidString.prefix(8).lowercased()).")
    let kafka: KafkaConfiguration

    init() async throws {
        kafka = try await TestBroker.shared.kafka()
        try await TestBroker.shared.create([topics.scheduleState: 1, topics.jobEvents: 2, topics.jobs("conversation"): 2])
    }

    func service(_ schedules: [ScheduleDefinition], _ time: VirtualTime) -> SchedulerService {
        var configuration = SchedulerConfiguration(kafka: kafka, topics: topics, schedules: schedules)
        configuration.sessionTimeout = .seconds(6)
        configuration.interval = .seconds(12 * 3600)
        return SchedulerService(configuration, health: HealthRegistry(), clock: time.clock, logger: .quiet)
    }

    /// Runs a scheduler until all that is due was published, then cancels it.
    func run(_ schedules: [ScheduleDefinition], _ time: VirtualTime) async throws {
        let service = service(schedules, time)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Whether it ends by an error or not: nobody waits for it any longer.
                defer { time.release() }
                try await service.run()
            }
            group.addTask { await time.arrival() }
            defer { group.cancelAll() }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// All records of a topic that a read-committed reader sees.
    func records(of topic: String) async throws -> [ConsumerRecord] {
        let stream = ConsumerEvents()
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        let consumer = try await Consumer(configuration, listener: stream)
        var open = Set(try await consumer.partitions(of: topic))
        try await consumer.assign(Dictionary(uniqueKeysWithValues: open.map { ($0, StartOffset.earliest) }))
        var records: [ConsumerRecord] = []
        for try await event in stream {
            if case .record(let record) = event { records.append(record) }
            if case .reachedEnd(let partition, _) = event { open.remove(partition) }
            if open.isEmpty { break }
        }
        await consumer.close()
        return records
    }

    func jobs() async throws -> [Job] {
        try await records(of: topics.jobs("conversation")).map { try Job.decode($0.value) }
    }

    func expectations() async throws -> [JobEvent] {
        try await records(of: topics.jobEvents).map { try JobEvent.decode($0.value) }
    }

    /// Checks that a schedule's jobs are these intervals, each once, each with its expectation.
    func expect(_ name: String, _ intervals: [Interval], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let jobs = try await jobs().filter { $0.id.hasPrefix("\(name)-") }
        #expect(jobs.compactMap(\.interval).sorted() == intervals, sourceLocation: sourceLocation)
        #expect(Set(jobs.map(\.id)).count == jobs.count, sourceLocation: sourceLocation)
        let expected = try await expectations().filter { $0.expectation?.schedule == name }
        #expect(expected.allSatisfy { $0.event == .expected }, sourceLocation: sourceLocation)
        #expect(expected.map(\.job.id).sorted() == jobs.map(\.id).sorted(), sourceLocation: sourceLocation)
    }
}

private func daily(_ zoneName: String, _ name: String = "daily") throws -> ScheduleDefinition {
    try definition(name, zoneName, window: .days(1), every: .days(1), lag: 1)
}

private func hourly(_ zoneName: String, _ name: String = "hourly") throws -> ScheduleDefinition {
    try definition(name, zoneName, window: .seconds(3600), every: .seconds(3600), lag: 0)
}

private func definition(
    _ name: String, _ zoneName: String, window: WindowLength, every: WindowLength, lag: Int
) throws -> ScheduleDefinition {
    ScheduleDefinition(
        name: name, kind: "conversation", dataset: "conversations", source: "genesys/main", cadence: .every(every),
        zone: try zone(zoneName), lag: lag, window: window)
}

/// Days or hours of days by Foundation's calendar, which the scheduler doesn't use for this.
private func intervals(_ zoneName: String, from first: String, days: Int, hourly: Bool) throws -> [Interval] {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: zoneName))
    var found: [Interval] = []
    var day = calendar.startOfDay(for: utc("\(first)T12:00:00Z"))
    for _ in 0..<days {
        let next = calendar.startOfDay(for: day.addingTimeInterval(36 * 3600))
        var start = day
        while start < next {
            let end = hourly ? start.addingTimeInterval(3600) : next
            found += Interval(start: start, end: end).map { [$0] } ?? []
            start = end
        }
        day = next
    }
    return found
}

@Suite("Scheduler on a real broker", .timeLimit(.minutes(5)))
struct SchedulerServiceTests {
    @Test(
        "over clock changes in both directions every day and every hour is published once",
        arguments: [
            ("America/New_York", "2026-03-07", 23), ("America/New_York", "2026-10-31", 25), ("Europe/Berlin", "2026-03-28", 23),
            ("Europe/Berlin", "2026-10-24", 25),
        ])
    func clockChanges(_ zoneName: String, _ first: String, _ hoursOfChange: Int) async throws {
        let bench = try await Bench()
        let days = try intervals(zoneName, from: first, days: 3, hourly: false)
        let hours = try intervals(zoneName, from: first, days: 3, hourly: true)
        #expect(hours.count == 48 + hoursOfChange)
        // Begins at the first midnight, ends where the third day has just become publishable.
        let time = VirtualTime(from: days[0].start, to: days[2].end)
        try await bench.run([try daily(zoneName), try hourly(zoneName)], time)
        try await bench.expect("hourly", hours)
        try await bench.expect("daily", days)
        let promised = try await bench.expectations().filter { $0.job.day == days[1].dayText(zoneName) }
        #expect(Set(promised.compactMap(\.expectation?.jobsOfDay)) == [1, hoursOfChange])
    }

    @Test("of two schedulers one publishes; when it is cancelled the other goes on without a gap or a repetition")
    func takeOver() async throws {
        let bench = try await Bench()
        let all = try intervals("Asia/Manila", from: "2026-03-01", days: 2, hourly: true)
        let schedules = [try hourly("Asia/Manila")]
        let times = (0..<2).map { _ in VirtualTime(from: all[0].start, to: all[23].end) }
        try await withThrowingTaskGroup(of: Int.self) { group in
            let runs = times.map { time in
                let service = bench.service(schedules, time)
                return Task { try await service.run() }
            }
            for index in 0..<2 {
                group.addTask {
                    await times[index].arrival()
                    return index
                }
            }
            let leader = try #require(try await group.next())
            let standby = 1 - leader
            #expect(times[standby].now == all[0].start, "who stands by doesn't tick")
            try await bench.expect("hourly", Array(all[..<24]))
            times[standby].extend(to: all[40].end)
            runs[leader].cancel()
            _ = try await group.next()
            try await bench.expect("hourly", Array(all[...40]))
            for run in runs { run.cancel() }
            for run in runs { try await run.value }
        }
    }

    @Test("a restart repeats nothing and goes on where it was, also when the clock went back meanwhile")
    func restart() async throws {
        let bench = try await Bench()
        let all = try intervals("UTC", from: "2026-03-01", days: 1, hourly: true)
        let schedules = [try hourly("UTC")]
        try await bench.run(schedules, VirtualTime(from: all[0].start, to: all[4].end))
        try await bench.expect("hourly", Array(all[...4]))
        try await bench.run(schedules, VirtualTime(from: all[2].start, to: all[4].end))
        try await bench.expect("hourly", Array(all[...4]))
        try await bench.run(schedules, VirtualTime(from: all[9].end, to: all[9].end))
        try await bench.expect("hourly", Array(all[...9]))
        let states = try await bench.records(of: bench.topics.scheduleState).map { try ScheduleState.decode($0.value) }
        #expect(states.last?.lastIntervalEnd == all[9].end)
        #expect(zip(states, states.dropFirst()).allSatisfy { $0.lastIntervalEnd <= $1.lastIntervalEnd })
    }

    @Test("a transaction that fails publishes nothing: neither jobs nor expectations nor state; the next start makes it good")
    func failedTransaction() async throws {
        let bench = try await Bench()
        let all = try intervals("UTC", from: "2026-03-01", days: 1, hourly: true)
        var schedule = try hourly("UTC")
        schedule.start = CalendarDay("2026-03-01")
        let sound = schedule
        // The expectation and the first records fit; the job is larger than the producer sends.
        schedule.parameters = .string(String(repeating: "x", count: 20 << 20))
        let failure = await #expect(throws: ProgramFailure.self) {
            try await bench.run([schedule], VirtualTime(from: all[3].end, to: all[3].end))
        }
        #expect(failure?.exit == .temporary)
        for topic in [bench.topics.jobEvents, bench.topics.jobs("conversation"), bench.topics.scheduleState] {
            #expect(try await bench.records(of: topic).isEmpty, "\(topic)")
        }
        try await bench.run([sound], VirtualTime(from: all[3].end, to: all[3].end))
        try await bench.expect("hourly", Array(all[...3]))
    }

    @Test("a state that can't be read ends the program and says which record it is: going on would publish again")
    func unreadableState() async throws {
        let bench = try await Bench()
        let producer = try Producer(bench.kafka)
        try await producer.send(
            ProducerRecord(topic: bench.topics.scheduleState, key: Array("hourly".utf8), value: Array("{\"version\":1}".utf8)))
        await producer.close()
        let now = utc("2026-03-01T12:00:00Z")
        let failure = await #expect(throws: ProgramFailure.self) {
            try await bench.run([try hourly("UTC")], VirtualTime(from: now, to: now))
        }
        let text = failure?.description ?? ""
        #expect(
            text.contains(bench.topics.scheduleState)
                && text.contains("offset 0")
                && text.contains("schedule is missing"),
            "\(text)")
        #expect(try await bench.jobs().isEmpty)
    }

    @Test("a job carries what its worker and the monitor need")
    func job() async throws {
        let bench = try await Bench()
        var schedule = try daily("Asia/Manila", "conversations")
        schedule.deadline = .seconds(7200)
        schedule.parameters = .object(["request": .object([:])])
        let start = utc("2026-02-28T16:00:00Z")
        let end = utc("2026-03-01T16:00:00Z")
        try await bench.run([schedule], VirtualTime(from: start, to: end))
        let job = try #require(try await bench.jobs().last)
        #expect(job.id == "conversations-20260228T160000Z-20260301T160000Z" && job.root == job.id && job.revision == 0)
        #expect(job.day == "2026-03-01" && job.interval == Interval(start: start, end: end) && job.source == "genesys/main")
        #expect(job.parameters == schedule.parameters && job.createdAt == end)
        #expect(job.traceparent?.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-01/) != nil)
        let expected = try #require(try await bench.expectations().last)
        #expect(
            expected.expectation
                == JobEvent.Expectation(schedule: "conversations", deadline: end.addingTimeInterval(7200), jobsOfDay: 1))
    }
}

extension Interval {
    /// The day on which it begins, as events carry it.
    fileprivate func dayText(_ zoneName: String) -> String? {
        BusinessZone(zoneName)?.day(of: start).description
    }
}
