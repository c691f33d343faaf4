/// Says what happens to each user when, by computation alone: one record follows the other without a gap.
struct UserTimeline: Sendable {
    let seed: UInt64
    let data: UserData
    let users: [Organisation.Member]
    let presences: [Organisation.Member]

    /// A stretch of time in one state.
    struct Record: Sendable, Equatable {
        var kind: UserRecordKind
        var start: SimulatorInstant
        /// Its end, which may lie in the future.
        var end: SimulatorInstant
        var state: Int
        var isAwkward: Bool
    }

    private struct Change {
        var at: SimulatorInstant
        var state: Int
        var isAwkward: Bool
    }

    /// The longest row of days without a change.
    private static let longestQuiet: Int32 = 8

    init(seed: UInt64, data: UserData, organisation: Organisation) {
        self.seed = seed
        self.data = data
        users = organisation.users
        presences = organisation.presences
    }

    /// Whether a user has records of a kind at all: arrays are missing where there are none.
    func has(_ kind: UserRecordKind, user: Int) -> Bool {
        switch kind {
        case .primaryPresence: user % 17 != 3 && user % 13 != 6
        case .routingStatus: user % 17 != 3 && user % 11 != 4
        }
    }

    /// The records that touch an interval, in order.
    func records(_ kind: UserRecordKind, user: Int, touching interval: SimulatorInterval) -> [Record] {
        guard has(kind, user: user), interval.length > 0 else { return [] }
        var changes: [Change] = []
        // From the last change before the interval to the first one after it.
        var day = interval.start.day
        let earliest = day - Self.longestQuiet
        repeat {
            changes = self.changes(kind, user, day) + changes
            day -= 1
        } while day >= earliest && !(changes.first.map { $0.at <= interval.start } ?? false)
        day = interval.start.day + 1
        let latest = interval.end.day + Self.longestQuiet
        while day <= latest, !(changes.last.map { $0.at >= interval.end } ?? false) {
            changes += self.changes(kind, user, day)
            day += 1
        }
        return zip(changes, changes.dropFirst()).compactMap { change, next in
            guard change.at < interval.end, next.at > interval.start else { return nil }
            return Record(kind: kind, start: change.at, end: next.at, state: change.state, isAwkward: change.isAwkward)
        }
    }

    private func changes(_ kind: UserRecordKind, _ user: Int, _ day: Int32) -> [Change] {
        let salt = UInt64(user) << 1 | (kind == .routingStatus ? 1 : 0)
        let own = RecordSeed(seed: Mixing.combine(seed, 0x5553_4552_0000_0000 | salt), row: Row(day: day, index: 0))
        if own.oneIn(data.quietEvery, salt: 1), (Int(day) + user) % 7 != 0 { return [] }
        let count = kind.changes.lowerBound + own.number(2, below: kind.changes.upperBound - kind.changes.lowerBound + 1)
        let slot = SimulatorInstant.millisecondsPerDay / Int64(count)
        // Some users' times are whole seconds, which the vendor writes without a fraction.
        let unit: Int64 = isWholeSeconds(user) ? 1000 : 1
        return (0..<count).map { index in
            let offset = Int64(index) * slot + Int64(own.number(10 + index * 3, below: UInt64(slot)))
            return Change(
                at: SimulatorInstant.startOfDay(day).adding(milliseconds: offset / unit * unit),
                state: Int(own.number(11 + index * 3, below: UInt64(kind.states.count))),
                isAwkward: own.oneIn(data.awkwardEvery, salt: 12 + index * 3))
        }
    }

    func isWholeSeconds(_ user: Int) -> Bool { user % 5 == 2 }

    /// Appends a record as it reads at `now`.
    func append(_ record: Record, user: Int, now: SimulatorInstant, to bytes: inout RecordBytes) {
        let isWhole = isWholeSeconds(user)
        if record.isAwkward {
            bytes.append("{\"context\": {\"startTime\":\"x\",\"endTime\":null,\"n\":1e400},\"startTime\":\"")
        } else {
            bytes.append("{\"startTime\":\"")
        }
        bytes.append(instant: record.start, wholeSeconds: isWhole)
        if record.end <= now {
            bytes.append("\",\"endTime\":\"")
            bytes.append(instant: record.end, wholeSeconds: isWhole)
        }
        switch record.kind {
        case .primaryPresence:
            let isUnknown = record.isAwkward && record.state % 2 == 0
            bytes.append("\",\"systemPresence\":\"")
            bytes.append(Array((isUnknown ? "TELEPATHY" : record.kind.states[record.state]).utf8))
            bytes.append("\",\"organizationPresenceId\":\"")
            bytes.append(Array(presences[record.state % presences.count].id.utf8))
        case .routingStatus:
            bytes.append("\",\"routingStatus\":\"")
            bytes.append(Array(record.kind.states[record.state].utf8))
        }
        bytes.append("\"}")
    }
}
