/// Says which conversations exist and what happens to them when, by computation alone.
///
/// A UTC day is divided into as many equal slots as it has conversations; conversation `i` starts somewhere in slot `i`.
/// The index therefore orders the day by start, and the rows of any interval are found without a search.
struct ConversationCalendar: Sendable {
    let data: ConversationData

    /// Salts of the choices made here; those of the record's text begin at 1,000.
    private enum Salt {
        static let start: UInt64 = 1
        static let shape: UInt64 = 2
        static let duration: UInt64 = 3
        static let long: UInt64 = 4
        static let evaluated: UInt64 = 5
        static let evaluationDelay: UInt64 = 6
        static let corrected: UInt64 = 7
        static let awkward: UInt64 = 8
        static let awkwardKind: UInt64 = 9
    }

    func seed(of row: Row) -> RecordSeed {
        RecordSeed(seed: data.seed, row: row)
    }

    func identifier(of row: Row) -> ConversationID {
        ConversationID(row: row, seed: data.seed)
    }

    /// When a conversation of the regular day starts.
    @inline(__always)
    func start(of row: Row) -> SimulatorInstant {
        let count = Int64(data.conversationsPerDay)
        let index = Int64(row.index)
        let slot = index * SimulatorInstant.millisecondsPerDay / count
        let width = (index + 1) * SimulatorInstant.millisecondsPerDay / count - slot
        let jitter = width > 1 ? Int64(seed(of: row).number(Salt.start, below: UInt64(width))) : 0
        return SimulatorInstant.startOfDay(row.day).adding(milliseconds: slot + jitter)
    }

    /// The first index of `day` whose conversation starts at `instant` or later; the day's count when there is none.
    func firstIndex(onDay day: Int32, startingAt instant: SimulatorInstant) -> UInt32 {
        let count = Int64(data.conversationsPerDay)
        let offset = instant.milliseconds - SimulatorInstant.startOfDay(day).milliseconds
        if offset <= 0 || count == 0 { return 0 }
        if offset >= SimulatorInstant.millisecondsPerDay { return UInt32(count) }
        var index = max(0, offset * count / SimulatorInstant.millisecondsPerDay - 1)
        while index < count, start(of: Row(day: day, index: UInt32(index))) < instant { index += 1 }
        return UInt32(index)
    }

    /// Whether a conversation gains an evaluation unless it was abandoned; quicker than its facts.
    func mayBeEvaluated(_ row: Row) -> Bool { seed(of: row).oneIn(data.evaluationEvery, salt: Salt.evaluated) }

    /// Everything that is decided about a conversation before a byte of it is written.
    ///
    /// - Parameter start: where an inserted conversation was put; regular ones know their start.
    func facts(of row: Row, start given: SimulatorInstant? = nil) -> ConversationFacts {
        let seed = seed(of: row)
        let start = given ?? self.start(of: row)
        var kind = RecordShape.Kind.weighted[Int(seed.number(Salt.shape, below: UInt64(RecordShape.Kind.weighted.count)))]
        let duration: Int64
        if seed.oneIn(data.longEvery, salt: Salt.long) {
            kind = .message
            duration = 86_400_000 + Int64(seed.number(Salt.duration, below: 3 * 86_400_000))
        } else {
            let range = kind.duration
            duration = range.lowerBound + Int64(seed.number(Salt.duration, below: UInt64(range.upperBound - range.lowerBound)))
        }
        let end = start.adding(milliseconds: duration)
        var facts = ConversationFacts(row: row, start: start, end: end, kind: kind)
        if kind != .abandoned, seed.oneIn(data.evaluationEvery, salt: Salt.evaluated) {
            let delay = 3_600_000 + Int64(seed.number(Salt.evaluationDelay, below: 71 * 3_600_000))
            let evaluated = end.adding(milliseconds: delay)
            facts.evaluated = evaluated
            facts.evaluations = EvaluationPlan.plans(seed, assigned: evaluated, isPlain: data.plainEvaluations)
        }
        if seed.oneIn(data.correctionEvery, salt: Salt.corrected) {
            // The first 03:00Z that comes at least 48 hours after the end.
            let settled = end.adding(milliseconds: 45 * 3_600_000 + SimulatorInstant.millisecondsPerDay - 1)
            facts.corrected = SimulatorInstant.startOfDay(settled.day).adding(milliseconds: 3 * 3_600_000)
        }
        if !data.awkward.isEmpty, seed.oneIn(data.awkwardEvery, salt: Salt.awkward) {
            let kinds = data.awkwardKinds
            facts.awkward = kinds[Int(seed.number(Salt.awkwardKind, below: UInt64(kinds.count)))]
        }
        facts.isHuge = data.hugeIndexes.contains(row.index)
        return facts
    }
}

/// What is true of one conversation, whatever the clock says.
struct ConversationFacts: Sendable {
    let row: Row
    let start: SimulatorInstant
    let end: SimulatorInstant
    let kind: RecordShape.Kind
    /// When the record gains an evaluation.
    var evaluated: SimulatorInstant?
    /// The evaluations that it gains then, and what becomes of them.
    var evaluations: [EvaluationPlan] = []
    /// When the nightly pipeline changes the record.
    var corrected: SimulatorInstant?
    var awkward: AwkwardContent?
    var isHuge = false

    /// The next time after `now` at which the record changes.
    func nextChange(after now: SimulatorInstant) -> SimulatorInstant? {
        var next: SimulatorInstant?
        for instant in [start, end, evaluated, corrected] {
            if let instant, instant > now, next.map({ instant < $0 }) ?? true { next = instant }
        }
        for state in evaluations.lazy.flatMap(\.states) where state.at > now {
            if next.map({ state.at < $0 }) ?? true { next = state.at }
        }
        return next
    }
}
