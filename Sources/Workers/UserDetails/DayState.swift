internal import Contracts
internal import Foundation

/// What a day leaves open: enough to ask how it ended, and to have the day run again.
///
/// A day of the last weeks has one even if nothing is open: what it turns out to have missed has it run again.
struct DayState: Sendable, Hashable {
    /// The day's job, as a rerun needs it; its revision is the manifest's.
    var job: Job
    /// Rows without an end.
    var open: Set<RowKey> = []
    /// Rows that began before the day, in one that was never extracted, or hasn't got them.
    var adopted: Set<RowKey> = []

    /// Whether pages kept shifting until the last pass.
    var isUnsettled = false
    /// When the day was first extracted; nil in states of earlier versions.
    var since: Date?

    /// The largest state that is read, bytes.
    static let maximumBytes = 64 << 20

    private static let version: Int64 = 1

    init(job: Job) { self.job = Rereading.original(of: job) }

    /// Whether there is nothing to remember.
    var isEmpty: Bool { open.isEmpty && adopted.isEmpty }

    /// The state's bytes: equal states have equal bytes.
    func encoded() -> [UInt8] {
        var about: [String: JSONValue] = [
            "id": .string(job.id), "kind": .string(job.kind), "source": .string(job.source), "dataset": .string(job.dataset),
            "root": .string(job.root), "parameters": job.parameters,
        ]
        about["parent"] = job.parent.map { .string($0) }
        about["day"] = job.day.map { .string($0) }
        about["attempts"] = job.maximumAttempts.map { .integer(Int64($0)) }
        if let interval = job.interval {
            about["start"] = .string(Timestamp.string(interval.start))
            about["end"] = .string(Timestamp.string(interval.end))
        }
        var fields: [String: JSONValue] = [
            "version": .integer(Self.version), "job": .object(about), "open": Self.value(open), "adopted": Self.value(adopted),
        ]
        if isUnsettled { fields["unsettled"] = .bool(true) }
        if let since { fields["since"] = .string(Timestamp.string(since)) }
        return (JSONValue.object(fields).encoded() ?? []) + [UInt8(ascii: "\n")]
    }

    private static func value(_ keys: Set<RowKey>) -> JSONValue {
        let sorted = keys.sorted { ($0.user, $0.kind, $0.start) < ($1.user, $1.kind, $1.start) }
        return .array(sorted.map { .array([.string($0.user), .string($0.kind), .integer($0.start)]) })
    }

    /// Reads a state; nil when the bytes are none.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONValue.decode(bytes, upTo: Self.maximumBytes), value["version"]?.integer == Self.version,
            let about = value["job"], let id = about["id"]?.string, let kind = about["kind"]?.string,
            let source = about["source"]?.string, let dataset = about["dataset"]?.string, let day = about["day"]?.string,
            let start = about["start"]?.string.flatMap(Timestamp.date), let end = about["end"]?.string.flatMap(Timestamp.date),
            let interval = Interval(start: start, end: end), let open = Self.keys(value["open"]),
            let adopted = Self.keys(value["adopted"]), Job.isIdentifier(id), BusinessDay.isValid(day), Job.isName(source),
            Job.isName(dataset)
        else { return nil }
        job = Job(
            id: id, kind: kind, source: source, dataset: dataset, day: day, interval: interval, parent: about["parent"]?.string,
            root: about["root"]?.string, createdAt: .distantPast,
            maximumAttempts: about["attempts"]?.integer.map { Int(clamping: $0) },
            parameters: about["parameters"] ?? .object([:]))
        self.open = open
        self.adopted = adopted
        isUnsettled = value["unsettled"]?.bool ?? false
        since = value["since"]?.string.flatMap(Timestamp.date)
    }

    private static func keys(_ value: JSONValue?) -> Set<RowKey>? {
        guard case .array(let values)? = value else { return nil }
        var keys: Set<RowKey> = []
        for value in values {
            guard case .array(let parts) = value, parts.count == 3, let user = parts[0].string, let kind = parts[1].string,
                let start = parts[2].integer
            else { return nil }
            keys.insert(RowKey(user: user, kind: kind, start: start))
        }
        return keys
    }
}
