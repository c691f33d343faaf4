internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Looks at what other days left open, learns how it ended, and asks for reruns of the days that it changes.
struct FollowUp: Sendable {
    let client: GenesysCloudClient
    let store: any ObjectStore
    let configuration: UserDetailsConfiguration
    let states: DayStates
    let context: JobContext
    let now: Date

    /// What came of it.
    struct Result: Sendable {
        var reruns: [Job] = []
        var figures: [String: Int] = [:]
        /// The longest interval, ms, that the vendor takes, where it has refused longer ones.
        fileprivate var longestInterval = Int64.max
    }

    /// Users asked for at a time: they fit on a page.
    private static let usersPerQuery = UserDetailsQuery.maximumPageSize
    /// Reruns that one job asks for; what is left over is found again by the next one.
    private static let maximumReruns = 100
    private static let day: Int64 = 86_400_000
    /// Rows that began longer ago than this are left to the day that saw them, ms.
    private static let reach = 31 * day

    /// After a day was published: earlier days' open rows have ended, days turn out to hold rows of others, or not to hold what
    /// they should.
    ///
    /// - Parameters:
    ///   - own: the day at hand, as it is published.
    ///   - manifest: its manifest.
    ///   - crossing: rows that began before it, the ended version where there is one.
    ///   - asks: whether the vendor is asked for ends that no row shows. A rerun asks nothing: the day's first run has asked.
    func after(
        _ own: DayState, _ manifest: Manifest, crossing: [RowKey: UserRow], home: HomeDays, asks: Bool
    ) async throws -> Result {
        var result = Result()
        guard let interval = own.job.interval else { return result }
        let others = try await states.all().filter { $0.job.id != own.job.id }
        for state in others {
            guard let span = state.job.interval else { continue }
            if span.end <= interval.start, try await learn(state, crossing, asks: asks, &result) {
                try await rerun(state.job, &result)
            }
            // Of two days that keep the same row of a third one, the earlier one has it.
            if span.start > interval.start, !state.adopted.isDisjoint(with: own.adopted) { try await rerun(state.job, &result) }
        }
        try await takeHome(own.job, interval, manifest, others, &result)
        try await bringHome(own, interval, manifest, others, home, &result)
        return result
    }

    /// Looks at every day that has open rows.
    func sweep() async throws -> Result {
        var result = Result()
        for state in try await states.all() where try await learn(state, [:], asks: true, &result) {
            try await rerun(state.job, &result)
        }
        return result
    }

    // MARK: Rows in other days

    private var lake: LakeRows { LakeRows(store: store, layout: configuration.layout) }

    /// Rows that other days keep and that begin in the day at hand: where it has them too the others give them up; where it
    /// doesn't, it learns them from the others.
    private func takeHome(
        _ job: Job, _ interval: Interval, _ manifest: Manifest, _ others: [DayState], _ result: inout Result
    ) async throws {
        func own(_ state: DayState) -> Set<RowKey> {
            state.adopted.filter { interval.contains(Date(timeIntervalSince1970: Double($0.start) / 1000)) }
        }
        let wanted = others.reduce(into: Set<RowKey>()) { $0.formUnion(own($1)) }
        let held = Set(try await lake.rows(wanted, in: manifest).keys)
        for state in others {
            let keys = own(state)
            if !keys.isDisjoint(with: held) { try await rerun(state.job, &result) }
            let missing = keys.subtracting(held)
            // Without a manifest the other day is being written: it looks at this one after that.
            guard !missing.isEmpty,
                let theirs = try await lake.manifest(
                    of: state.job.id, day: state.job.day, source: state.job.source, state.job.dataset)
            else { continue }
            try await teach(job, Array(try await lake.rows(missing, in: theirs).values), &result)
        }
    }

    /// Rows that the day at hand keeps of others: given up where an earlier day keeps them or their own has them; where their own
    /// was extracted without them, it learns them.
    private func bringHome(
        _ own: DayState, _ interval: Interval, _ manifest: Manifest, _ others: [DayState], _ home: HomeDays,
        _ result: inout Result
    ) async throws {
        var home = home
        var missing: [String: (manifest: Manifest, keys: Set<RowKey>)] = [:]
        var isDoubled = false
        for key in own.adopted {
            let isTaken = others.contains { other in
                (other.job.interval?.start ?? .distantFuture) < interval.start && other.adopted.contains(key)
            }
            if isTaken { isDoubled = true }
            for manifest in isTaken ? [] : try await home.homes(of: key.start) {
                missing[manifest.job, default: (manifest, [])].keys.insert(key)
            }
        }
        for (id, part) in missing.sorted(by: { $0.key < $1.key }) {
            let held = try await lake.rows(part.keys, in: part.manifest)
            if !held.isEmpty { isDoubled = true }
            let rest = part.keys.subtracting(held.keys)
            guard !rest.isEmpty else { continue }
            guard let state = others.first(where: { $0.job.id == id }) else {
                // Too long ago to be run again: the rows stay here.
                result.figures["kept-for-others", default: 0] += rest.count
                continue
            }
            try await teach(state.job, Array(try await lake.rows(rest, in: manifest).values), &result)
        }
        if isDoubled { try await rerun(own.job, &result) }
    }

    /// Has a day run again to take in rows that it doesn't have.
    private func teach(_ job: Job, _ rows: [UserRow], _ result: inout Result) async throws {
        guard !rows.isEmpty else { return }
        result.figures["missed", default: 0] += rows.count
        try await states.learn(rows, for: job)
        try await rerun(job, &result)
    }

    // MARK: Ends

    /// Finds out which of a day's open rows have ended; whether any has.
    private func learn(
        _ state: DayState, _ crossing: [RowKey: UserRow], asks: Bool, _ result: inout Result
    ) async throws -> Bool {
        guard let interval = state.job.interval else { return false }
        guard !states.isGivenUp(state, at: now, configuration) else {
            // A user who is gone has a last row for ever.
            if !state.open.isEmpty { result.figures["given-up", default: 0] += state.open.count }
            var rest = state
            rest.open = []
            if rest.isEmpty { try await states.remove(state.job) } else if rest != state { try await states.write(rest) }
            return false
        }
        var ended: [UserRow] = []
        var unseen: Set<RowKey> = []
        for key in state.open {
            guard let seen = crossing[key] else {
                unseen.insert(key)
                continue
            }
            if !seen.isOpen { ended.append(seen) }
        }
        if asks, !unseen.isEmpty { ended += try await ask(for: unseen, interval, &result) }
        guard !ended.isEmpty else { return false }
        result.figures["completed", default: 0] += ended.count
        try await states.learn(ended, for: state.job)
        return true
    }

    /// Asks the vendor how rows of a day ended that the day at hand doesn't show.
    private func ask(
        for keys: Set<RowKey>, _ interval: Interval, _ result: inout Result
    ) async throws -> [UserRow] {
        let users = Set(keys.map(\.user)).sorted()
        var ended: [UserRow] = []
        for begin in stride(from: 0, to: users.count, by: Self.usersPerQuery) {
            let part = Set(users[begin..<min(begin + Self.usersPerQuery, users.count)])
            ended += try await ask(for: keys.filter { part.contains($0.user) }, interval, part.count, &result)
            context.progressed(["asked": begin + part.count])
        }
        return ended
    }

    /// Asks from where the rows begin up to now, as far as rows are carried: a vendor may leave out an end that lies behind the
    /// interval's.
    private func ask(
        for keys: Set<RowKey>, _ interval: Interval, _ users: Int, _ result: inout Result
    ) async throws -> [UserRow] {
        let carried = interval.end.addingTimeInterval(configuration.carry / .seconds(1))
        let end = Int64(min(now, carried).timeIntervalSince1970 * 1000)
        let reach = end - Self.reach
        // The row of another day, which is kept here, may have begun long ago: then the day that saw it must do.
        var begin = keys.map(\.start).filter { $0 > reach }.reduce(Int64(interval.start.timeIntervalSince1970 * 1000), min)
        var remaining = keys
        var ended: [UserRow] = []
        var length = min(result.longestInterval, Int64(configuration.longestQuery / .milliseconds(1)))
        while begin < end, !remaining.isEmpty {
            let stop = min(begin + length, end)
            guard let range = QueryInterval(startMilliseconds: begin, endMilliseconds: stop) else { break }
            do {
                for row in try await ask(for: remaining, range) {
                    if let key = row.key, remaining.remove(key) != nil { ended.append(row) }
                }
                result.longestInterval = length
                begin = stop
            } catch let error as GenesysCloudError where error.status == 400 {
                // Too long for the vendor, or too long ago: queries don't reach back as far as jobs do. What isn't known stays open.
                guard Self.day < stop - begin else {
                    result.figures["unanswered", default: 0] += users
                    break
                }
                length = Self.day
            }
        }
        return ended
    }

    /// The ended ones of some rows, as an interval shows them.
    private func ask(for keys: Set<RowKey>, _ range: QueryInterval) async throws -> [UserRow] {
        let users = Set(keys.map(\.user)).sorted()
        let query = try UserDetailsTask.checked { () throws(InvalidRequestFields) in
            try UserDetailsQuery(interval: range, users: users)
        }
        let limits = RecordLimits(recordBytes: configuration.maximumRecordBytes)
        var ended: [UserRow] = []
        var seen: Set<String> = []
        for number in 1...configuration.maximumPages {
            let (page, rows, listed) = try await client.userDetailsPage(query, number: number, limits: limits) { answer in
                var rows: [UserRow] = []
                var listed: Set<String> = []
                var reader = answer.makeReader()
                while try await reader.next({ user in
                    if let id = user.string(of: "userId") { listed.insert(id) }
                    _ = try UserRow.read(user) { row in
                        if !row.isOpen, let key = row.key, keys.contains(key) { rows.append(row) }
                    }
                }) {}
                return (try reader.finish(), rows, listed)
            }
            ended += rows
            // All are here; or nobody is, or nobody else: a vendor may answer any page with the same users.
            guard page.recordCount > 0, !listed.isSubset(of: seen) else { break }
            seen.formUnion(listed)
            if seen.isSuperset(of: users) { break }
        }
        return ended
    }

    // MARK: Reruns

    /// Asks for another run of a day, of the revision after the manifest's.
    func rerun(_ job: Job, _ result: inout Result) async throws {
        guard let day = job.day, result.reruns.count < Self.maximumReruns,
            !result.reruns.contains(where: { $0.id == job.id })
        else { return }
        let folder = configuration.layout.folder(source: job.source, dataset: job.dataset, day: day)
        let output = try JobOutput(store: store, job: job, folder: folder, prefix: "\(folder)/")
        // Without a manifest the day is being written: whoever publishes it looks at the others after that.
        guard let found = try await output.find() else { return }
        var rerun = job
        rerun.revision = found.manifest.revision + 1
        rerun.createdAt = now
        result.reruns.append(rerun)
        result.figures["reruns", default: 0] += 1
    }
}
