import Synchronization

/// The evaluations of the simulated organisation, found by the day on which they were assigned.
///
/// They follow from the conversations: a day's are computed when it is asked for the first time, and kept.
final class EvaluationBook: Sendable {
    /// An evaluation without its state.
    struct Entry: Sendable {
        let facts: ConversationFacts
        let plan: EvaluationPlan
        let id: String
        /// As its record says it.
        let assigned: SimulatorInstant
        let evaluator: String?
        let agent: String
    }

    private struct State {
        /// Conversation days whose evaluations are known.
        var days: Set<Int32> = []
        var byAssignedDay: [Int32: [Entry]] = [:]
    }

    let store: ConversationStore
    let renderer: EvaluationRenderer
    private let state = Mutex(State())

    init(store: ConversationStore, renderer: EvaluationRenderer) {
        self.store = store
        self.renderer = renderer
    }

    /// Evaluations that were assigned in an interval, its ends included, and exist by now, by assigned date.
    func assigned(
        from start: SimulatorInstant, to end: SimulatorInstant, where isWanted: (Entry) -> Bool = { _ in true }
    ) -> [Entry] {
        guard start <= end else { return [] }
        let now = store.clock.now
        let (inserted, deleted) = store.exceptions()
        func isVisible(_ entry: Entry) -> Bool {
            start <= entry.assigned && entry.assigned <= end && entry.plan.assigned <= now && !deleted.contains(entry.facts.row)
                && isWanted(entry)
        }
        // Nothing was assigned before the first conversation or will be by now.
        let last = min(end, now).day
        guard start.day <= last else { return [] }
        var found = state.withLock { state in
            for day in (start.day - EvaluationPlan.assignedWithinDays)...last where state.days.insert(day).inserted {
                for entry in entries(ofDay: day) { state.byAssignedDay[entry.assigned.day, default: []].append(entry) }
            }
            return (start.day...last).flatMap { state.byAssignedDay[$0, default: []].filter(isVisible) }
        }
        for (row, start) in inserted {
            found += entries(of: store.world.calendar.facts(of: row, start: start)).filter(isVisible)
        }
        return found.sorted { ($0.assigned, $0.id) < ($1.assigned, $1.id) }
    }

    /// The evaluations of one conversation that exist by now.
    func evaluations(ofConversation identifier: String) -> [Entry] {
        guard let identifier = ConversationID(identifier), let version = store.conversation(identifier) else { return [] }
        let now = store.clock.now
        return entries(of: version.facts).filter { $0.plan.assigned <= now }
    }

    /// The record of an evaluation as it is now.
    func append(_ entry: Entry, as form: EvaluationRenderer.Form, to record: inout RecordBytes) {
        guard let state = entry.plan.state(at: store.clock.now) else { return }
        renderer.append(
            entry.plan, state, of: entry.facts, seed: store.world.calendar.seed(of: entry.facts.row),
            conversation: store.world.calendar.identifier(of: entry.facts.row).text, as: form, to: &record)
    }

    private func entries(ofDay day: Int32) -> [Entry] {
        let calendar = store.world.calendar
        return (0..<UInt32(calendar.data.conversationsPerDay)).flatMap { index -> [Entry] in
            let row = Row(day: day, index: index)
            return calendar.mayBeEvaluated(row) ? entries(of: calendar.facts(of: row)) : []
        }
    }

    private func entries(of facts: ConversationFacts) -> [Entry] {
        let seed = store.world.calendar.seed(of: facts.row)
        return facts.evaluations.map { plan in
            let fraction = facts.awkward == .wholeSeconds ? plan.assigned.milliseconds % 1_000 : 0
            return Entry(
                facts: facts, plan: plan, id: renderer.identifier(plan, seed),
                assigned: plan.assigned.adding(milliseconds: -fraction), evaluator: renderer.evaluator(plan)?.id,
                agent: renderer.agent(seed).id)
        }
    }
}
