internal import Contracts
internal import Foundation

/// One revision of a root job, with everything that it was fanned out to.
///
/// Events may come in any order and more than once, so what counts is not the order in which they arrive but the one in which
/// they happened: of each job the last word holds, and a completion is final. A failure so yields to a later attempt, which
/// somebody caused by redriving the job.
struct RootRun: Sendable {
    enum Status: String, Sendable {
        case planned
        case running
        case waiting
        case done
        case failed
        case cancelled
    }

    /// When an event happened; of several at one instant the one that is further along is the later.
    private struct Moment: Hashable, Comparable, Sendable {
        let at: Date
        let rank: Int
        let attempt: Int

        init(_ event: JobEvent) {
            at = event.at
            attempt = event.attempt
            rank =
                switch event.event {
                case .unknown, .notice: 0
                case .expected: 1
                case .started: 2
                case .progressed: 3
                case .snoozed: 4
                case .retrying: 5
                case .cancelled: 6
                case .failed: 7
                case .planned: 8
                case .completed: 9
                }
        }

        static func < (left: Moment, right: Moment) -> Bool {
            (left.at, left.rank, left.attempt) < (right.at, right.rank, right.attempt)
        }
    }

    /// The latest of something.
    private struct Latest<Value: Sendable>: Sendable {
        private(set) var value: Value?
        private(set) var moment: Moment?

        mutating func offer(_ value: Value, at moment: Moment) {
            if let known = self.moment, moment < known { return }
            self.value = value
            self.moment = moment
        }
    }

    /// A job of the run.
    private struct Node: Sendable {
        var parent: String?
        var word = Latest<(status: Status, failure: JobEvent.Failure?)>()
        var plan = Latest<Set<String>>()
        var figures = Latest<[String: Int]>()
        var completion = Latest<(manifest: String?, figures: [String: Int])>()

        var status: Status { completion.value == nil ? word.value?.status ?? .planned : .done }
    }

    let id: String
    let revision: Int
    private(set) var lastEvent: Date
    private var workers = Latest<String>()
    private var nodes: [String: Node] = [:]

    /// How deep jobs may be fanned out; bounds what a wrong producer can do.
    private static let maximumDepth = 64

    init(id: String, revision: Int, at: Date) {
        self.id = id
        self.revision = revision
        lastEvent = at
        nodes[id] = Node()
    }

    mutating func apply(_ event: JobEvent) {
        let moment = Moment(event)
        lastEvent = max(lastEvent, event.at)
        if let worker = event.worker { workers.offer(worker, at: moment) }
        var node = nodes[event.job.id] ?? Node()
        node.parent = event.job.parent ?? node.parent
        // What was counted on the way to a plan is void: its children count for themselves.
        if !event.figures.isEmpty || event.event == .planned { node.figures.offer(event.figures, at: moment) }
        switch event.event {
        case .completed: node.completion.offer((event.manifest, event.figures), at: moment)
        case .planned:
            node.plan.offer(Set(event.children), at: moment)
            node.word.offer((.running, nil), at: moment)
        case .started, .progressed: node.word.offer((.running, nil), at: moment)
        case .retrying, .snoozed: node.word.offer((.waiting, event.failure), at: moment)
        case .failed: node.word.offer((.failed, event.failure), at: moment)
        case .cancelled: node.word.offer((.cancelled, event.failure), at: moment)
        case .expected, .notice, .unknown: break
        }
        nodes[event.job.id] = node
    }

    // MARK: The whole

    /// The worker that was heard of last.
    var worker: String? { workers.value }

    /// The state of the whole: done when every leaf is, failed when any part was given up.
    var status: Status {
        let statuses = Set(parts.map(\.node.status))
        if statuses.contains(.failed) { return .failed }
        if statuses.contains(.cancelled) { return .cancelled }
        var done: Set<String> = []
        if isDone(id, depth: 0, &done) { return .done }
        if statuses.contains(.running) { return .running }
        if statuses.contains(.waiting) { return .waiting }
        return nodes.count > 1 ? .running : .planned
    }

    /// Why the whole stands where it does: of what was given up the first, of what waits the latest.
    var failure: JobEvent.Failure? {
        let status = status
        guard status == .failed || status == .cancelled || status == .waiting else { return nil }
        let told = parts.filter { $0.node.status == status }.sorted { left, right in
            (left.node.word.moment?.at ?? .distantPast, left.id) < (right.node.word.moment?.at ?? .distantPast, right.id)
        }
        return (status == .waiting ? told.last : told.first)?.node.word.value?.failure
    }

    /// Since when the whole is given up.
    var failedSince: Date? {
        parts.filter { $0.node.status == .failed || $0.node.status == .cancelled }.compactMap(\.node.word.moment?.at).min()
    }

    /// The manifests of all parts, sorted.
    var manifests: [String] { parts.compactMap { $0.node.completion.value?.manifest }.sorted() }

    /// Whether a part finished without saying where its manifest is.
    var lacksManifest: Bool {
        parts.contains { _, node in node.plan.value == nil && node.completion.value.map { $0.manifest == nil } ?? false }
    }

    /// The figures of all parts, added up.
    var figures: [String: Int] {
        parts.reduce(into: [:]) { sum, part in
            sum.merge(part.node.completion.value?.figures ?? part.node.figures.value ?? [:]) { $0 &+ $1 }
        }
    }

    /// All jobs but those that a later plan of their parent no longer names.
    private var parts: [(id: String, node: Node)] {
        nodes.compactMap { id, node in isPlanned(id) ? (id, node) : nil }
    }

    private func isPlanned(_ id: String) -> Bool {
        var id = id
        for _ in 0..<Self.maximumDepth {
            guard id != self.id, let parent = nodes[id]?.parent else { return true }
            if let plan = nodes[parent]?.plan.value, !plan.contains(id) { return false }
            id = parent
        }
        return true
    }

    /// - Parameter done: jobs that were found done already; each is looked at once, however many name it as a child.
    private func isDone(_ id: String, depth: Int, _ done: inout Set<String>) -> Bool {
        if done.contains(id) { return true }
        // A job that names an ancestor as its child is never done.
        guard let node = nodes[id], depth < Self.maximumDepth else { return false }
        if let children = node.plan.value {
            for child in children where !isDone(child, depth: depth + 1, &done) { return false }
        } else if node.status != .done {
            return false
        }
        done.insert(id)
        return true
    }
}
