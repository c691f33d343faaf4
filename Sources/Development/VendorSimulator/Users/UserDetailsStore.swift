import Synchronization

/// The user details of the simulated organisation: who is listed, in what order, with which bytes.
final class UserDetailsStore: Sendable {
    let timeline: UserTimeline
    private let clock: SimulatorClock
    private let shift: PageShift
    private let hitsJitter: Int
    private let state = Mutex(State())

    private struct State {
        var slipped: [SessionKey: Session] = [:]
        /// Late users that have turned up.
        var revealed = 0
        var answered: UInt64 = 0
    }

    private struct Session {
        var pages = 0
        /// Rows by which the listing has slipped back since its first page was read.
        var rows = 0
        /// Rows by which it has slipped back in all.
        var slips = 0
        /// How often its first page was read.
        var passes = 0
    }

    private struct SessionKey: Hashable {
        var interval: SimulatorInterval
        var users: Set<String>?
        var pageSize: Int
    }

    init(timeline: UserTimeline, clock: SimulatorClock, shift: PageShift, hitsJitter: Int) {
        self.timeline = timeline
        self.clock = clock
        self.shift = shift
        self.hitsJitter = hitsJitter
    }

    struct Page {
        var users: [Int]
        var totalHits: Int
        var now: SimulatorInstant
    }

    // MARK: Reading

    /// One page of a query, and then, by the page-shift setting, a change of what later pages will see.
    func page(_ query: UserDetailsQuery) -> Page {
        let now = clock.now
        return state.withLock { state in
            var rows = listed(query, now: now, revealed: state.revealed)
            let key = SessionKey(interval: query.interval, users: query.users, pageSize: query.pageSize)
            var session = state.slipped[key] ?? Session()
            if query.pageNumber == 1 {
                session.rows = 0
                session.passes += 1
            } else if session.passes <= timeline.data.swaps, rows.count > query.pageSize {
                rows.swapAt(query.pageSize - 1, query.pageSize)
            }
            state.slipped[key] = session
            let total = rows.isEmpty ? 0 : rows.count + session.rows
            let last = max((total - 1) / query.pageSize, 0)
            let page = timeline.data.repeatsLastPage ? min(query.pageNumber - 1, last) : query.pageNumber - 1
            let first = min(page * query.pageSize, total)
            let shown = (first..<min(first + query.pageSize, total)).map { position in
                // A listing that slipped back by n begins with its first n rows again.
                let moved = position - session.rows
                return rows[moved < 0 ? min(-moved - 1, rows.count - 1) : moved]
            }
            state.answered += 1
            let hits = total + jitter(state.answered)
            if !shown.isEmpty, shift.mode != .none { move(key, session, &state) }
            return Page(users: shown, totalHits: max(0, hits), now: now)
        }
    }

    private func move(_ key: SessionKey, _ session: Session, _ state: inout State) {
        var session = session
        session.pages += 1
        if session.pages % shift.everyPages == 0 {
            if shift.mode == .overlap {
                let rows = min(shift.rows, shift.limit - session.slips)
                session.rows += rows
                session.slips += rows
            } else if state.revealed < shift.limit {
                state.revealed += shift.rows
            }
        }
        state.slipped[key] = session
    }

    private func jitter(_ ordinal: UInt64) -> Int {
        guard hitsJitter > 0 else { return 0 }
        return Int(Mixing.mix(ordinal) % UInt64(2 * hitsJitter + 1)) - hitsJitter
    }

    /// The users that a query lists at an instant, in order.
    func listed(_ query: UserDetailsQuery, now: SimulatorInstant) -> [Int] {
        listed(query, now: now, revealed: state.withLock { $0.revealed })
    }

    private func listed(_ query: UserDetailsQuery, now: SimulatorInstant, revealed: Int) -> [Int] {
        let users = timeline.users.indices.filter { user in
            guard query.users?.contains(timeline.users[user].id) ?? true, isThere(user, revealed) else { return false }
            return UserRecordKind.allCases.contains { kind in
                // One record follows the other, so that who has any has one at every moment.
                timeline.data.crossing == .omitted || timeline.data.crossing == .withheld
                    ? !records(kind, user: user, query.interval, now: now).isEmpty
                    : timeline.has(kind, user: user) && query.interval.start <= now
            }
        }
        return query.descending ? users.reversed() : users
    }

    /// In mode `insert` some users turn up only while others are read.
    private func isThere(_ user: Int, _ revealed: Int) -> Bool {
        guard shift.mode == .insert, user % 23 == 5 else { return true }
        return user / 23 < revealed
    }

    /// What a query tells of a user: what has begun, as the setting says about what reaches over the interval's ends.
    func records(
        _ kind: UserRecordKind, user: Int, _ interval: SimulatorInterval, now: SimulatorInstant
    ) -> [UserTimeline.Record] {
        timeline.records(kind, user: user, touching: interval).compactMap { record in
            guard record.start <= now else { return nil }
            var record = record
            switch timeline.data.crossing {
            case .returned, .unended: break
            case .withheld: if record.end > interval.end { return nil }
            case .omitted: if record.start < interval.start { return nil }
            case .clipped:
                record.start = max(record.start, interval.start)
                record.end = min(record.end, interval.end)
            }
            return record
        }
    }

    /// Appends a user's details as they read at `now`.
    func append(_ user: Int, _ interval: SimulatorInterval, now: SimulatorInstant, to bytes: inout RecordBytes) {
        bytes.append("{\"userId\":\"")
        bytes.append(Array(timeline.users[user].id.utf8))
        bytes.append("\"")
        if timeline.data.hasStrangers { bytes.append(Array(#", "teamId" : "t\#(user)","newThing":{"n":1e400}"#.utf8)) }
        let known = timeline.data.crossing == .unended ? min(now, interval.end) : now
        for kind in UserRecordKind.allCases {
            let records = records(kind, user: user, interval, now: now)
            guard !records.isEmpty else { continue }
            bytes.append(",\"")
            bytes.append(Array(kind.rawValue.utf8))
            bytes.append("\":[")
            for (position, record) in records.enumerated() {
                if position > 0 { bytes.append(",") }
                timeline.append(record, user: user, now: known, to: &bytes)
            }
            bytes.append("]")
        }
        bytes.append("}")
    }

    // MARK: Truth

    /// Every record that begins in an interval, one a line with its user and kind, as it reads now.
    ///
    /// - Parameter reaching: also those that began before it and reach into it, which belong to whoever has no earlier days.
    func truth(_ interval: SimulatorInterval, reaching: Bool = false) -> [[UInt8]] {
        let now = clock.now
        let revealed = state.withLock { $0.revealed }
        var lines: [[UInt8]] = []
        for user in timeline.users.indices where isThere(user, revealed) {
            for kind in UserRecordKind.allCases {
                for record in records(kind, user: user, interval, now: now) where reaching || record.start >= interval.start {
                    var bytes = RecordBytes(capacity: 512)
                    bytes.append("{\"userId\":\"")
                    bytes.append(Array(timeline.users[user].id.utf8))
                    bytes.append("\",\"kind\":\"")
                    bytes.append(Array(kind.rawValue.utf8))
                    bytes.append("\",\"record\":")
                    timeline.append(record, user: user, now: now, to: &bytes)
                    bytes.append("}")
                    lines.append(bytes.array)
                }
            }
        }
        return lines
    }
}
