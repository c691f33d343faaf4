internal import Contracts
internal import Foundation

/// One revision of a root job, with everything that it was fanned out to.
///
/// Events may come in any order and more than once: a completion is final for its revision, a failure yields to a later
/// completion (somebody redrove it).
struct RootRun: Sendable {
    enum Status: String, Sendable {
        case planned
        case running
        case waiting
        case done
        case failed
        case cancelled
    }

    private struct Node: Sendable {
        var status = Status.planned
        var children: Set<String>?
        var manifest: String?
        var figures: [String: Int] = [:]
    }

    let id: String
    var revision: Int
    var expectation: JobEvent.Expectation?
    private(set) var failure: JobEvent.Failure?
    private(set) var lastEvent: Date
    private(set) var worker: String?
    private var nodes: [String: Node] = [:]

    init(id: String, revision: Int, at: Date) {
        self.id = id
        self.revision = revision
        lastEvent = at
        nodes[id] = Node()
    }

    mutating func apply(_ event: JobEvent) {
        lastEvent = max(lastEvent, event.at)
        worker = event.worker ?? worker
        if let expectation = event.expectation { self.expectation = expectation }
        var node = nodes[event.job.id] ?? Node()
        if !event.figures.isEmpty, node.status != .done { node.figures = event.figures }
        switch event.event {
        case .completed:
            node.status = .done
            node.manifest = event.manifest
            node.figures = event.figures
        case .planned:
            node.children = Set(event.children)
            for child in event.children where nodes[child] == nil { nodes[child] = Node() }
            if node.status != .done { node.status = .running }
        case _ where node.status == .done:
            break
        case .started, .progressed:
            node.status = .running
        case .retrying, .snoozed:
            node.status = .waiting
            failure = event.failure
        case .failed:
            node.status = .failed
            failure = event.failure
        case .cancelled:
            node.status = .cancelled
            failure = event.failure
        case .expected, .unknown:
            break
        }
        nodes[event.job.id] = node
        if status == .done { failure = nil }
    }

    /// The state of the whole: done when every leaf is, failed when any part was given up.
    var status: Status {
        if nodes.values.contains(where: { $0.status == .failed }) { return .failed }
        if nodes.values.contains(where: { $0.status == .cancelled }) { return .cancelled }
        if isDone(id, depth: 0) { return .done }
        if nodes.values.contains(where: { $0.status == .running }) { return .running }
        if nodes.values.contains(where: { $0.status == .waiting }) { return .waiting }
        return nodes.count > 1 ? .running : .planned
    }

    private func isDone(_ id: String, depth: Int) -> Bool {
        // A job that names an ancestor as its child is never done; depth bounds what a wrong producer can do.
        guard let node = nodes[id], depth < 64 else { return false }
        guard let children = node.children else { return node.status == .done }
        return children.allSatisfy { isDone($0, depth: depth + 1) }
    }

    /// The manifests of all parts, sorted.
    var manifests: [String] { nodes.values.compactMap(\.manifest).sorted() }

    /// Whether a part finished without saying where its manifest is.
    var lacksManifest: Bool { nodes.values.contains { $0.status == .done && $0.children == nil && $0.manifest == nil } }

    /// The figures of all parts, added up.
    var figures: [String: Int] {
        nodes.values.reduce(into: [:]) { sum, node in sum.merge(node.figures) { $0 &+ $1 } }
    }
}
