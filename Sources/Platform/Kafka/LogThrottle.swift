internal import Synchronization

/// Lets one of many alike log lines through per interval: in an outage librdkafka tells each failed attempt of each connection,
/// hundreds of lines a second, and all say the same.
///
/// Lines are alike when they have the same facility and the same words; numbers (ports, milliseconds, broker ids) don't count.
final class LogThrottle: Sendable {
    /// For all clients of this process, since they lose the same brokers.
    static let shared = LogThrottle(interval: .seconds(30))

    private struct Line: Hashable {
        let facility: String
        let shape: [UInt8]
    }

    private struct History {
        var told: Duration
        var suppressed = 0
    }

    /// More shapes than librdkafka has; texts that come from elsewhere must not fill the memory.
    private static let maximumLines = 512
    /// What distinguishes lines stands at their beginning, in bytes.
    private static let maximumShape = 200

    private let interval: Duration
    private let now: @Sendable () -> Duration
    private let lines = Mutex<[Line: History]>([:])

    init(interval: Duration, now: @escaping @Sendable () -> Duration = LogThrottle.sinceStart) {
        self.interval = interval
        self.now = now
    }

    /// Decides on a line.
    ///
    /// - Returns: How many lines like it were held back since the last one that was let through; nil: hold this one back too.
    func admit(facility: String, text: String) -> Int? {
        let line = Line(facility: facility, shape: Self.shape(of: text))
        let now = now()
        return lines.withLock { lines in
            guard let history = lines[line] else {
                if lines.count >= Self.maximumLines { lines = lines.filter { now - $0.value.told < interval } }
                // A flood of lines that all differ: rather too many lines than one that nobody saw.
                if lines.count < Self.maximumLines { lines[line] = History(told: now) }
                return 0
            }
            guard now - history.told >= interval else {
                lines[line]?.suppressed += 1
                return nil
            }
            lines[line] = History(told: now)
            return history.suppressed
        }
    }

    /// The text with each number replaced by `#`.
    private static func shape(of text: String) -> [UInt8] {
        var shape: [UInt8] = []
        for byte in text.utf8.prefix(maximumShape) {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            if isDigit, shape.last == UInt8(ascii: "#") { continue }
            shape.append(isDigit ? UInt8(ascii: "#") : byte)
        }
        return shape
    }

    private static let start = ContinuousClock.now
    private static func sinceStart() -> Duration { start.duration(to: .now) }
}
