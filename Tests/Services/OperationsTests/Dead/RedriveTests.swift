import Contracts
import Foundation
import Kafka
import Synchronization
import TestSupport
import Testing

@testable import Operations

@Suite("sending dead letters back, on a real broker", .timeLimit(.minutes(5)))
struct RedriveTests {
    private func jobs(_ count: Int) -> [Job] { (0..<count).map { Sample.job("j\($0)") } }

    private func policy(canary: Int = 3, wait: Duration = .seconds(30), rate: Double = 1_000, limit: String = "5%")
        -> RedrivePolicy
    {
        var policy = RedrivePolicy()
        policy.canary = canary
        policy.canaryWait = wait
        policy.rate = rate
        policy.deathLimit = RedrivePolicy.DeathLimit(limit) ?? policy.deathLimit
        return policy
    }

    /// What the command does with `--execute`.
    private func redrive(
        _ trial: OperatorTrial, _ policy: RedrivePolicy, _ filter: DeadFilter = DeadFilter(), force: Bool = false,
        limit: Int = 1_000
    ) async throws -> RedriveReport {
        try await trial.dead.withRight { transactions in
            let selection = try await trial.dead.select(filter)
            let plan = RedrivePlan(
                selection.letters, kind: "conversation", limit: limit, known: selection.known, force: force, now: Date())
            return try await trial.dead.redrive(plan, of: selection, policy, by: "me@here", transactions)
        }
    }

    @Test("letters go back once with every byte, however often the command is run; what stays stays")
    func once() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(10), poison: [[0xff, 0, 0x1b]])
        let report = try await trial.withWorker {
            trial.event(.completed, of: $0)
        } _: {
            try await redrive(trial, policy())
        }
        #expect(report.published == 10 && report.stopped == nil && report.succeeded >= 3, "\(report)")
        let back = try await trial.records(trial.topics.jobs("conversation"))
        let ids = Set(try back.map { try Job.decode($0.value).id })
        #expect(back.count == 10 && ids.count == 10)
        let dead = try await trial.records(trial.topics.dead("conversation"))
        #expect(dead.count == 11, "nothing is deleted")
        for record in back {
            let origin = try #require(dead.first { $0.key == record.key })
            #expect(record.value == origin.value && record.headers.text(of: "kept") == "yes")
            #expect(record.headers.text(of: JobHeader.redrives) == "1" && record.headers.text(of: JobHeader.attempt) == nil)
            #expect(record.headers.text(of: JobHeader.firstOffset) == origin.headers.text(of: JobHeader.firstOffset))
            #expect(!record.headers.contains { $0.name.hasPrefix("dlq-") && $0.name != JobHeader.redrives })
        }
        let again = try await redrive(trial, policy())
        #expect(again.total == 0)
        #expect(try await trial.records(trial.topics.jobs("conversation")).count == 10)
        // By force also what can't be read; it has no outcome, so nothing waits for it beyond the time.
        let forced = try await redrive(trial, policy(canary: 0), force: true)
        #expect(forced.published == 1 && forced.pending == 1)
        let values = try await trial.records(trial.topics.jobs("conversation")).map(\.value)
        #expect(values.contains([0xff, 0, 0x1b]))
        let selection = try await trial.dead.select(DeadFilter())
        #expect(selection.letters.isEmpty && selection.marked == 11)
    }

    @Test("when the first ones die again the rest stays, and dies a death of its own only once more")
    func canary() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(12))
        let report = try await trial.withWorker {
            [trial.death(of: $0)] + trial.event(.failed, of: $0)
        } _: {
            try await redrive(trial, policy(canary: 4))
        }
        #expect(report.published == 4 && report.stopped != nil && report.died >= 1, "\(report)")
        #expect(try await trial.records(trial.topics.jobs("conversation")).count == 4)
        let left = try await trial.dead.select(DeadFilter())
        // Eight that stayed, and the new letters of those that went, which count their redrive.
        #expect(left.letters.count { $0.redrives == 0 } == 8 && left.marked == 4)
        #expect(left.letters.contains { $0.redrives == 1 })
    }

    @Test("when the first ones don't end in time the rest stays")
    func canaryTimesOut() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(5))
        let report = try await redrive(trial, policy(canary: 2, wait: .milliseconds(300)))
        #expect(report.published == 2 && report.pending == 2)
        #expect(report.stopped?.contains("had not ended") ?? false)
    }

    @Test("too many new deaths among the rest stop it")
    func stops() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(200))
        let count = Mutex(0)
        let report = try await trial.withWorker { record in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number <= 5 ? trial.event(.completed, of: record) : trial.event(.failed, of: record)
        } _: {
            try await redrive(trial, policy(canary: 5, rate: 10, limit: "3"))
        }
        #expect(report.published < 200 && report.died > 3, "\(report)")
        #expect(report.stopped?.contains("--max-new-deaths 3") ?? false)
    }

    @Test("two commands at once send no letter back twice")
    func race() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(300))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do {
                        _ = try await redrive(trial, policy(canary: 0, rate: 500))
                    } catch {
                        // Whoever was fenced stops; the others go on.
                    }
                }
            }
        }
        // Whatever the race left undone is done now.
        _ = try await redrive(trial, policy(canary: 0, rate: 10_000))
        let ids = try await trial.records(trial.topics.jobs("conversation")).map { try Job.decode($0.value).id }
        #expect(Set(ids).count == 300)
        // Whoever is fenced leaves an aborted transaction, and what of it had reached Tansu becomes visible there, letters without
        // their marks too (design, section 5).
        if TestBroker.isExternal { #expect(ids.count == 300) }
    }

    @Test("an interruption tells how far it came, and another run does the rest")
    func interrupted() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(40))
        let task = Task { try await redrive(trial, policy(canary: 0, rate: 5)) }
        while try await trial.records(trial.topics.jobs("conversation")).isEmpty { try await Task.sleep(for: .milliseconds(50)) }
        task.cancel()
        let report = try await task.value
        #expect(report.wasInterrupted && report.published > 0 && report.published < 40)
        let rest = try await redrive(trial, policy(canary: 0, rate: 10_000))
        #expect(rest.published == 40 - report.published)
        #expect(try await trial.records(trial.topics.jobs("conversation")).count == 40)
    }

    @Test("discarded letters are no longer listed or sent back, and are still there")
    func discard() async throws {
        let trial = try await OperatorTrial.make()
        try await trial.bury(jobs(3), poison: [[1], [2]])
        var filter = DeadFilter()
        filter.isReadable = false
        let poison = filter
        try await trial.dead.withRight { transactions in
            let selection = try await trial.dead.select(poison)
            #expect(selection.letters.count == 2)
            try await trial.dead.discard(selection, by: "me@here", reason: "old", now: Date(), transactions)
        }
        let left = try await trial.dead.select(DeadFilter())
        #expect(left.letters.count == 3 && left.marked == 2)
        #expect(try await trial.records(trial.topics.dead("conversation")).count == 5)
        let marks = try await trial.dead.marks()
        var seen = 0
        try await trial.dead.read(poison) { letter in
            seen += 1
            #expect(marks[letter]?.action == .discarded && marks[letter]?.reason == "old" && marks[letter]?.by == "me@here")
        }
        #expect(seen == 2)
    }

    @Test("a letter is found by its position, or not at all")
    func position() async throws {
        let trial = try await OperatorTrial.make(partitions: 1)
        try await trial.bury(jobs(2))
        #expect(try await trial.dead.letter(at: DeadLetter.Position(partition: 0, offset: 1))?.job?.id == "j1")
        #expect(try await trial.dead.letter(at: DeadLetter.Position(partition: 0, offset: 99)) == nil)
        await #expect(throws: KafkaError.self) {
            try await trial.dead.letter(at: DeadLetter.Position(partition: 9, offset: 0))
        }
    }
}
