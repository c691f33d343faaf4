public import Contracts
public import Kafka

/// What became of each of a flood's messages, told by those who read the topics afterwards.
public struct PoisonAccount: Sendable {
    /// Messages whose key and value came back as they were sent.
    public private(set) var intact = 0
    /// Records with another key or value than was sent, or of no message of the flood; the first few are described.
    public private(set) var differing = 0
    /// Descriptions of the first few.
    public private(set) var differences: [String] = []

    private let flood: PoisonMessages
    /// How often each message came back, 2 for more than once.
    private var ends: [UInt8]
    private var completed: [String: Int] = [:]

    /// An account of the first `messages` messages.
    public init(of flood: PoisonMessages, messages: Int) {
        self.flood = flood
        ends = [UInt8](repeating: 0, count: messages)
    }

    /// Notes a record of the dead topic, or of a retry topic.
    public mutating func note(_ record: ConsumerRecord) {
        guard let number = PoisonMessages.number(of: record), ends.indices.contains(number) else {
            differ("\(record.topicPartition)@\(record.offset) is none of the flood's messages")
            return
        }
        ends[number] = min(2, ends[number] + 1)
        let sent = flood.message(number)
        if record.key == sent.key, record.value == sent.value {
            intact += 1
        } else {
            differ("\(record.topicPartition)@\(record.offset) differs from message \(number)")
        }
    }

    private mutating func differ(_ text: String) {
        differing += 1
        if differences.count < 10 { differences.append(text) }
    }

    /// Notes an event: completions count, by their job's id, since they carry no header of their message.
    public mutating func note(_ event: JobEvent) {
        if event.event == .completed { completed[event.job.id, default: 0] += 1 }
    }

    /// What is known once everything was noted.
    public struct Result: Sendable, Hashable {
        /// Messages that were valid jobs and completed.
        public var done = 0
        /// The numbers of messages without an end.
        public var lost: [Int] = []
        /// Ends beyond the first.
        public var twice = 0
    }

    /// Matches completions with messages that didn't come back.
    ///
    /// Whether such a message is a job is asked of the decoder; that the worker completed exactly these is found out.
    public func result() -> Result {
        var result = Result()
        var completed = completed
        for number in ends.indices where ends[number] == 0 {
            if let job = try? Job.decode(flood.message(number).value), let count = completed[job.id], count > 0 {
                completed[job.id] = count - 1
                result.done += 1
            } else {
                result.lost.append(number)
            }
        }
        result.twice = ends.count { $0 > 1 } + completed.values.reduce(0, +)
        return result
    }
}
