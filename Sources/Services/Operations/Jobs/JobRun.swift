public import Contracts
public import Foundation

/// One revision of a root job with everything that it was fanned out to, folded from its events.
///
/// Events may come in any order and more than once: of each job the latest word holds, and a completion is final. A failure
/// yields to a later attempt, which somebody caused by redriving the job.
public struct JobRun: Sendable {
    /// One job of the run.
    public struct Node: Sendable {
        /// What the job is about.
        public fileprivate(set) var job: JobReference
        /// The job's own state, its children apart.
        public fileprivate(set) var state = JobState.expected
        /// The latest attempt, from 1; 0 before the first.
        public fileprivate(set) var attempt = 0
        /// The worker that spoke last.
        public fileprivate(set) var worker: String?
        /// Why it waits or was given up.
        public fileprivate(set) var failure: JobEvent.Failure?
        /// When its next attempt is due.
        public fileprivate(set) var nextAttempt: Date?
        /// The object key of its manifest.
        public fileprivate(set) var manifest: String?
        /// Its figures, such as `records`.
        public fileprivate(set) var figures: [String: Int] = [:]
        /// The children that it planned; nil when it planned none.
        public fileprivate(set) var children: [String]?
        /// When it was first heard of.
        public fileprivate(set) var firstEvent: Date
        /// When an attempt first began.
        public fileprivate(set) var started: Date?
        /// When the last thing happened to it.
        public fileprivate(set) var lastEvent: Date
        fileprivate var word: Moment?
        fileprivate var figuresFrom: Moment?
    }

    /// When an event happened; of several at one instant the one that is further along is the later.
    fileprivate struct Moment: Hashable, Comparable, Sendable {
        let at: Date
        let rank: Int
        let attempt: Int

        init(_ event: JobEvent) {
            at = event.at
            attempt = event.attempt
            rank = Self.ranks[event.event] ?? 0
        }

        private static let ranks: [JobEvent.Kind: Int] = [
            .expected: 1, .started: 2, .progressed: 3, .snoozed: 4, .retrying: 5, .cancelled: 6, .failed: 7, .planned: 8,
            .completed: 9,
        ]

        static func < (left: Moment, right: Moment) -> Bool {
            (left.at, left.rank, left.attempt) < (right.at, right.rank, right.attempt)
        }
    }

    /// The root's id.
    public let root: String
    /// The revision.
    public let revision: Int
    /// All jobs by their ids.
    public private(set) var nodes: [String: Node] = [:]
    /// The schedule that published the root; nil when it was no schedule.
    public private(set) var schedule: String?
    /// When the root must be complete.
    public private(set) var deadline: Date?
    /// When the last thing happened to any of the jobs.
    public private(set) var lastEvent = Date.distantPast

    /// How deep jobs may be fanned out; bounds what a wrong producer can do.
    static let maximumDepth = 64

    init(root: String, revision: Int) {
        self.root = root
        self.revision = revision
    }

    mutating func apply(_ event: JobEvent) {
        let moment = Moment(event)
        lastEvent = max(lastEvent, event.at)
        var node = nodes[event.job.id] ?? Node(job: event.job, firstEvent: event.at, lastEvent: event.at)
        node.firstEvent = min(node.firstEvent, event.at)
        node.lastEvent = max(node.lastEvent, event.at)
        node.attempt = max(node.attempt, event.attempt)
        if event.event == .started { node.started = min(node.started ?? event.at, event.at) }
        if let expectation = event.expectation, event.job.id == root {
            schedule = expectation.schedule
            deadline = expectation.deadline
        }
        if !event.figures.isEmpty, node.figuresFrom.map({ $0 <= moment }) ?? true {
            node.figures = event.figures
            node.figuresFrom = moment
        }
        let isLater = node.word.map { $0 <= moment } ?? true
        // A completion is final, whatever the clocks of workers say.
        let counts =
            node.state == .completed ? event.event == .completed && isLater : event.event == .completed || isLater
        if counts, event.event != .unknown, event.event != .notice {
            node.word = moment
            node.take(event)
        }
        nodes[event.job.id] = node
    }

    /// The state of the whole: completed when every leaf is, failed when any part was given up.
    public var state: JobState {
        var counts: [JobState: Int] = [:]
        for node in nodes.values { counts[node.state, default: 0] += 1 }
        if counts[.failed] != nil { return .failed }
        if counts[.cancelled] != nil { return .cancelled }
        var done: Set<String> = []
        if isDone(root, depth: 0, &done) { return .completed }
        if counts[.running] != nil { return .running }
        if counts[.waiting] != nil { return .waiting }
        return nodes.count > 1 ? .running : .expected
    }

    /// Whether a job and all its children are done.
    ///
    /// - Parameter done: jobs that were found done already; each is looked at once, however many name it as a child.
    private func isDone(_ id: String, depth: Int, _ done: inout Set<String>) -> Bool {
        if done.contains(id) { return true }
        guard let node = nodes[id], depth < Self.maximumDepth else { return false }
        if let children = node.children {
            for child in children where !isDone(child, depth: depth + 1, &done) { return false }
        } else if node.state != .completed {
            return false
        }
        done.insert(id)
        return true
    }

    /// The root's own node; nil when only children were heard of.
    public var rootNode: Node? { nodes[root] }

    /// What the run is about, from the root or, where nothing of it is kept any more, from a child.
    public var job: JobReference? { nodes[root]?.job ?? nodes.values.min { $0.job.id < $1.job.id }?.job }

    /// How many of the other jobs are in each state.
    public var childCounts: [JobState: Int] {
        nodes.reduce(into: [:]) { counts, node in if node.key != root { counts[node.value.state, default: 0] += 1 } }
    }

    /// Why the whole stands where it does: of what was given up the first, of what waits the latest.
    public var failure: (job: String, failure: JobEvent.Failure)? {
        let state = state
        let told = nodes.values.filter { $0.state == state && $0.failure != nil }
            .sorted { ($0.lastEvent, $0.job.id) < ($1.lastEvent, $1.job.id) }
        guard let node = state == .waiting ? told.last : told.first, let failure = node.failure else { return nil }
        return (node.job.id, failure)
    }

    /// When the next attempt of any part is due.
    public var nextAttempt: Date? {
        nodes.values.compactMap { $0.state == .waiting ? $0.nextAttempt : nil }.min()
    }

    /// The figures of all parts, added up; what was counted on the way to a plan is void.
    public var figures: [String: Int] {
        nodes.values.reduce(into: [:]) { sum, node in
            if node.children == nil { sum.merge(node.figures) { $0 &+ $1 } }
        }
    }
}

extension JobRun.Node {
    fileprivate mutating func take(_ event: JobEvent) {
        if let worker = event.worker { self.worker = worker }
        switch event.event {
        case .expected, .notice, .unknown: return
        case .started, .progressed: state = .running
        case .planned:
            state = .running
            children = event.children
        case .retrying, .snoozed: state = .waiting
        case .completed:
            state = .completed
            manifest = event.manifest
        case .failed: state = .failed
        case .cancelled: state = .cancelled
        }
        failure = event.failure
        nextAttempt = event.nextAttempt
    }
}
