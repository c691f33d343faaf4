internal import Contracts
internal import Foundation
internal import Kafka
internal import Rehearsal

/// What was found at the end of a chaos run, beside what had to be.
public struct ChaosVerdict: Sendable {
    /// One promise.
    public struct Check: Sendable, Hashable {
        /// What was counted.
        public let name: String
        /// What was found.
        public let found: String
        /// What had to be found.
        public let promise: String
        /// Whether the promise was kept; nil when the broker of this run can't prove it.
        public let isKept: Bool?
        /// A few of those that broke it.
        public var examples: [String] = []
    }

    /// The promises, in the order of the table.
    public private(set) var checks: [Check] = []
    /// Figures that promise nothing.
    public private(set) var figures: [(name: String, value: String)] = []

    /// Whether all promises were kept that this run's broker can prove.
    public var isGood: Bool { checks.allSatisfy { $0.isKept != false } }

    mutating func count(_ name: String, _ violations: [String], promise: String = "0", isProvable: Bool = true) {
        checks.append(
            Check(
                name: name, found: Layout.number(violations.count), promise: promise,
                isKept: violations.isEmpty ? true : isProvable ? false : nil, examples: Array(violations.sorted().prefix(5))))
    }

    mutating func check(_ name: String, _ found: String, promise: String, isKept: Bool, examples: [String] = []) {
        checks.append(Check(name: name, found: found, promise: promise, isKept: isKept, examples: examples))
    }

    mutating func figure(_ name: String, _ value: String) { figures.append((name, value)) }

    // MARK: Jobs

    /// Judges the ends of all rehearsal jobs and of the conversations' jobs.
    mutating func judgeJobs(
        _ ledger: EventLedger, _ plan: RehearsalPlan, conversationJobs: Int, claimsExactlyOnce: Bool
    ) {
        var lost: [String] = []
        var wrong: [String] = []
        var twice: [String] = []
        func judge(_ id: String, _ entry: EventLedger.Entry?, isRight: (EventLedger.Entry) -> Bool) {
            guard let entry, entry.ends > 0 else {
                lost.append(entry == nil ? "\(id): never heard of" : "\(id): no end")
                return
            }
            if !isRight(entry) { wrong.append("\(id): \(Self.ends(entry))") }
            if entry.ends > 1 { twice.append("\(id): \(Self.ends(entry))") }
        }
        for expectation in plan.expectations {
            judge(expectation.job.id, ledger[expectation.job.id]) { entry in
                switch expectation.end {
                case .completed: entry.completed == entry.ends
                case .planned: entry.planned == entry.ends
                case .failed: entry.failed == entry.ends
                }
            }
        }
        let conversations = ledger.entries.filter { $0.value.kind == "conversation" }
        for (key, entry) in conversations { judge(key.id, entry) { $0.completed == $0.ends } }
        for missing in 0..<max(0, conversationJobs - conversations.count) {
            lost.append("conversation job \(missing): never published")
        }
        let known = Set(plan.expectations.map(\.job.id))
        let strange = ledger.entries.filter { key, entry in
            entry.kind == RehearsalPlan.kind && !known.contains(key.id) && !key.id.hasPrefix("unreadable-")
        }
        count("jobs lost", lost)
        count("jobs with another end than the seed says", wrong)
        count("jobs that nobody published", strange.map(\.key.id))
        count(
            "results published twice", twice, promise: claimsExactlyOnce ? "0" : "not claimed on Tansu",
            isProvable: claimsExactlyOnce)
        count("events that can't be read", Array(repeating: "event", count: ledger.unreadable))
    }

    private static func ends(_ entry: EventLedger.Entry) -> String {
        [("planned", entry.planned), ("completed", entry.completed), ("failed", entry.failed), ("cancelled", entry.cancelled)]
            .filter { $0.1 > 0 }.map { "\($0.1) × \($0.0)" }.joined(separator: ", ") + (entry.failure.map { " (\($0))" } ?? "")
    }

    /// Judges the dead topic of the rehearsal.
    mutating func judgeDead(_ records: [ConsumerRecord], _ plan: RehearsalPlan, claimsExactlyOnce: Bool) {
        var counts: [String: Int] = [:]
        var strange: [String] = []
        var changed: [String] = []
        let doomed = plan.expectations.filter { $0.end == .failed }
        let values = Dictionary(uniqueKeysWithValues: doomed.map { ($0.job.id, $0.job.message(to: TopicNames()).value) })
        let poison = Dictionary(uniqueKeysWithValues: plan.poison.enumerated().map { ("poison-\($0.offset)", $0.element) })
        for record in records {
            let key = String(decoding: record.key ?? [], as: UTF8.self)
            guard let value = values[key] ?? poison[key] else {
                strange.append("\(key): \(record.headers.text(of: JobHeader.deadMessage) ?? "no reason")")
                continue
            }
            counts[key, default: 0] += 1
            if record.value != value { changed.append(key) }
        }
        count("dead letters missing", (Array(values.keys) + Array(poison.keys)).filter { counts[$0] == nil })
        count("dead letters that shouldn't be", strange)
        count("dead letters with other bytes", changed)
        count(
            "dead letters published twice", counts.filter { $0.value > 1 }.map(\.key),
            promise: claimsExactlyOnce ? "0" : "not claimed on Tansu", isProvable: claimsExactlyOnce)
    }

    // MARK: Lake

    /// Judges the lake.
    ///
    /// - Parameter interruptions: kills and hangs, each of which may fall between a result and the removal of its checkpoint;
    ///   housekeeping takes those away much later.
    mutating func judgeLake(_ difference: LakeDifference, checkpoints: [String], interruptions: Int) {
        count("objects missing", difference.missing)
        count("objects that shouldn't be", difference.strange)
        count("objects with other bytes than undisturbed", difference.different)
        check(
            "checkpoints left", Layout.number(checkpoints.count), promise: "≤ \(interruptions), kills and hangs",
            isKept: checkpoints.count <= interruptions, examples: Array(checkpoints.prefix(5)))
        figure("objects as they should be", Layout.number(difference.equal))
    }

    // MARK: Table

    /// The table for people.
    public var lines: [String] {
        let names = checks.map(\.name.count) + figures.map(\.name.count)
        let width = (names.max() ?? 0) + 2
        var lines = figures.map { "  \(Layout.left($0.name, width))\($0.value)" }
        lines.append("")
        lines.append("  \(Layout.left("promise", width))\(Layout.right("found", 12))   must be")
        for check in checks {
            let mark = check.isKept.map { $0 ? "ok" : "BROKEN" } ?? "not judged"
            lines.append(
                "  \(Layout.left(check.name, width))\(Layout.right(check.found, 12))   \(Layout.left(check.promise, 24)) \(mark)")
            if check.isKept != true { lines += check.examples.map { "      \($0.prefix(160))" } }
        }
        return lines
    }
}
