import ArgumentParser
import Contracts
import Foundation
import Operations
import Scheduler
import Service

/// Which roots a command is about.
struct JobFilterOptions: ParsableArguments {
    @Option(help: "Only jobs of this kind, such as conversation.")
    var kind: String?

    @Option(help: "Only jobs of this vendor account, such as genesys/main.")
    var source: String?

    @Option(help: "Only jobs of this data set, such as conversations.")
    var dataset: String?

    @Option(help: ArgumentHelp("Only jobs of this business day.", valueName: "yyyy-MM-dd"))
    var day: String?

    @Option(
        help: ArgumentHelp(
            """
            Only jobs in these states, commas between: expected, running, waiting, completed, failed, cancelled, or active for \
            the first three.
            """, valueName: "state"))
    var state: [String] = []

    /// Refuses what can't be the id of a job.
    static func check(id: String) throws(UsageProblem) {
        guard !Job.isIdentifier(id) else { return }
        throw UsageProblem("id", given: id, allowed: "the id of a job; `switchboard jobs list` shows them")
    }

    /// The filter.
    func filter(ids: [String] = []) throws(UsageProblem) -> JobFilter {
        var filter = JobFilter()
        for id in ids { try Self.check(id: id) }
        filter.ids = Set(ids)
        filter.kind = kind
        filter.source = source
        filter.dataset = dataset
        if let day, !BusinessDay.isValid(day) { throw UsageProblem("--day", given: day, allowed: "a day yyyy-MM-dd") }
        filter.day = day
        for word in state.flatMap({ $0.split(separator: ",") }) {
            if word == "active" {
                filter.states.formUnion(JobState.allCases.filter { !$0.isTerminal })
            } else if let state = JobState(rawValue: String(word)) {
                filter.states.insert(state)
            } else {
                throw UsageProblem(
                    "--state", given: String(word),
                    allowed: "active, \(JobState.allCases.map(\.rawValue).joined(separator: ", "))")
            }
        }
        return filter
    }
}

/// How the commands of `jobs` and `dead` read durations.
enum DurationOption {
    /// A duration; nil when none is given.
    static func parse(_ text: String?, _ option: String) throws(UsageProblem) -> Duration? {
        guard let text else { return nil }
        guard let duration = DurationText.parse(text), duration > .zero else {
            throw UsageProblem(option, given: text, allowed: "a duration such as 30s, 15m, 2h or 7d")
        }
        return duration
    }

    /// The instant so much later; nil when none is given.
    static func expiry(_ text: String?, _ option: String, now: Date) throws(UsageProblem) -> Date? {
        try parse(text, option).map { now.addingTimeInterval($0 / .seconds(1)) }
    }
}

extension JobOperations {
    /// Says on a terminal how far something is.
    static func progress(_ what: String) -> Report {
        { done, total in
            ProgressLine.shared.show(total > 0 ? "\(what): \(done) of \(total) (\(done * 100 / total) %)" : "\(what): \(done)")
        }
    }
}
