import Synchronization

/// The conversations of the simulated organisation: what is visible now, in what order, with which bytes.
///
/// Records are computed on demand; only exceptions are stored: conversations that were inserted, changed or deleted.
final class ConversationStore: Sendable {
    let clock: SimulatorClock
    let world: RowPredicateWorld
    private let renderer: RecordRenderer
    private let settings: Settings
    private let state = Mutex(State())

    struct Settings: Sendable {
        var startDayRule = false
        var hitsJitter = 0
        var pageShift = PageShift()
    }

    private struct State {
        /// The start of every inserted conversation.
        var inserted: [Row: SimulatorInstant] = [:]
        var revisions: [Row: Int] = [:]
        var deleted: Set<Row> = []
        var sessions: [QueryIdentity: PagingSession] = [:]
        var selections: [SelectionKey: RowSelection] = [:]
        var answered: UInt64 = 0
    }

    /// Selections kept for the next page; each may hold every row of a day.
    private static let keptSelections = 16
    private static let keptSessions = 10_000

    init(
        data: ConversationData, organisation: Organisation, clock: SimulatorClock, settings: Settings
    ) throws(RecordTemplateError) {
        let calendar = ConversationCalendar(data: data)
        self.clock = clock
        self.settings = settings
        let evaluations = EvaluationRenderer(
            organisation: organisation, forms: FormBook(organisation: organisation, seed: data.seed))
        world = RowPredicateWorld(calendar: calendar, evaluations: evaluations)
        renderer = try RecordRenderer(calendar: calendar, organisation: organisation, evaluations: evaluations)
    }

    /// A conversation with what is needed to write it down.
    struct Version: Sendable {
        var facts: ConversationFacts
        var revision: Int
        var now: SimulatorInstant
        /// Whether participants carry their attributes, as in the results of jobs.
        var hasAttributes = false
    }

    struct Page: Sendable {
        var records: [Version]
        var totalHits: Int
    }

    // MARK: Reading

    /// One page of a query, and then, by the page-shift setting, a change of what later pages will see.
    func page(_ query: ConversationQuery) -> Page {
        state.withLock { state in
            let now = clock.now
            let selection = selection(query.selection, now: now, in: &state)
            var session = state.sessions[query.identity] ?? PagingSession()
            let total = selection.count == 0 ? 0 : selection.count + session.slipped
            let first = min((query.pageNumber - 1) * query.pageSize, total)
            var records: [Version] = []
            for position in first..<min(first + query.pageSize, total) {
                // A listing that slipped back by n begins with its first n records again.
                let moved = position - session.slipped
                let place = moved < 0 ? min(-moved - 1, selection.count - 1) : moved
                let row = selection[query.descending ? selection.count - 1 - place : place]
                records.append(version(of: row, now: now, in: state))
            }
            state.answered += 1
            let hits = total + jitter(state.answered)
            // Who looks for evaluations reads other listings than who reads the day: it would lose what turns up on its account.
            if !records.isEmpty, settings.pageShift.mode != .none, !query.predicate.concernsEvaluations {
                shift(&session, after: records, query: query, in: &state)
                if state.sessions.count >= ConversationStore.keptSessions { state.sessions.removeAll() }
                state.sessions[query.identity] = session
            }
            return Page(records: records, totalHits: max(hits, 0))
        }
    }

    /// How many conversations a query finds.
    func count(_ query: ConversationQuery) -> Int {
        state.withLock { selection(query.selection, now: clock.now, in: &$0).count }
    }

    /// The conversation with an id, if it exists by now.
    func conversation(_ identifier: ConversationID) -> Version? {
        guard let row = identifier.row(seed: world.calendar.data.seed) else { return nil }
        return state.withLock { state in
            let now = clock.now
            guard !state.deleted.contains(row), row.isInserted ? state.inserted[row] != nil : isRegular(row) else { return nil }
            let version = version(of: row, now: now, in: state)
            return version.facts.start <= now ? version : nil
        }
    }

    /// All rows of a query that start in its interval, in their latest state.
    func versions(_ query: ConversationQuery) -> (rows: RowSelection, now: SimulatorInstant) {
        state.withLock { state in
            let now = clock.now
            var key = query.selection
            key.startsInside = true
            return (selection(key, now: now, in: &state), now)
        }
    }

    /// The latest state of one row of ``versions(_:)``.
    func version(of row: Row, now: SimulatorInstant) -> Version {
        state.withLock { version(of: row, now: now, in: $0) }
    }

    /// The rows of a job as they are at an instant: all with activity in the interval, or, with `startOfDay`, those of them
    /// that started after the start of the interval's first UTC day.
    func jobRows(_ query: ConversationQuery, startOfDay: Bool, at instant: SimulatorInstant) -> [Row] {
        let interval = query.interval
        guard interval.length > 0, world.calendar.data.conversationsPerDay > 0 else { return [] }
        let horizon = min(interval.end, instant.adding(milliseconds: 1))
        // No conversation lasts longer than four days.
        let days = (interval.start.day - (startOfDay ? 0 : 5))...interval.end.adding(milliseconds: -1).day
        return state.withLock { state in
            var candidates: [Row] = []
            for day in days {
                let count = world.calendar.firstIndex(onDay: day, startingAt: horizon)
                candidates += (0..<count).map { Row(day: day, index: $0) }
            }
            candidates.merge(state.inserted.filter { days.contains($0.key.day) }, calendar: world.calendar)
            let rows = candidates.filter { row in
                guard !state.deleted.contains(row) else { return false }
                let facts = world.calendar.facts(of: row, start: state.inserted[row])
                return facts.start < horizon && facts.end > interval.start
                    && query.predicate.matches(facts, now: instant, in: world)
            }
            return query.descending ? rows.reversed() : rows
        }
    }

    /// What doesn't follow from the calendar: the starts of inserted conversations, and what was deleted.
    func exceptions() -> (inserted: [Row: SimulatorInstant], deleted: Set<Row>) {
        state.withLock { ($0.inserted, $0.deleted) }
    }

    func append(_ version: Version, to record: inout RecordBytes) {
        renderer.append(
            version.facts, revision: version.revision, now: version.now, hasAttributes: version.hasAttributes, to: &record)
    }

    // MARK: Changing

    /// Removes a conversation for good, as the vendor's privacy requests do; false when there is none with this id.
    func delete(_ identifier: ConversationID) -> Bool {
        guard conversation(identifier) != nil, let row = identifier.row(seed: world.calendar.data.seed) else { return false }
        state.withLock {
            $0.deleted.insert(row)
            $0.selections.removeAll()
        }
        return true
    }

    /// Changes the bytes of a conversation's record; false when there is none with this id.
    func revise(_ identifier: ConversationID) -> Bool {
        guard conversation(identifier) != nil, let row = identifier.row(seed: world.calendar.data.seed) else { return false }
        state.withLock { $0.revisions[row, default: 0] += 1 }
        return true
    }

    // MARK: Rows

    private func isRegular(_ row: Row) -> Bool {
        row.index < UInt32(world.calendar.data.conversationsPerDay)
    }

    private func version(of row: Row, now: SimulatorInstant, in state: State) -> Version {
        Version(
            facts: world.calendar.facts(of: row, start: state.inserted[row]), revision: state.revisions[row] ?? 0, now: now)
    }

    private func jitter(_ ordinal: UInt64) -> Int {
        guard settings.hitsJitter > 0 else { return 0 }
        return Int(Mixing.mix(ordinal) % UInt64(2 * settings.hitsJitter + 1)) - settings.hitsJitter
    }

    private func selection(_ key: SelectionKey, now: SimulatorInstant, in state: inout State) -> RowSelection {
        if let kept = state.selections[key], kept.holds(at: now) { return kept }
        let selection = select(key, now: now, in: state)
        if state.selections.count >= ConversationStore.keptSelections { state.selections.removeAll() }
        state.selections[key] = selection
        return selection
    }

    private func select(_ key: SelectionKey, now: SimulatorInstant, in state: State) -> RowSelection {
        let interval = key.interval
        guard interval.length > 0, world.calendar.data.conversationsPerDay > 0 else {
            return RowSelection(list: [], madeAt: now, validUntil: nil)
        }
        // What starts after now doesn't exist yet.
        let horizon = min(interval.end, now.adding(milliseconds: 1))
        let days = interval.start.day...interval.end.adding(milliseconds: -1).day
        var spans: [RowSelection.Span] = []
        var validUntil: SimulatorInstant?
        for day in days {
            let first = world.calendar.firstIndex(onDay: day, startingAt: interval.start)
            let last = world.calendar.firstIndex(onDay: day, startingAt: max(interval.start, horizon))
            if first < last { spans.append(RowSelection.Span(day: day, indexes: first..<last)) }
        }
        if horizon < interval.end { validUntil = nextStart(after: now) }
        let followsStartDays = settings.startDayRule && !key.startsInside
        let earlier = followsStartDays ? activeEarlier(interval, horizon) : []
        let inserted = state.inserted.filter { days.contains($0.key.day) }
        if key.predicate.isTrivial, inserted.isEmpty, state.deleted.isEmpty {
            return RowSelection(earlier: earlier, spans: spans, madeAt: now, validUntil: validUntil)
        }
        var candidates = earlier + spans.flatMap { span in span.indexes.map { Row(day: span.day, index: $0) } }
        candidates.merge(inserted, calendar: world.calendar)
        guard !key.predicate.isTrivial || followsStartDays else {
            let rows = candidates.filter { row in
                !state.deleted.contains(row) && (state.inserted[row].map { interval.start <= $0 && $0 < horizon } ?? true)
            }
            return RowSelection(list: rows, madeAt: now, validUntil: validUntil)
        }
        var rows: [Row] = []
        for row in candidates where !state.deleted.contains(row) {
            let facts = world.calendar.facts(of: row, start: state.inserted[row])
            guard facts.start < horizon, followsStartDays ? facts.end > interval.start : facts.start >= interval.start else {
                continue
            }
            if let change = facts.nextChange(after: now), validUntil.map({ change < $0 }) ?? true { validUntil = change }
            if key.predicate.matches(facts, now: now, in: world) { rows.append(row) }
        }
        return RowSelection(list: rows, madeAt: now, validUntil: validUntil)
    }

    /// What started before the interval, on the UTC day that it begins in, and was still active when it began.
    private func activeEarlier(_ interval: SimulatorInterval, _ horizon: SimulatorInstant) -> [Row] {
        let day = interval.start.day
        let end = world.calendar.firstIndex(onDay: day, startingAt: min(interval.start, horizon))
        return (0..<end).lazy.map { Row(day: day, index: $0) }.filter { world.calendar.facts(of: $0).end > interval.start }
    }

    private func nextStart(after now: SimulatorInstant) -> SimulatorInstant {
        let next = now.adding(milliseconds: 1)
        let index = world.calendar.firstIndex(onDay: next.day, startingAt: next)
        let row =
            Int(index) < world.calendar.data.conversationsPerDay
            ? Row(day: next.day, index: index) : Row(day: next.day + 1, index: 0)
        return world.calendar.start(of: row)
    }

    // MARK: Page shift

    private func shift(
        _ session: inout PagingSession, after records: [Version], query: ConversationQuery, in state: inout State
    ) {
        let shift = settings.pageShift
        session.pages += 1
        guard session.pages % shift.everyPages == 0 else { return }
        let moved = min(shift.rows, shift.limit - session.slipped - session.inserted)
        guard moved > 0, let first = records.first, let last = records.last else { return }
        // The last records of this page are the ones that come again on the next. What belongs to an earlier interval is left
        // alone: whoever has read that one wouldn't learn of it.
        for version in records.suffix(min(shift.changed, moved)) where version.facts.start >= query.interval.start {
            state.revisions[version.facts.row, default: 0] += 1
        }
        guard shift.mode == .insert else {
            session.slipped += moved
            return
        }
        let early = max(query.interval.start, min(first.facts.start, last.facts.start))
        let late = max(early, first.facts.start, last.facts.start)
        for step in 0..<moved {
            let distance = (late.milliseconds - early.milliseconds) * Int64(step) / Int64(moved)
            let start = early.adding(milliseconds: distance)
            let index = Row.firstInserted + UInt32(truncatingIfNeeded: state.inserted.count)
            state.inserted[Row(day: start.day, index: index)] = start
        }
        session.inserted += moved
        state.selections.removeAll()
    }
}

extension [Row] {
    /// Puts inserted conversations where their start belongs; behind those that start at the same instant.
    fileprivate mutating func merge(_ inserted: [Row: SimulatorInstant], calendar: ConversationCalendar) {
        guard !inserted.isEmpty else { return }
        let extras = inserted.sorted { ($0.value, $0.key.index) < ($1.value, $1.key.index) }
        var merged: [Row] = []
        merged.reserveCapacity(count + extras.count)
        var next = 0
        for row in self {
            while next < extras.count, extras[next].value < calendar.start(of: row) {
                merged.append(extras[next].key)
                next += 1
            }
            merged.append(row)
        }
        merged.append(contentsOf: extras[next...].map(\.key))
        self = merged
    }
}
