import Synchronization

/// The details jobs of the simulated vendor, of conversations and of users.
final class DetailsJobStore: Sendable {
    /// What a job collects.
    enum Query: Sendable {
        case conversations(ConversationQuery, startOfDay: Bool)
        case users(UserDetailsQuery)
    }

    /// Results as they were when the job was done.
    enum Results: Sendable {
        case conversations([Row], now: SimulatorInstant)
        case users([Int], UserDetailsQuery, now: SimulatorInstant)

        var count: Int {
            switch self {
            case .conversations(let rows, _): rows.count
            case .users(let users, _, _): users.count
            }
        }
    }

    /// How a job stands, as the API tells it.
    struct Standing {
        var state: String
        var message: String?
        var submitted: SimulatorInstant
        var completed: SimulatorInstant?
        var expires: SimulatorInstant?
    }

    /// A page of results.
    struct Page {
        var results: Results
        var range: Range<Int>
        var cursor: String?
        var availability: SimulatorInstant
    }

    /// Why there is no page.
    enum PageFailure: Error { case notFound, badCursor }

    private struct Job {
        let ordinal: Int
        let query: Query
        let submitted: SimulatorInstant
        var looks = 0
        var pages = 0
        var lateResults: Int
        var results: Results?
        var completed: SimulatorInstant?
        var availability: SimulatorInstant?
        var end: String?

        var isOfUsers: Bool { if case .users = query { true } else { false } }
    }

    private struct State {
        var behaviour: DetailsJobBehaviour
        var availability: SimulatorInstant?
        var jobs: [String: Job] = [:]
        var submitted = 0
    }

    private let clock: SimulatorClock
    private let seed: UInt64
    private let collect: @Sendable (Query, SimulatorInstant) -> Results
    private let state: Mutex<State>

    init(
        behaviour: DetailsJobBehaviour, clock: SimulatorClock, seed: UInt64,
        collect: @escaping @Sendable (Query, SimulatorInstant) -> Results
    ) {
        self.clock = clock
        self.seed = seed
        self.collect = collect
        state = Mutex(State(behaviour: behaviour))
    }

    /// How jobs go from now on.
    var behaviour: DetailsJobBehaviour {
        get { state.withLock { $0.behaviour } }
        set { state.withLock { $0.behaviour = newValue } }
    }

    /// Jobs submitted so far.
    var submitted: Int { state.withLock { $0.submitted } }

    /// The moment before which data are complete; it follows the clock unless it is set.
    var availability: SimulatorInstant { state.withLock { availability($0) } }

    /// Holds the availability date still; nil lets it follow the clock again.
    func setAvailability(_ instant: SimulatorInstant?) { state.withLock { $0.availability = instant } }

    private func availability(_ state: State) -> SimulatorInstant {
        state.availability ?? clock.now.adding(milliseconds: Int64(state.behaviour.availabilityLag) * -1000)
    }

    // MARK: What the API does

    /// Takes a job in; its id.
    func submit(_ query: Query) -> String {
        state.withLock { state in
            state.submitted += 1
            var id = RecordBytes(capacity: 36)
            id.append(identifier: Mixing.combine(seed, 0x4a4f_4253_0000_0000 | UInt64(state.submitted)))
            let job = Job(
                ordinal: state.submitted, query: query, submitted: clock.now, lateResults: state.behaviour.lateResults)
            state.jobs[id.string] = job
            return id.string
        }
    }

    /// How a job stands now; looking at it makes it go on. Nil when there is no such job.
    func look(_ id: String, users: Bool) -> Standing? {
        state.withLock { state in
            guard var job = state.jobs[id], job.isOfUsers == users else { return nil }
            job.looks += 1
            let behaviour = state.behaviour
            if job.looks > 1, strikes(behaviour.forgetEvery, job) {
                state.jobs[id] = nil
                return nil
            }
            defer { if state.jobs[id] != nil { state.jobs[id] = job } }
            var standing = Standing(state: "QUEUED", submitted: job.submitted)
            guard job.looks > behaviour.queuedLooks else { return standing }
            standing.state = "PENDING"
            let isDue = job.submitted.adding(milliseconds: Int64(behaviour.seconds) * 1000) <= clock.now
            guard job.looks > behaviour.queuedLooks + behaviour.pendingLooks, isDue else { return standing }
            if job.completed == nil { finish(&job, state) }
            standing.completed = job.completed
            standing.expires = job.completed?.adding(milliseconds: Int64(behaviour.lifetime) * 1000)
            if let expires = standing.expires, expires <= clock.now { job.end = "EXPIRED" }
            standing.state = job.end ?? "FULFILLED"
            if job.end == "FAILED" { standing.message = "The job could not be completed." }
            return standing
        }
    }

    private func finish(_ job: inout Job, _ state: State) {
        job.completed = clock.now
        let availability = min(availability(state), clock.now)
        job.availability = availability
        if strikes(state.behaviour.failEvery, job) {
            job.end = "FAILED"
        } else if strikes(state.behaviour.cancelEvery, job) {
            job.end = "CANCELLED"
        } else {
            // What is newer is left out without a word.
            job.results = Self.omitting(state.behaviour.omitEvery, collect(job.query, availability))
        }
    }

    private static func omitting(_ every: Int, _ results: Results) -> Results {
        guard every > 0, case .conversations(let rows, let now) = results else { return results }
        return .conversations(rows.enumerated().filter { ($0.offset + 1) % every != 0 }.map(\.element), now: now)
    }

    /// A page of a fulfilled job's results.
    func page(_ id: String, users: Bool, cursor: String?, size: Int) throws(PageFailure) -> Page {
        let result: Result<Page, PageFailure> = state.withLock { state in
            guard var job = state.jobs[id], job.isOfUsers == users, job.end == nil, let results = job.results,
                let availability = job.availability
            else { return .failure(.notFound) }
            defer { state.jobs[id] = job }
            let behaviour = state.behaviour
            if let completed = job.completed, completed.adding(milliseconds: Int64(behaviour.lifetime) * 1000) <= clock.now {
                job.end = "EXPIRED"
                return .failure(.notFound)
            }
            if job.lateResults > 0 {
                job.lateResults -= 1
                return .failure(.notFound)
            }
            var start = 0
            var isAfterEmpty = false
            if let cursor {
                guard let place = place(of: cursor, job) else { return .failure(.badCursor) }
                (start, isAfterEmpty) = place
            }
            job.pages += 1
            let size = max(1, min(size, behaviour.pageLimit))
            if !isAfterEmpty, behaviour.emptyEvery > 0, (start / size + 1) % behaviour.emptyEvery == 0, start < results.count {
                return .success(
                    Page(results: results, range: 0..<0, cursor: text(start, true, job), availability: availability))
            }
            let end = min(start + size, results.count)
            var next = end < results.count ? text(end, false, job) : nil
            if next == nil, behaviour.repeatsCursor { next = cursor }
            if strikes(behaviour.expireEvery, job), next != nil { job.end = "EXPIRED" }
            return .success(
                Page(results: results, range: min(start, end)..<end, cursor: next, availability: availability))
        }
        return try result.get()
    }

    /// Removes a job; false when there is none.
    func delete(_ id: String, users: Bool) -> Bool {
        state.withLock { state in
            guard let job = state.jobs[id], job.isOfUsers == users else { return false }
            state.jobs[id] = nil
            return true
        }
    }

    private func strikes(_ every: Int, _ job: Job) -> Bool { every > 0 && job.ordinal % every == 0 }

    // MARK: Cursors

    /// A cursor with characters that a URL can't hold as they are.
    private func text(_ place: Int, _ isAfterEmpty: Bool, _ job: Job) -> String {
        let check = Mixing.combine(seed ^ UInt64(job.ordinal), UInt64(place)) % 100_000
        return "eyJ+\(job.ordinal)/\(place)&\(isAfterEmpty ? 1 : 0)%\(check)=="
    }

    private func place(of cursor: String, _ job: Job) -> (Int, Bool)? {
        let numbers = cursor.split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count == 4, numbers[0] == job.ordinal, text(numbers[1], numbers[2] == 1, job) == cursor else { return nil }
        return (numbers[1], numbers[2] == 1)
    }
}
