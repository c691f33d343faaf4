public import Contracts
public import Kafka
internal import WorkerKit

/// Finds out how far consumer groups have come.
public struct GroupReader: Sendable {
    private let admin: Admin
    private let kafka: KafkaConfiguration
    private let names: TopicNames

    /// The most records of a partition that are read to count the lag.
    static let countedRecords = 1000

    /// Reads with an admin client, which the caller closes, and readers of its own.
    public init(_ admin: Admin, _ kafka: KafkaConfiguration, _ names: TopicNames) {
        self.admin = admin
        self.kafka = kafka
        self.names = names
    }

    /// The groups of this installation: those below the prefix that the brokers list, and those of its programs that have
    /// committed something (not every broker lists groups without members).
    public func groups() async throws -> [String] {
        var found = Set(try await admin.consumerGroups().filter { $0.hasPrefix(names.prefix) })
        let jobs = names.jobs("")
        let kinds = try await admin.metadata().topics.map(\.name).filter { $0.hasPrefix(jobs) }
            .map { $0.dropFirst(jobs.count) }.filter { !$0.contains(".") }
        for group in ["scheduler", "monitor"] + kinds.map({ "\($0)-worker" }) where !found.contains(names.prefix + group) {
            if try await !admin.committedOffsets(of: names.prefix + group).isEmpty { found.insert(names.prefix + group) }
        }
        return found.sorted()
    }

    /// The group's whole name: with the prefix where there is such a group.
    ///
    /// - Throws: a ``UsageProblem`` that names groups when there is none.
    public func resolve(_ given: String) async throws -> String {
        for name in given.hasPrefix(names.prefix) ? [given] : [names.prefix + given, given] {
            if try await admin.consumerGroup(name).isActive { return name }
            if try await !admin.committedOffsets(of: name).isEmpty { return name }
        }
        let known = try await groups().map { String($0.dropFirst(names.prefix.count)) }
        let list = known.prefix(10).joined(separator: ", ")
        let shown = TerminalText.escaped(given, limit: 100)
        throw UsageProblem("there is no group \"\(shown)\"; " + (known.isEmpty ? "there are none here" : "there are \(list)"))
    }

    /// How far a group has come.
    public func report(_ group: String) async throws -> GroupReport {
        let described = try await admin.consumerGroup(group)
        let committed = try await admin.committedOffsets(of: group)
        let counts = Dictionary(try await admin.metadata().topics.map { ($0.name, $0.partitions) }) { _, last in last }
        let owners = Dictionary(
            described.members.flatMap { member in member.partitions.map { ($0, member) } }
        ) { first, _ in first }
        // A group that has committed in one partition of a topic reads the others too.
        var partitions = Set(committed.keys).union(owners.keys)
        for topic in Set(partitions.map(\.topic)) {
            partitions.formUnion((0..<Int32(clamping: counts[topic] ?? 0)).map { TopicPartition(topic, $0) })
        }
        let existing = partitions.filter { $0.partition < counts[$0.topic] ?? 0 }
        let readings = try await readings(of: existing, committed)
        let rows = partitions.sorted().map { partition in
            let reading = readings[partition]
            return GroupReport.Row(
                partition: partition, committed: committed[partition]?.offset, oldest: reading?.kept.lowerBound,
                end: reading?.kept.upperBound, lag: reading?.lag ?? 0, isExact: reading?.isExact ?? true,
                doneAhead: reading?.window.doneBeyondBase ?? 0, oldestUndone: reading?.oldestUndone,
                member: owners[partition], isLease: isLease(partition, of: group))
        }
        return GroupReport(
            group: group, state: described.state, assignor: described.assignor, members: described.members, rows: rows)
    }

    /// Whether a group owns the partition to lead, and its offset there means nothing.
    public func isLease(_ partition: TopicPartition, of group: String) -> Bool {
        switch group {
        case names.prefix + "scheduler": partition.topic == names.scheduleState
        case names.prefix + "monitor": partition.topic == names.alerts
        default: false
        }
    }

    // MARK: Lag

    private struct Reading {
        var kept: Range<Int64>
        var window: AckWindow
        var position: Int64
        var records: Int64 = 0
        var oldestUndone: Int64?
        var last: Int64 = -1

        var isExact: Bool { records < Int64(GroupReader.countedRecords) || last + 1 >= kept.upperBound }
        var lag: Int64 { isExact ? records : max(0, kept.upperBound - position) }
    }

    private func readings(
        of partitions: Set<TopicPartition>, _ committed: [TopicPartition: CommittedOffset]
    ) async throws -> [TopicPartition: Reading] {
        guard !partitions.isEmpty else { return [:] }
        let starts = Dictionary(
            uniqueKeysWithValues: partitions.map { partition in
                (partition, committed[partition].map { TopicScan.Start.offset($0.offset) } ?? .earliest)
            })
        return try await TopicScan(kafka, from: starts, limit: Self.countedRecords).read { records in
            var readings = records.kept.reduce(into: [TopicPartition: Reading]()) { readings, entry in
                let base = committed[entry.key]?.offset ?? entry.value.lowerBound
                readings[entry.key] = Reading(
                    kept: entry.value, window: AckWindow(base: base, metadata: committed[entry.key]?.metadata ?? ""),
                    position: max(base, entry.value.lowerBound))
            }
            for try await record in records {
                guard var reading = readings[record.topicPartition] else { continue }
                reading.records += 1
                reading.last = record.offset
                if !reading.window.isDone(record.offset), reading.oldestUndone == nil, record.timestamp >= 0 {
                    reading.oldestUndone = record.timestamp
                }
                readings[record.topicPartition] = reading
            }
            for (partition, kept) in records.kept { readings[partition]?.kept = kept }
            return readings
        }
    }
}
