import Service

/// A topic setting that files may name, and how its value is written there and on the cluster.
struct TopicSetting: Sendable {
    /// Kafka's name.
    let name: String
    private let form: Form

    private enum Form: Sendable {
        case duration
        case size
        case count(ClosedRange<Int>)
        case ratio
        case boolean
        case choice([String])
    }

    /// Every setting that `config:` may hold. `retention.ms` and `cleanup.policy` have keys of their own.
    static let all: [TopicSetting] = [
        TopicSetting(name: "compression.type", form: .choice(["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"])),
        TopicSetting(name: "delete.retention.ms", form: .duration),
        TopicSetting(name: "file.delete.delay.ms", form: .duration),
        TopicSetting(name: "max.compaction.lag.ms", form: .duration),
        TopicSetting(name: "max.message.bytes", form: .size),
        TopicSetting(name: "message.timestamp.type", form: .choice(["CreateTime", "LogAppendTime"])),
        TopicSetting(name: "min.cleanable.dirty.ratio", form: .ratio),
        TopicSetting(name: "min.compaction.lag.ms", form: .duration),
        TopicSetting(name: "min.insync.replicas", form: .count(1...10)),
        TopicSetting(name: "retention.bytes", form: .size),
        TopicSetting(name: "segment.bytes", form: .size),
        TopicSetting(name: "segment.ms", form: .duration),
        TopicSetting(name: "unclean.leader.election.enable", form: .boolean),
    ]

    static func named(_ name: String) -> TopicSetting? { all.first { $0.name == name } }

    /// What a file may write, for problems.
    var allowed: String {
        switch form {
        case .duration: "a duration like 90s, 15m, 1h or 7d"
        case .size: "a size like 512KiB, 1MiB or a number of bytes"
        case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .ratio: "a number from 0 to 1"
        case .boolean: "true or false"
        case .choice(let choices): "one of \(choices.joined(separator: ", "))"
        }
    }

    /// Kafka's spelling of a value as a file writes it; nil when it isn't allowed.
    func kafkaValue(_ text: String) -> String? {
        switch form {
        case .duration: DurationText.parse(text).map(Self.milliseconds)
        case .size: ByteCountText.parse(text).map(String.init)
        case .count(let range): Int(text).flatMap { range.contains($0) ? "\($0)" : nil }
        case .ratio: Double(text).flatMap { (0...1).contains($0) ? "\($0)" : nil }
        case .boolean: Bool(text).map { "\($0)" }
        case .choice(let choices): choices.contains(text) ? text : nil
        }
    }

    /// Whether two spellings of a setting mean the same to Kafka: `0.5` and `0.50`, `compact,delete` in any order.
    static func isEqual(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        if let left = Double(left), let right = Double(right) { return left == right }
        func parts(_ text: String) -> [String] {
            text.split(separator: ",").map { String($0.filter { $0 != " " }) }.sorted()
        }
        return parts(left) == parts(right)
    }

    /// Kafka's spelling of a duration.
    static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)"
    }
}
