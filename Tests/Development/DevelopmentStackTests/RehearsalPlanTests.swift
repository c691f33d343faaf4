import Contracts
import Foundation
import Rehearsal
import Testing

@Suite("Rehearsal plan")
struct RehearsalPlanTests {
    private static let instant = Date(timeIntervalSince1970: 1_770_000_000)

    @Test("the same seed gives the same jobs, another one others")
    func seeds() {
        let plan = RehearsalPlan(seed: 7, jobs: 2_000, createdAt: Self.instant)
        let same = RehearsalPlan(seed: 7, jobs: 2_000, createdAt: Self.instant)
        #expect(plan.expectations == same.expectations)
        #expect(plan.poison == same.poison)
        #expect(RehearsalPlan(seed: 8, jobs: 2_000, createdAt: Self.instant).expectations != plan.expectations)
    }

    @Test("all kinds of jobs occur, every id once, every child's parent plans it")
    func mixture() throws {
        let plan = RehearsalPlan(seed: 1, jobs: 5_000, createdAt: Self.instant)
        let ids = plan.expectations.map(\.job.id)
        #expect(Set(ids).count == ids.count)
        #expect((5_000...5_200).contains(ids.count))
        var planned: Set<String> = []
        var deepest = 0
        var failed = 0
        for expectation in plan.expectations {
            deepest = max(deepest, expectation.job.id.count { $0 == "." })
            switch expectation.end {
            case .planned(let children): planned.formUnion(children)
            case .failed: failed += 1
            case .completed: break
            }
        }
        #expect(planned == Set(plan.expectations.filter { $0.job.parent != nil }.map(\.job.id)))
        #expect(deepest == 3)
        #expect(failed > 20)
        let pauses = plan.roots.compactMap { RehearsalTask($0.parameters) }.filter {
            if case .objects(_, _, let pause) = $0.work { pause > 0 } else { false }
        }
        #expect(pauses.count > 20)
        #expect(Set(plan.poison).count == plan.poison.count)
        for bytes in plan.poison { #expect(throws: ContractError.self) { try Job.decode(bytes) } }
    }

    @Test("a task survives its way through a job's message")
    func parameters() throws {
        for trouble: RehearsalTask.Trouble? in [
            nil, .fails(attempts: 2), .vendorUnavailable(attempts: 1), .snoozes(milliseconds: 5), .dies(attempt: 3),
            .exhausts(attempts: 2), .crashes,
        ] {
            for work: RehearsalTask.Work in [.objects(count: 2, bytes: 30, pause: 4), .fanOut(width: 3, depth: 2)] {
                let task = RehearsalTask(seed: .max, work: work, trouble: trouble)
                let job = Job(
                    id: "a", kind: "rehearsal", source: "s", dataset: "d", createdAt: Self.instant, parameters: task.parameters)
                let read = try Job.decode(job.message(to: TopicNames()).value)
                #expect(RehearsalTask(read.parameters) == task)
                #expect(task.children(of: read) == task.children(of: job))
            }
        }
        #expect(RehearsalTask(.object([:])) == nil)
    }

    @Test("an object's bytes follow from the job alone: this value never changes")
    func content() {
        let task = RehearsalTask(seed: 5, work: .objects(count: 1, bytes: 10, pause: 0))
        let job = Job(id: "r", kind: "rehearsal", source: "s", dataset: "d", createdAt: Self.instant)
        let (bytes, records) = RehearsalContent.object(0, of: job, task, bytes: 10)
        #expect(records == 1)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"job":"r","revision":0,"object":0,"value":"4e0970637952ae3cbd7ce73d913c4a6d"}"# + "\n")
    }

    @Test("a large object is the same in pieces and whole")
    func pieces() {
        let task = RehearsalTask(seed: 9, work: .objects(count: 1, bytes: 700_000, pause: 0))
        let job = Job(id: "r", kind: "rehearsal", source: "s", dataset: "d", createdAt: Self.instant)
        var pieces = RehearsalContent.Pieces(0, of: job, task, bytes: 700_000)
        var sizes: [Int] = []
        var bytes: [UInt8] = []
        while let piece = pieces.next() {
            sizes.append(piece.count)
            bytes += piece
        }
        #expect(sizes.count == 3)
        let whole = RehearsalContent.object(0, of: job, task, bytes: 700_000)
        #expect(whole.bytes == bytes)
        #expect(whole.records == pieces.records && bytes.count { $0 == 10 } == pieces.records)
    }
}
