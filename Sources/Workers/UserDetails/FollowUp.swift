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
    }

    /// Users asked for at a time.
    private static let usersPerQuery = 100
    /// Reruns that one job asks for; what is left over is found again by the next one.
    private static let maximumReruns = 100

    /// After a day was published: earlier days' open rows have ended, or days turn out to hold rows of others.
    ///
    /// - Parameters:
    ///   - own: the day at hand, as it is published.
    ///   - crossing: rows that began before it; with their ended version where they have ended.
    func after(_ own: DayState, crossing: [RowKey: UserRow?], home: HomeDays) async throws -> Result {
        var result = Result()
        guard let interval = own.job.interval else { return result }
        let others = try await states.all().filter { $0.job.id != own.job.id }
        for state in others {
            guard let span = state.job.interval else { continue }
            var needsRerun = false
            if span.end <= interval.start { needsRerun = try await learn(state, crossing, &result) }
            // Rows that this day owns, now that it's extracted, or adopts as the earlier of two.
            let isDoubled = state.adopted.contains { key in
                interval.contains(Date(timeIntervalSince1970: Double(key.start) / 1000))
                    || (span.start > interval.start && own.adopted.contains(key))
            }
            if needsRerun || isDoubled { try await rerun(state.job, &result) }
        }
        var home = home
        for key in own.adopted {
            let isTaken = others.contains { other in
                other.adopted.contains(key) && (other.job.interval?.start ?? .distantFuture) < interval.start
            }
            let isAtHome = try await home.isExtracted(key.start)
            guard isTaken || isAtHome else { continue }
            try await rerun(own.job, &result)
            break
        }
        return result
    }

    /// Looks at every day that has open rows.
    func sweep() async throws -> Result {
        var result = Result()
        for state in try await states.all() where try await learn(state, [:], &result) {
            try await rerun(state.job, &result)
        }
        return result
    }

    // MARK: Learning

    /// Finds out which of a day's open rows have ended; whether any has.
    private func learn(_ state: DayState, _ crossing: [RowKey: UserRow?], _ result: inout Result) async throws -> Bool {
        guard !state.open.isEmpty, let interval = state.job.interval else { return false }
        guard interval.end.addingTimeInterval(configuration.carry / .seconds(1)) > now else {
            // A user who is gone has a last row for ever.
            result.figures["given-up", default: 0] += state.open.count
            var rest = state
            rest.open = []
            if rest.isEmpty { try await states.remove(state.job) } else { try await states.write(rest) }
            return false
        }
        var ended: [UserRow] = []
        var unseen: Set<RowKey> = []
        for key in state.open {
            guard let seen = crossing[key] else {
                unseen.insert(key)
                continue
            }
            if let seen { ended.append(seen) }
        }
        if !unseen.isEmpty { ended += try await ask(for: unseen, interval, &result) }
        guard !ended.isEmpty else { return false }
        result.figures["completed", default: 0] += ended.count
        try await states.learn(ended, for: state.job)
        return true
    }

    /// Asks the vendor how rows of a day ended that the day at hand doesn't show.
    private func ask(
        for keys: Set<RowKey>, _ interval: Interval, _ result: inout Result
    ) async throws -> [UserRow] {
        guard let range = QueryInterval(start: interval.start, end: interval.end) else { return [] }
        let users = Set(keys.map(\.user)).sorted()
        var ended: [UserRow] = []
        for begin in stride(from: 0, to: users.count, by: Self.usersPerQuery) {
            let part = Array(users[begin..<min(begin + Self.usersPerQuery, users.count)])
            do {
                ended += try await ask(part, range).filter { row in row.key.map { keys.contains($0) } ?? false }
            } catch let error as GenesysCloudError where error.status == 400 {
                // The query doesn't reach back as far as jobs do; what isn't known stays open.
                result.figures["unanswered", default: 0] += part.count
            }
            context.progressed(["asked": begin + part.count])
        }
        return ended
    }

    private func ask(_ users: [String], _ range: QueryInterval) async throws -> [UserRow] {
        let query = try UserDetailsTask.checked { () throws(InvalidRequestFields) in
            try UserDetailsQuery(interval: range, users: users)
        }
        var ended: [UserRow] = []
        var number = 1
        while true {
            let limits = RecordLimits(recordBytes: configuration.maximumRecordBytes)
            let (page, rows) = try await client.userDetailsPage(query, number: number, limits: limits) { answer in
                var rows: [UserRow] = []
                var reader = answer.makeReader()
                while try await reader.next({ user in
                    _ = try UserRow.read(user) { if !$0.isOpen { rows.append($0) } }
                }) {}
                return (try reader.finish(), rows)
            }
            ended += rows
            guard page.recordCount > 0 else { return ended }
            number += 1
        }
    }

    // MARK: Reruns

    /// Asks for another run of a day, of the revision after the manifest's.
    private func rerun(_ job: Job, _ result: inout Result) async throws {
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
