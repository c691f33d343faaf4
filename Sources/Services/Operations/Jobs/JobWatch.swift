public import Contracts
internal import Foundation

/// The runs that somebody watches, until all of them have ended. Pure.
public struct JobWatch: Sendable {
    private var history: JobHistory
    private let filter: JobFilter
    private var watched: Set<String>

    /// Watches the roots that a filter names, or, where it names none by id, those that are active now or become so.
    public init(_ filter: JobFilter, history: JobHistory) {
        self.filter = filter
        self.history = history
        watched = filter.ids
        if watched.isEmpty {
            watched = Set(history.runs(matching: filter).filter { !$0.state.isTerminal }.map(\.root))
        }
    }

    /// Takes an event in; whether it is about a run that is watched.
    public mutating func take(_ event: JobEvent) -> Bool {
        let root = event.job.root
        if watched.contains(root) {
            history.apply(event)
            return true
        }
        guard filter.ids.isEmpty, event.job.id == root, filter.matches(event.job), !event.event.isTerminal else { return false }
        history.apply(event)
        watched.insert(root)
        return true
    }

    /// What is watched: what still goes on first, the last heard of first. Roots of which nothing is known are left out.
    public var summaries: [JobSummary] {
        watched.compactMap { history.latest($0).flatMap { JobSummary($0) } }.sorted {
            ($0.state.isTerminal ? 1 : 0, $1.lastEvent, $0.id) < ($1.state.isTerminal ? 1 : 0, $0.lastEvent, $1.id)
        }
    }

    /// Watched roots of which nothing is known yet.
    public var unknown: [String] { watched.filter { history.latest($0) == nil }.sorted() }

    /// Whether everything that is watched has ended.
    public var isOver: Bool { watched.allSatisfy { history.latest($0)?.state.isTerminal ?? false } }

    /// Whether everything that is watched completed.
    public var isGood: Bool { watched.allSatisfy { history.latest($0)?.state == .completed } }

    /// How many are in each state, in words.
    public var counts: String {
        var counts: [JobState: Int] = [:]
        for root in watched { counts[history.latest(root)?.state ?? .expected, default: 0] += 1 }
        let parts = JobState.allCases.compactMap { state in counts[state].map { "\($0) \(state.rawValue)" } }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}
