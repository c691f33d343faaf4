public import Contracts
internal import Foundation
internal import Kafka
internal import Messaging
public import ObjectStorage
internal import Synchronization

/// Carries out a plan for a subject: with what `job.events` know of the days, and telling them what has changed.
public struct PrivacyOperations: Sendable {
    /// What was done.
    public struct Report: Sendable, Encodable {
        /// Rewritings of a former run that were brought to their end first.
        public var recovered: [PrivacyRewrite.Done] = []
        /// What was rewritten.
        public var done: [PrivacyRewrite.Done] = []
        /// Manifests that were left as they are because jobs of their day run, with these.
        public var busy: [String: [String]] = [:]
        /// Manifests that can't be changed.
        public var unfit = 0
    }

    private let store: any ObjectStore
    private let jobs: JobOperations
    private let topics: TopicNames
    private let operatorName: String

    /// Operations on a lake and its cluster.
    public init(store: any ObjectStore, jobs: JobOperations, topics: TopicNames, operatorName: String) {
        self.store = store
        self.jobs = jobs
        self.topics = topics
        self.operatorName = operatorName
    }

    /// Brings former runs to their end, looks through the lake, and rewrites what is the subject's.
    ///
    /// - Parameters:
    ///   - plan: looks through the lake; called once former runs have come to their end.
    ///   - planned: told of the plan before anything of it is done.
    public func apply(
        _ subject: PrivacySubject, _ transactions: OperatorTransactions, plan makePlan: () async throws -> PrivacyPlan,
        planned: (PrivacyPlan) throws -> Void
    ) async throws -> Report {
        var report = Report()
        // Whatever is pending belongs to days of which nothing is known yet: all are read.
        let pending = try await PrivacyRewrite.pendingManifests(in: store)
        if !pending.isEmpty {
            let known = Knowledge(try await look(for: pending))
            report.recovered = try await rewrite(known, transactions).recover()
        }
        let plan = try await makePlan()
        try planned(plan)
        report.unfit = plan.unfit.count
        let known = Knowledge(try await look(for: plan.findings.map(\.manifest)))
        let rewrite = rewrite(known, transactions)
        for finding in plan.findings {
            try Task.checkCancellation()
            let active = known.events.withLock { $0.active(on: PrivacyEvents.Day(finding.manifest)) }
            guard active.isEmpty else {
                report.busy[finding.key.text] = active.map(\.root).sorted()
                continue
            }
            report.done.append(try await rewrite.apply(finding, subject))
        }
        if subject.action == .delete {
            try await PrivacyOpenLists(store: store).clean(subject.conversations, PrivacyMatcher(subject))
        }
        if report.busy.isEmpty, plan.unfit.isEmpty { try await rewrite.remember(subject, report.done) }
        return report
    }

    private func look(for manifests: [Manifest]) async throws -> PrivacyEvents {
        guard !manifests.isEmpty else { return PrivacyEvents([]) }
        var events = PrivacyEvents(manifests.map(PrivacyEvents.Day.init))
        try await jobs.read([topics.jobEvents]) { record in
            if let event = try? JobEvent.decode(record.value) { events.take(event) }
        }
        return events
    }

    private func rewrite(_ knowledge: Knowledge, _ transactions: OperatorTransactions) -> PrivacyRewrite {
        let topics = topics
        return PrivacyRewrite(
            store: store,
            announcer: PrivacyRewrite.Announcer(
                revision: { manifest in knowledge.events.withLock { $0.revision(after: manifest) } },
                tell: { manifest, key in
                    let events = knowledge.events.withLock { $0.events(for: manifest, at: key.text, now: Date()) }
                    try await transactions.commit(events.map { ProducerRecord($0.message(to: topics)) })
                    knowledge.events.withLock { known in for event in events { known.take(event) } }
                }), operatorName: operatorName)
    }
}

/// What is known of the days, which grows with what is told.
private final class Knowledge: Sendable {
    let events: Mutex<PrivacyEvents>

    init(_ events: PrivacyEvents) { self.events = Mutex(events) }
}
