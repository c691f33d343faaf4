internal import Contracts
public import Kafka

/// What became of the letters that went back to work, folded from what is published after them. Pure.
public struct RedriveWatch: Sendable {
    /// How one of them ended.
    public enum Outcome: Sendable, Hashable {
        /// It completed, or planned its parts.
        case succeeded
        /// It died again.
        case died
        /// Somebody called it off.
        case cancelled
    }

    private struct Work: Hashable {
        let id: String
        let revision: Int
    }

    private let eventsTopic: String
    private var byWork: [Work: DeadLetter.Position] = [:]
    private var byOrigin: [DeadLetter.Origin: DeadLetter.Position] = [:]
    private var open: Set<DeadLetter.Position> = []
    /// How many ended in each way.
    public private(set) var counts: [Outcome: Int] = [:]

    /// Watches nothing yet.
    ///
    /// - Parameter eventsTopic: the name of `job.events`; every other topic is taken for a dead topic.
    public init(eventsTopic: String) { self.eventsTopic = eventsTopic }

    /// Watches letters from now on; to be called before they are published.
    public mutating func watch(_ letters: some Sequence<DeadLetter>) {
        for letter in letters {
            open.insert(letter.position)
            if let job = letter.job { byWork[Work(id: job.id, revision: job.revision)] = letter.position }
            // What can't be read has no id: when it dies again, it still says where it was first read.
            if let origin = letter.origin { byOrigin[origin] = letter.position }
        }
    }

    /// How many have not ended.
    public var pending: Int { open.count }

    /// Takes a record of `job.events` or of the dead topic in.
    public mutating func take(_ record: ConsumerRecord) {
        if record.topic == eventsTopic {
            guard let event = try? JobEvent.decode(record.value),
                let position = byWork[Work(id: event.job.id, revision: event.job.revision)]
            else { return }
            switch event.event {
            case .completed, .planned: end(position, .succeeded)
            case .failed: end(position, .died)
            case .cancelled: end(position, .cancelled)
            case .expected, .started, .progressed, .retrying, .snoozed, .notice, .unknown: break
            }
        } else if let origin = DeadLetter(record).origin, let position = byOrigin[origin] {
            end(position, .died)
        }
    }

    private mutating func end(_ position: DeadLetter.Position, _ outcome: Outcome) {
        if open.remove(position) != nil { counts[outcome, default: 0] += 1 }
    }
}
