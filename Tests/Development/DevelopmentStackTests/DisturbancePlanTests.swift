import DevelopmentStack
import Testing

@Suite("Disturbance plan")
struct DisturbancePlanTests {
    private func plan(_ seed: UInt64, kills: Int = 200, links: Set<DisturbancePlan.Link> = [.broker, .vendor, .storage])
        -> DisturbancePlan
    {
        DisturbancePlan(seed: seed, kills: kills, pace: .seconds(2), links: links, restartsBroker: true)
    }

    @Test("it follows from the seed, in the order of time, within its duration")
    func follows() {
        #expect(plan(3).steps == plan(3).steps)
        #expect(plan(3).steps != plan(4).steps)
        let times = plan(3).steps.map(\.at)
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0 <= plan(3).duration })
    }

    @Test(
        "everything that can go wrong does: so many kills, pauses beyond the session's timeout, all faults of storage",
        arguments: 1...5)
    func complete(seed: UInt64) {
        var kills = 0
        var longPauses = 0
        var restarts = 0
        var faults: [DisturbancePlan.Link: Int] = [:]
        var storage: Set<HTTPFault> = []
        for step in plan(seed).steps {
            switch step.action {
            case .kill: kills += 1
            case .pause(_, let time): if time > .seconds(6) { longPauses += 1 }
            case .cut(let link): faults[link, default: 0] += 1
            case .restartBroker: restarts += 1
            case .fault(let link, let fault, _):
                faults[link, default: 0] += 1
                if case .answer(_, let answers) = fault { storage.formUnion(answers) }
            }
        }
        #expect(kills == 200)
        #expect(longPauses > 3)
        #expect(restarts == 4)
        #expect(faults.values.allSatisfy { $0 >= 10 } && faults.count == 3)
        #expect(storage == [.outOfSpace, .status(500), .status(503), .silence, .answerLost])
    }

    @Test("what has no proxy gets no fault, and even the smallest run fills the disk")
    func links() {
        let steps = plan(1, kills: 8, links: [.storage]).steps
        var isFull = false
        for step in steps {
            if case .fault(let link, let fault, _) = step.action {
                #expect(link == .storage)
                if fault == .answer(percent: 100, [.outOfSpace]) { isFull = true }
            }
        }
        #expect(isFull)
    }
}
