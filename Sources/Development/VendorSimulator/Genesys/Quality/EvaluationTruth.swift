/// What a perfect reader has of the evaluations that were assigned in an interval: each once, in its latest version.
public struct EvaluationTruth: Sendable {
    /// One evaluation.
    public struct Evaluation: Sendable, Codable, Equatable {
        /// The evaluation's id.
        public var id: String
        /// The conversation that it is about.
        public var conversation: String
        /// The version's number.
        public var version: Int
        /// When the vendor says that it was changed last, as its record says it.
        public var changed: String
        /// When it was assigned, ISO-8601.
        public var assigned: String
        /// The status, as its record says it.
        public var status: String
        /// Who evaluates; nil for the system.
        public var evaluator: String?
        /// The version of the form.
        public var form: String
        /// The record as the listing has it, with the totals of its answers.
        public var listing: String
        /// The record as the point read has it, with the scores of its questions.
        public var point: String
    }

    /// The evaluations, by assigned date.
    public let evaluations: [Evaluation]

    init(book: EvaluationBook, interval: SimulatorInterval) {
        let end = interval.end.adding(milliseconds: -1)
        let now = book.store.clock.now
        evaluations = book.assigned(from: interval.start, to: end).compactMap { entry in
            guard let state = entry.plan.state(at: now) else { return nil }
            func text(_ form: EvaluationRenderer.Form) -> String {
                var bytes = RecordBytes(capacity: 4_096)
                book.append(entry, as: form, to: &bytes)
                return bytes.string
            }
            let seed = book.store.world.calendar.seed(of: entry.facts.row)
            var changed = RecordBytes(capacity: 32)
            changed.append(instant: state.changed, wholeSeconds: entry.facts.awkward == .wholeSeconds)
            return Evaluation(
                id: entry.id, conversation: book.store.world.calendar.identifier(of: entry.facts.row).text,
                version: state.version, changed: changed.string, assigned: entry.assigned.description,
                status: entry.facts.awkward == .unknownEnums ? "PONDERED" : state.status.rawValue,
                evaluator: entry.evaluator, form: book.renderer.forms.version(of: seed).id,
                listing: text(.listing(answers: true)), point: text(.point(form: false)))
        }
    }
}
