internal import Rehearsal

/// What goes wrong when, in a chaos run; it follows from the seed.
public struct DisturbancePlan: Sendable {
    /// Something behind a proxy.
    public enum Link: String, Sendable, Hashable, CaseIterable {
        /// The broker.
        case broker
        /// The simulated vendor.
        case vendor
        /// The object storage.
        case storage
    }

    /// One thing that goes wrong.
    public enum Action: Sendable, Hashable {
        /// A process is killed with -9 and started again after a while.
        case kill(choice: UInt64, restart: Duration)
        /// A process stands still for a while, longer than its group waits for it.
        case pause(choice: UInt64, time: Duration)
        /// All connections are cut, once.
        case cut(Link)
        /// A link is bad for a while.
        case fault(Link, ConnectionFault, time: Duration)
        /// The broker is restarted by the command that was given.
        case restartBroker
    }

    /// Something that goes wrong, and when after the beginning.
    public struct Step: Sendable, Hashable {
        /// When.
        public var at: Duration
        /// What.
        public var action: Action
    }

    /// What goes wrong, in order.
    public private(set) var steps: [Step] = []
    /// How long it goes on.
    public let duration: Duration

    /// The plan of a seed.
    ///
    /// - Parameters:
    ///   - links: what is behind a proxy.
    ///   - restartsBroker: whether the broker can be restarted.
    public init(seed: UInt64, kills: Int, pace: Duration, links: Set<Link>, restartsBroker: Bool) {
        var random = SeededRandom(seed: SeededRandom.seed(seed, -1))
        duration = pace * (kills + 1)
        let milliseconds = Int(duration / .milliseconds(1))
        func moment(_ number: Int, of count: Int) -> Duration {
            // Spread over the whole time, each somewhere in its own part of it.
            let part = milliseconds / max(1, count)
            return .milliseconds(number * part + random.number(in: 0...max(1, part - 1)))
        }
        for number in 0..<kills {
            let restart = Duration.milliseconds(
                random.happens(oneIn: 4) ? random.number(in: 1_000...4_000) : random.number(in: 0...500))
            steps.append(Step(at: moment(number, of: kills), action: .kill(choice: random.next(), restart: restart)))
        }
        let pauses = max(1, kills / 12)
        for number in 0..<pauses {
            // The session's timeout is 6 s: some are given up, some come back just in time.
            let time = Duration.milliseconds(random.number(in: 5_000...11_000))
            steps.append(Step(at: moment(number, of: pauses), action: .pause(choice: random.next(), time: time)))
        }
        for link in Link.allCases where links.contains(link) {
            let faults = max(2, kills / 12)
            for number in 0..<faults {
                let (fault, time) = Self.fault(of: link, number: number, &random)
                steps.append(
                    Step(at: moment(number, of: faults), action: fault.map { .fault(link, $0, time: time) } ?? .cut(link)))
            }
        }
        if restartsBroker {
            let restarts = max(1, kills / 50)
            for number in 0..<restarts { steps.append(Step(at: moment(number, of: restarts), action: .restartBroker)) }
        }
        steps.sort { $0.at < $1.at }
    }

    /// A fault and how long it lasts; nil for a cut.
    private static func fault(of link: Link, number: Int, _ random: inout SeededRandom) -> (ConnectionFault?, Duration) {
        func time(_ range: ClosedRange<Int>) -> Duration { .milliseconds(random.number(in: range)) }
        if link == .storage {
            // What only storage does comes first, so that the smallest run has it.
            switch number % 5 {
            case 0: return (.answer(percent: 100, [.outOfSpace]), time(2_000...6_000))
            case 1: return (.answer(percent: 50, [.status(500), .status(503), .silence, .answerLost]), time(3_000...8_000))
            case 2: return (.answer(percent: 30, [.answerLost, .outOfSpace]), time(3_000...8_000))
            default: break
            }
        }
        switch random.number(in: 0...5) {
        case 0: return (.refuse, time(500...3_000))
        case 1: return (.hold, time(1_000...8_000))
        case 2: return (.delay(milliseconds: random.number(in: 20...400)), time(2_000...6_000))
        case 3: return (.throttle(bytesPerSecond: random.number(in: 20_000...200_000)), time(2_000...6_000))
        default: return (nil, .zero)
        }
    }
}
