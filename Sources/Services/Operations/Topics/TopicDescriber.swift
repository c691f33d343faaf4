public import Contracts
public import Kafka

/// Describes topics: what is declared, what is there, what is in them and who reads them.
public struct TopicDescriber: Sendable {
    private let admin: Admin
    private let kafka: KafkaConfiguration
    private let names: TopicNames

    /// Describes with an admin client, which the caller closes, and readers of its own.
    public init(_ admin: Admin, _ kafka: KafkaConfiguration, _ names: TopicNames) {
        self.admin = admin
        self.kafka = kafka
        self.names = names
    }

    /// The topics by whole name, in order; without names, all of the installation, those included that are declared and missing.
    ///
    /// - Parameters:
    ///   - declared: the topic files' topics; nil when they aren't known.
    ///   - progress: told the topic that is looked at.
    public func describe(
        _ wanted: [String], declared: TopicCatalogue?, progress: @Sendable (String) -> Void = { _ in }
    ) async throws -> [TopicReport] {
        let existing = Dictionary(try await admin.metadata().topics.map { ($0.name, $0) }) { _, last in last }
        let specifications = Dictionary(declared?.topics.map { ($0.name, $0) } ?? []) { _, last in last }
        let ours = existing.keys.filter { $0.hasPrefix(names.prefix) && !$0.hasPrefix("__") }
        let chosen = wanted.isEmpty ? Set(ours).union(specifications.keys) : Set(wanted)
        let readers = try await readers()
        var reports: [TopicReport] = []
        for name in chosen.sorted() {
            progress(name)
            reports.append(try await describe(name, existing[name], specifications[name], readers[name] ?? []))
        }
        return reports
    }

    private func describe(
        _ name: String, _ found: ClusterMetadata.Topic?, _ declared: TopicSpecification?, _ readers: [TopicReport.Reader]
    ) async throws -> TopicReport {
        guard let found else {
            return TopicReport(
                declared: declared, name: name, replication: 0, settings: [:], differences: ["it doesn't exist"], partitions: [],
                readers: readers)
        }
        let configuration = try await admin.configuration(of: name)
        var settings: [String: String] = [:]
        for (key, entry) in configuration where entry.isSetForTopic || declared?.shape.settings[key] != nil {
            settings[key] = entry.value
        }
        let kept = try await TopicScan(kafka, topics: [name]).kept()
        let newest = try await newest(kept)
        let partitions = (0..<Int32(clamping: found.partitions)).map { number in
            let partition = TopicPartition(name, number)
            return TopicReport.Partition(
                number: number, leader: found.leaders.indices.contains(Int(number)) ? found.leaders[Int(number)] : nil,
                inSync: found.inSync.indices.contains(Int(number)) ? found.inSync[Int(number)] : 0,
                kept: kept[partition] ?? 0..<0, newest: newest[partition])
        }
        return TopicReport(
            declared: declared, name: name, replication: found.replication, settings: settings,
            differences: Self.differences(declared, found, configuration.compactMapValues(\.value)), partitions: partitions,
            readers: readers)
    }

    private static func differences(
        _ declared: TopicSpecification?, _ found: ClusterMetadata.Topic, _ settings: [String: String]
    ) -> [String] {
        guard let shape = declared?.shape else { return [] }
        var differences: [String] = []
        if shape.partitions != found.partitions {
            differences.append("partitions: declared \(shape.partitions), there are \(found.partitions)")
        }
        if shape.replication != found.replication {
            differences.append("replication: declared \(shape.replication), there are \(found.replication)")
        }
        for (name, value) in shape.settings.sorted(by: { $0.key < $1.key }) {
            guard let inForce = settings[name], !TopicSetting.isEqual(inForce, value) else { continue }
            differences.append("\(name): declared \(value), in force \(inForce)")
        }
        return differences
    }

    /// The time of the newest record of each partition, looked for among the last offsets: behind it may be markers.
    private func newest(_ kept: [TopicPartition: Range<Int64>]) async throws -> [TopicPartition: Int64] {
        let starts = kept.filter { !$0.value.isEmpty }.mapValues {
            TopicScan.Start.offset(max($0.lowerBound, $0.upperBound - 20))
        }
        guard !starts.isEmpty else { return [:] }
        return try await TopicScan(kafka, from: starts).read { records in
            var newest: [TopicPartition: Int64] = [:]
            for try await record in records where record.timestamp >= 0 {
                newest[record.topicPartition] = max(newest[record.topicPartition] ?? 0, record.timestamp)
            }
            return newest
        }
    }

    /// The groups that have committed something, by topic.
    private func readers() async throws -> [String: [TopicReport.Reader]] {
        var readers: [String: [TopicReport.Reader]] = [:]
        let offsets = GroupReader(admin, kafka, names)
        for group in try await offsets.groups() {
            let state = try await admin.consumerGroup(group).state
            var counts: [String: Int] = [:]
            for partition in try await admin.committedOffsets(of: group).keys where !offsets.isLease(partition, of: group) {
                counts[partition.topic, default: 0] += 1
            }
            for (topic, count) in counts {
                readers[topic, default: []].append(TopicReport.Reader(group: group, state: state, committed: count))
            }
        }
        return readers
    }
}
