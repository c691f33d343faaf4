public import Contracts
internal import Foundation

/// Everything that is known of one job: what `jobs status` shows.
public struct JobStory: Sendable {
    /// The job that was asked for.
    public let id: String
    /// The latest revision of the run that it belongs to.
    public let run: JobRun
    /// Its events and those of its parts, all revisions, in order of time.
    public let events: [JobEvent]
    /// The revisions before, with what became of them.
    public let earlier: [JobRun]

    /// The story that events tell; nil when none is about the job.
    ///
    /// - Parameter events: all events of the run, in any order.
    public init?(of id: String, events: [JobEvent]) {
        var history = JobHistory()
        for event in events { history.apply(event) }
        guard let root = history.root(of: id), let run = history.latest(root) else { return nil }
        self.id = id
        self.run = run
        let below = id == root ? nil : Self.descendants(of: id, in: run)
        self.events = events.filter { below?.contains($0.job.id) ?? true }.enumerated()
            .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
        earlier = history.revisions(of: root).dropLast()
    }

    /// A job and all that it was fanned out to.
    private static func descendants(of id: String, in run: JobRun) -> Set<String> {
        var byParent: [String: [String]] = [:]
        for (child, node) in run.nodes { if let parent = node.job.parent { byParent[parent, default: []].append(child) } }
        var found: Set<String> = [id]
        var queue = [id]
        while let next = queue.popLast() { queue += (byParent[next] ?? []).filter { found.insert($0).inserted } }
        return found
    }

    /// The job's own node.
    public var node: JobRun.Node? { run.nodes[id] }

    // MARK: For people

    /// The most children of one job that are named; of the others the states are counted.
    static let namedChildren = 20

    /// The story as text: what the job is, where it stands, its parts and its events.
    ///
    /// - Parameter everyEvent: shows all events; otherwise the last of each stretch of progress, and 60 in all.
    public func text(everyEvent: Bool = false) -> String {
        var lines: [(String, String)] = []
        let job = node?.job ?? run.job
        lines.append(("job", id))
        if let job {
            if id != run.root { lines.append(("root", run.root)) }
            if let parent = job.parent { lines.append(("parent", parent)) }
            lines.append(("about", "\(job.kind), \(job.source), \(job.dataset)" + (job.day.map { ", \($0)" } ?? "")))
            if let interval = job.interval { lines.append(("interval", "\(interval)")) }
        }
        let state = id == run.root ? run.state : node?.state ?? run.state
        lines.append(("revision", "\(run.revision)"))
        lines.append(("state", state.rawValue + (node.map { $0.attempt > 0 ? ", attempt \($0.attempt)" : "" } ?? "")))
        if let schedule = run.schedule { lines.append(("schedule", TerminalText.escaped(schedule, limit: 100))) }
        if let deadline = run.deadline { lines.append(("deadline", Timestamp.string(deadline))) }
        if let worker = node?.worker { lines.append(("worker", TerminalText.escaped(worker, limit: 200))) }
        let next = id == run.root ? run.nextAttempt : node?.nextAttempt
        if let next { lines.append(("next try", Timestamp.string(next))) }
        if let manifest = node?.manifest { lines.append(("manifest", TerminalText.escaped(manifest, limit: 1000))) }
        let figures = id == run.root ? run.figures : node?.figures ?? [:]
        if !figures.isEmpty { lines.append(("figures", Self.figures(figures))) }
        let failure = id == run.root ? run.failure : node?.failure.map { (id, $0) }
        if let (failed, failure) = failure {
            let place = failed == id ? "" : "\(failed): "
            lines.append(("failure", place + TerminalText.escaped("\(failure.reason): \(failure.message)", limit: 1200)))
            if let advice = failure.advice { lines.append(("advice", TerminalText.escaped(advice, limit: 1200))) }
        }
        for run in earlier { lines.append(("earlier", "revision \(run.revision) \(run.state.rawValue)")) }
        var text = lines.map { Self.padded($0.0) + $0.1 + "\n" }.joined()
        let tree = tree
        if !tree.isEmpty { text += "\nparts\n" + tree }
        return text + "\nevents\n" + timeline(everyEvent: everyEvent)
    }

    static func padded(_ name: String) -> String { name + String(repeating: " ", count: max(1, 10 - name.count)) }

    static func figures(_ figures: [String: Int]) -> String {
        figures.sorted { $0.key < $1.key }.prefix(20).map { "\(TerminalText.escaped($0.key, limit: 40)) \($0.value)" }
            .joined(separator: ", ")
    }

    /// The parts as an indented tree, those that failed first; empty when there are none.
    public var tree: String {
        var byParent: [String: [JobRun.Node]] = [:]
        for node in run.nodes.values { if let parent = node.job.parent { byParent[parent, default: []].append(node) } }
        var text = ""
        var seen: Set<String> = [id]
        func add(_ parent: String, depth: Int) {
            guard depth < JobRun.maximumDepth else { return }
            let order: [JobState: Int] = [.failed: 0, .cancelled: 1, .waiting: 2, .running: 3, .expected: 4, .completed: 5]
            let children = (byParent[parent] ?? []).filter { seen.insert($0.job.id).inserted }
                .sorted { (order[$0.state] ?? 9, $0.job.id) < (order[$1.state] ?? 9, $1.job.id) }
            let indent = String(repeating: "  ", count: depth)
            for child in children.prefix(Self.namedChildren) {
                text += "\(indent)\(child.state.rawValue)  \(child.job.id)"
                if !child.figures.isEmpty, child.children == nil { text += "  \(Self.figures(child.figures))" }
                if let failure = child.failure {
                    text += "  \(TerminalText.escaped("\(failure.reason): \(failure.message)", limit: 120))"
                }
                text += "\n"
                add(child.job.id, depth: depth + 1)
            }
            if children.count > Self.namedChildren {
                var counts: [JobState: Int] = [:]
                for child in children.dropFirst(Self.namedChildren) { counts[child.state, default: 0] += 1 }
                let list = JobState.allCases.compactMap { state in counts[state].map { "\($0) \(state.rawValue)" } }
                text += "\(indent)and \(list.joined(separator: ", "))\n"
            }
            // What was planned and never heard of is only as good as lost: it is counted, too.
            let planned = Set(run.nodes[parent]?.children ?? [])
            let silent = planned.subtracting((byParent[parent] ?? []).map(\.job.id)).count
            if silent > 0 { text += "\(indent)and \(silent) planned, not begun\n" }
        }
        add(id, depth: 1)
        return text
    }

    private func timeline(everyEvent: Bool) -> String {
        var shown = events
        if !everyEvent {
            shown = events.enumerated().filter { index, event in
                guard event.event == .progressed, index + 1 < events.count else { return true }
                let next = events[index + 1]
                return next.event != .progressed || next.job.id != event.job.id
            }.map(\.element)
        }
        let limit = everyEvent ? shown.count : 60
        let left = shown.count - limit
        return (left > 0 ? "  (\(left) earlier ones; --all shows them)\n" : "")
            + shown.suffix(limit).map { "  " + Self.line($0, showsJob: $0.job.id != id) + "\n" }.joined()
    }

    /// One event in a line.
    public static func line(_ event: JobEvent, showsJob: Bool) -> String {
        var parts = [Timestamp.string(event.at), event.event.rawValue]
        if showsJob { parts.append(event.job.id) }
        if event.job.revision > 0 { parts.append("revision \(event.job.revision)") }
        if event.attempt > 0 { parts.append("attempt \(event.attempt)") }
        if let worker = event.worker { parts.append(TerminalText.escaped(worker, limit: 100)) }
        if !event.children.isEmpty { parts.append("\(event.children.count) children") }
        if !event.figures.isEmpty { parts.append(figures(event.figures)) }
        if let failure = event.failure {
            parts.append(TerminalText.escaped("\(failure.reason): \(failure.message)", limit: 300))
        }
        if let notice = event.notice {
            let facts = notice.facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            parts.append(TerminalText.escaped("\(notice.topic) \(notice.subject) \(facts)", limit: 300))
        }
        if let next = event.nextAttempt { parts.append("next \(Timestamp.string(next))") }
        return parts.joined(separator: "  ")
    }

    // MARK: For programs

    /// The story as one JSON document.
    public struct Report: Encodable {
        let id: String
        let root: String
        let state: JobState
        let summary: JobSummary?
        let earlier: [Revision]
        let parts: [Part]
        let events: [JobEvent]

        struct Revision: Encodable {
            let revision: Int
            let state: JobState
            let lastEvent: Date
        }

        struct Part: Encodable {
            let id: String
            let parent: String?
            let state: JobState
            let attempts: Int
            let figures: [String: Int]
            let manifest: String?
            let failure: JobEvent.Failure?
            let nextAttempt: Date?
            let children: [String]?
        }
    }

    /// The story for `--json`.
    public var report: Report {
        let below = Self.descendants(of: id, in: run)
        return Report(
            id: id, root: run.root, state: id == run.root ? run.state : node?.state ?? run.state, summary: JobSummary(run),
            earlier: earlier.map { Report.Revision(revision: $0.revision, state: $0.state, lastEvent: $0.lastEvent) },
            parts: run.nodes.filter { below.contains($0.key) }.sorted { $0.key < $1.key }.map { id, node in
                Report.Part(
                    id: id, parent: node.job.parent, state: node.state, attempts: node.attempt, figures: node.figures,
                    manifest: node.manifest, failure: node.failure, nextAttempt: node.nextAttempt, children: node.children)
            }, events: events)
    }
}
