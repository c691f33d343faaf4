internal import Foundation
public import Kafka

/// Reads and moves the offsets of consumer groups.
public struct OffsetOperations: Sendable {
    private let admin: Admin
    private let kafka: KafkaConfiguration

    /// Operations over an admin client, which the caller closes, and readers of their own.
    public init(_ admin: Admin, _ kafka: KafkaConfiguration) {
        self.admin = admin
        self.kafka = kafka
    }

    /// The most offsets between two positions that are read to count their records.
    static let countedOffsets: Int64 = 10_000

    // MARK: Plans

    /// Plans to move a group to a target.
    public func plan(group: String, partitions: [TopicPartition], target: OffsetTarget) async throws -> OffsetPlan {
        var found: [TopicPartition: Int64] = [:]
        if case .time(let date) = target {
            let time = Int64((date.timeIntervalSince1970 * 1000).rounded(.up))
            found = try await firstRecords(partitions.map { ($0, .time(time)) }).mapValues(\.offset)
        }
        let facts = try await facts(group: group, partitions: partitions).reduce(into: [:]) { facts, entry in
            facts[entry.key] = OffsetPlan.Facts(
                committed: entry.value.committed, kept: entry.value.kept, found: found[entry.key])
        }
        return try await completed(OffsetPlan(group: group, facts: facts, target: target))
    }

    /// Plans to restore what a file remembers; partitions that don't exist any more are left out.
    public func plan(restoring file: OffsetFile) async throws -> OffsetPlan {
        let counts = Dictionary(try await admin.metadata().topics.map { ($0.name, $0.partitions) }) { _, last in last }
        let partitions = file.committed.keys.filter { $0.partition < counts[$0.topic] ?? 0 }.sorted()
        let facts = try await facts(group: file.group, partitions: partitions)
        return try await completed(OffsetPlan(group: file.group, facts: facts, restoring: file.committed))
    }

    private func facts(group: String, partitions: [TopicPartition]) async throws -> [TopicPartition: OffsetPlan.Facts] {
        guard !partitions.isEmpty else { return [:] }
        let committed = try await admin.committedOffsets(of: group)
        let kept = try await TopicScan(kafka, from: Self.starts(partitions.map { ($0, .latest) })).kept()
        return kept.reduce(into: [:]) { $0[$1.key] = OffsetPlan.Facts(committed: committed[$1.key], kept: $1.value) }
    }

    private static func starts(_ pairs: [(TopicPartition, TopicScan.Start)]) -> [TopicPartition: TopicScan.Start] {
        Dictionary(pairs) { _, last in last }
    }

    private func firstRecords(_ positions: [(TopicPartition, TopicScan.Start)]) async throws -> [TopicPartition: ConsumerRecord] {
        guard !positions.isEmpty else { return [:] }
        return try await TopicScan(kafka, from: Self.starts(positions), limit: 1).read { records in
            var first: [TopicPartition: ConsumerRecord] = [:]
            for try await record in records where first[record.topicPartition] == nil { first[record.topicPartition] = record }
            return first
        }
    }

    /// Adds the times of the records at both positions and how many records lie between them.
    private func completed(_ plan: OffsetPlan) async throws -> OffsetPlan {
        var plan = plan
        let changes = plan.rows.filter(\.isChange)
        let old = try await firstRecords(changes.map { ($0.partition, .offset($0.from)) })
        let new = try await firstRecords(changes.map { ($0.partition, .offset($0.to)) })
        let between = try await recordsBetween(changes)
        for index in plan.rows.indices where plan.rows[index].isChange {
            let partition = plan.rows[index].partition
            plan.rows[index].timeAtOld = old[partition]?.timestamp
            plan.rows[index].timeAtNew = new[partition]?.timestamp
            plan.rows[index].records = between[partition]
        }
        return plan
    }

    private func recordsBetween(_ rows: [OffsetPlan.Row]) async throws -> [TopicPartition: Int] {
        var ends: [TopicPartition: Int64] = [:]
        var counts: [TopicPartition: Int] = [:]
        for row in rows where abs(row.to - row.from) <= Self.countedOffsets {
            counts[row.partition] = 0
            if row.from != row.to { ends[row.partition] = max(row.from, row.to) }
        }
        guard !ends.isEmpty else { return counts }
        let starts = rows.filter { ends[$0.partition] != nil }.map { ($0.partition, TopicScan.Start.offset(min($0.from, $0.to))) }
        let limit = Int(Self.countedOffsets)
        let (limits, zeros) = (ends, counts)
        return try await TopicScan(kafka, from: Self.starts(starts), limit: limit).read { records in
            var counts = zeros
            for try await record in records where record.offset < limits[record.topicPartition] ?? 0 {
                counts[record.topicPartition, default: 0] += 1
            }
            return counts
        }
    }

    // MARK: Changes

    /// Why a plan isn't carried out.
    public enum Refusal: Error, Sendable, CustomStringConvertible {
        /// The group has members: they would go on where they are, and commit over it.
        case active(ConsumerGroup)
        /// What was read back isn't what was set; somebody else commits too.
        case notAsSet(group: String, [TopicPartition])

        /// One line, and what to do.
        public var description: String {
            switch self {
            case .active(let group):
                let members = group.members.map {
                    TerminalText.escaped($0.client, limit: 80) + ($0.host.isEmpty ? "" : " \($0.host)")
                }
                let named = members.isEmpty ? "members that the broker doesn't name" : members.joined(separator: ", ")
                return "refused: group \(group.id) has members (\(named)); stop them first, then repeat"
            case .notAsSet(let group, let partitions):
                let list = partitions.sorted().map(\.description).joined(separator: ", ")
                return "group \(group) doesn't have what was set in \(list): something commits meanwhile; stop it, then repeat"
            }
        }
    }

    /// Whether the group may be changed.
    ///
    /// - Throws: a ``Refusal`` while it has members.
    public func checkIdle(_ group: String) async throws {
        let found = try await admin.consumerGroup(group)
        if found.isActive { throw Refusal.active(found) }
    }

    /// Carries a plan out and reads back what the group has then.
    ///
    /// - Throws: a ``Refusal`` when the group has members, before or meanwhile.
    public func execute(_ plan: OffsetPlan) async throws {
        try await checkIdle(plan.group)
        let changes = plan.rows.filter(\.isChange)
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for row in changes { offsets[row.partition] = row.new }
        do {
            try await admin.setCommittedOffsets(of: plan.group, to: offsets)
            try await admin.deleteCommittedOffsets(of: plan.group, changes.filter { $0.new == nil }.map(\.partition))
        } catch {
            // The broker's own check: somebody joined after ours.
            try await checkIdle(plan.group)
            throw error
        }
        let committed = try await admin.committedOffsets(of: plan.group)
        let wrong = changes.filter { committed[$0.partition]?.offset != $0.new?.offset }.map(\.partition)
        guard wrong.isEmpty else { throw Refusal.notAsSet(group: plan.group, wrong) }
    }
}
