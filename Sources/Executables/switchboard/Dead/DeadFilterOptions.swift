import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations

/// Which dead letters a command is about.
struct DeadFilterOptions: ParsableArguments {
    @Option(name: .customLong("kind"), help: "Only jobs that name this kind, where that isn't the topic's.")
    var jobKind: String?

    @Option(help: "Only jobs of this vendor account, such as genesys/main.")
    var source: String?

    @Option(help: "Only jobs of this data set.")
    var dataset: String?

    @Option(help: ArgumentHelp("Only jobs of this business day.", valueName: "yyyy-MM-dd"))
    var day: String?

    @Option(help: "Only these jobs, or parts of these roots; commas between.")
    var id: [String] = []

    @Option(help: ArgumentHelp("Only these letters, as the list names them; commas between.", valueName: "partition:offset"))
    var at: [String] = []

    @Option(help: ArgumentHelp("Only what died at or after this.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only what died before this.", valueName: "time"))
    var until: String?

    @Option(help: "The zone of local times.")
    var zone: String?

    @Flag(help: "Only what can't be read as a job.")
    var unreadable = false

    /// The filter.
    ///
    /// - Parameter errors: classes of failures, which not all commands name by the same option.
    func filter(errors: [String], now: Date) throws(UsageProblem) -> DeadFilter {
        var filter = DeadFilter()
        filter.reasons = Set(Self.parts(errors))
        filter.kind = jobKind
        filter.source = source
        filter.dataset = dataset
        if let day, !BusinessDay.isValid(day) { throw UsageProblem("--day", given: day, allowed: "a day yyyy-MM-dd") }
        filter.day = day
        filter.ids = Set(Self.parts(id))
        for id in filter.ids { try JobFilterOptions.check(id: id) }
        for text in Self.parts(at) {
            guard let position = DeadLetter.Position(text) else { throw Self.refusal(of: text, "--at") }
            filter.positions.insert(position)
        }
        let zone = try TimeExpression.zone(zone)
        if let since { filter.since = try TimeExpression.parse(since, option: "--since", now: now, zone: zone) }
        if let until { filter.until = try TimeExpression.parse(until, option: "--until", now: now, zone: zone) }
        if let since = filter.since, let until = filter.until, since >= until {
            throw UsageProblem("--since \(Timestamp.string(since)) is not before --until \(Timestamp.string(until))")
        }
        if unreadable { filter.isReadable = false }
        return filter
    }

    private static func parts(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    static func refusal(of position: String, _ option: String) -> UsageProblem {
        UsageProblem(option, given: position, allowed: "partition:offset, such as 3:42; `switchboard dead list` shows them")
    }
}

/// The classes of failures that a command is about, where no other reason is asked for.
struct DeadErrorOptions: ParsableArguments {
    @Option(
        name: [.customLong("error"), .customLong("reason")],
        help: ArgumentHelp("Only these classes of failures, such as vendor-unavailable; commas between.", valueName: "class"))
    var error: [String] = []
}

/// The kind whose dead letters a command is about, and how to reach them.
struct DeadOptions: ParsableArguments {
    @Argument(help: "The kind of worker, such as conversation.")
    var kind: String

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    /// Connects, and refuses a kind without a dead topic.
    func operations(reporting what: String = "read") async throws -> (DeadOperations, TopicNames) {
        guard Job.isIdentifier(kind) else { throw UsageProblem("kind", given: kind, allowed: "a kind such as conversation") }
        let kind = kind
        return try await connection.withAdmin { admin, kafka, topics in
            let existing = try await admin.metadata().topics.map(\.name)
            let prefix = topics.jobs("")
            let kinds = existing.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".dead") }
                .map { String($0.dropFirst(prefix.count).dropLast(".dead".count)) }
            guard kinds.contains(kind) else {
                throw UsageProblem(
                    "kind", given: kind,
                    allowed: kinds.isEmpty
                        ? "none: this cluster has no dead topics; make them with `switchboard topics apply --execute`"
                        : kinds.joined(separator: ", "))
            }
            return (DeadOperations(kafka, topics: topics, kind: kind, report: JobOperations.progress(what)), topics)
        }
    }
}
