import Testing

@testable import WorkerKit

/// A circuit with a hand for its clock.
private final class Subject {
    private var circuit: Circuit
    private let start = ContinuousClock.now
    var seconds = 0

    init(_ budget: DeathBudget) { circuit = Circuit(budget) }

    private var now: WorkerClock.Instant { start.advanced(by: .seconds(seconds)) }

    func note(_ evidence: Circuit.Evidence) -> Circuit.Change? { circuit.note(evidence, at: now) }
    func limit() -> Int? { circuit.limit(at: now) }
}

@Suite("Circuit")
struct CircuitTests {
    private func budget(_ deaths: Int?, wait: Duration = .seconds(900)) -> DeathBudget {
        var budget = DeathBudget(deathsPerMinute: deaths)
        budget.wait = wait
        return budget
    }

    private let death = Circuit.Evidence.death(reason: "vendor-permission")

    @Test("more deaths within a minute than the budget has open it; as many leave it closed")
    func budgetOfAMinute() {
        let circuit = Subject(budget(3))
        for _ in 0..<3 { #expect(circuit.note(death) == nil) }
        #expect(circuit.limit() == nil)
        #expect(circuit.note(death) == .opened(deaths: 4, reason: "vendor-permission"))
        #expect(circuit.limit() == 0)
    }

    @Test("deaths that are older than a minute count no more")
    func window() {
        let circuit = Subject(budget(3))
        for _ in 0..<10 {
            #expect(circuit.note(death) == nil)
            #expect(circuit.note(.success) == nil)
            circuit.seconds += 25
        }
        #expect(circuit.limit() == nil)
    }

    @Test("when most of the last twenty jobs died it opens, however slowly they did")
    func share() {
        let circuit = Subject(budget(1000))
        var opened = 0
        for index in 0..<20 {
            circuit.seconds += 100
            if circuit.note(index < 9 ? .success : death) != nil { opened = index + 1 }
        }
        #expect(opened == 20)
    }

    @Test("a job that is wrong in itself says nothing about the surroundings")
    func none() {
        let circuit = Subject(budget(1))
        for _ in 0..<1000 { #expect(circuit.note(.none) == nil) }
        #expect(circuit.limit() == nil)
    }

    @Test("after the wait one job may try: its success closes the circuit, its death opens it again for as long")
    func halfOpen() {
        let circuit = Subject(budget(1, wait: .seconds(60)))
        _ = circuit.note(death)
        #expect(circuit.note(death) != nil)
        circuit.seconds += 59
        #expect(circuit.limit() == 0)
        circuit.seconds += 1
        #expect(circuit.limit() == 1)
        #expect(circuit.note(.none) == nil)
        #expect(circuit.limit() == 1)
        #expect(circuit.note(death) == .opened(deaths: 1, reason: "vendor-permission"))
        #expect(circuit.limit() == 0)
        circuit.seconds += 60
        #expect(circuit.limit() == 1)
        #expect(circuit.note(.success) == .closed)
        #expect(circuit.limit() == nil)
        // What went before is forgotten: it takes as many deaths again.
        #expect(circuit.note(death) == nil)
    }

    @Test("jobs that end while it is open, because they ran before, neither close nor prolong it")
    func stragglers() {
        let circuit = Subject(budget(1, wait: .seconds(60)))
        _ = circuit.note(death)
        _ = circuit.note(death)
        #expect(circuit.note(.success) == nil)
        circuit.seconds += 30
        #expect(circuit.note(death) == nil)
        #expect(circuit.limit() == 0)
        circuit.seconds += 30
        #expect(circuit.limit() == 1)
    }

    @Test("without a budget it never opens")
    func off() {
        let circuit = Subject(budget(nil))
        for _ in 0..<100 { #expect(circuit.note(death) == nil) }
        #expect(circuit.limit() == nil)
    }
}
