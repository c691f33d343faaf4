public import Kafka

/// Topics or some of their partitions as operators write them: `jobs.conversation` or `jobs.conversation:0,3`.
public struct TopicSelection: Sendable, Hashable {
    /// The topic's name as it was given.
    public let topic: String
    /// The partitions; empty for all.
    public let partitions: Set<Int32>

    /// Reads a selection.
    ///
    /// - Throws: a ``UsageProblem`` that names the option.
    public init(_ text: String, option: String) throws(UsageProblem) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let refusal = UsageProblem(
            option, given: text, allowed: "a topic, or a topic with partitions such as jobs.conversation:0,3")
        guard let name = parts.first, !name.isEmpty else { throw refusal }
        topic = String(name)
        guard parts.count == 2 else {
            partitions = []
            return
        }
        var numbers: Set<Int32> = []
        for number in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int32(number), number >= 0 else { throw refusal }
            numbers.insert(number)
        }
        partitions = numbers
    }

    /// The partitions of the selections, in order.
    ///
    /// - Parameters:
    ///   - resolver: finds the topics by short names.
    ///   - counts: how many partitions each topic of the cluster has.
    /// - Throws: a ``UsageProblem`` when a topic or a partition doesn't exist.
    public static func resolve(
        _ selections: [TopicSelection], _ resolver: TopicResolver, counts: [String: Int]
    ) throws(UsageProblem) -> [TopicPartition] {
        var chosen: Set<TopicPartition> = []
        for selection in selections {
            let topic = try resolver.topic(selection.topic)
            let existing = 0..<Int32(clamping: counts[topic] ?? 0)
            if let missing = selection.partitions.filter({ !existing.contains($0) }).min() {
                throw UsageProblem("\(topic) has no partition \(missing), only 0 to \(existing.count - 1)")
            }
            for number in selection.partitions.isEmpty ? Set(existing) : selection.partitions {
                chosen.insert(TopicPartition(topic, number))
            }
        }
        return chosen.sorted()
    }
}
