/// The part of a job that events repeat.
public struct JobReference: Sendable, Hashable, Codable {
    /// The job's id.
    public var id: String
    /// Its kind.
    public var kind: String
    /// The vendor account.
    public var source: String
    /// The data set.
    public var dataset: String
    /// The business day, `yyyy-MM-dd`.
    public var day: String?
    /// What it covers.
    public var interval: Interval?
    /// The revision.
    public var revision: Int
    /// The job that planned it.
    public var parent: String?
    /// The job at the top.
    public var root: String

    /// The reference to a job.
    public init(_ job: Job) {
        id = job.id
        kind = job.kind
        source = job.source
        dataset = job.dataset
        day = job.day
        interval = job.interval
        revision = job.revision
        parent = job.parent
        root = job.root
    }

    /// What a worker writes as source and data set of a message that it can't read.
    public static let unknown = "unknown"

    /// Whether this stands for a message that couldn't be read, of which nothing but its place is known.
    public var isUnreadable: Bool { source == Self.unknown && dataset == Self.unknown && id.hasPrefix("unreadable-") }

    /// Decodes a reference; `revision` and `root` may be absent. Names are checked, because they become part of object keys.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        kind = try container.decode(String.self, forKey: .kind)
        source = try container.decode(String.self, forKey: .source)
        dataset = try container.decode(String.self, forKey: .dataset)
        day = try container.decodeIfPresent(String.self, forKey: .day)
        interval = try container.decodeIfPresent(Interval.self, forKey: .interval)
        revision = try container.decodeIfPresent(Int.self, forKey: .revision) ?? 0
        parent = try container.decodeIfPresent(String.self, forKey: .parent)
        root = try container.decodeIfPresent(String.self, forKey: .root) ?? id
        try check(at: container.codingPath)
    }

    /// Refuses names that could not be part of an object key, days that don't exist and revisions below 0.
    func check(at path: [any CodingKey]) throws {
        func refuse(_ key: CodingKeys, _ allowed: String) -> DecodingError {
            .dataCorrupted(DecodingError.Context(codingPath: path + [key], debugDescription: allowed))
        }
        for (key, text) in [(CodingKeys.id, id), (.kind, kind), (.root, root), (.parent, parent ?? "x")]
        where !Job.isIdentifier(text) {
            throw refuse(key, "only letters, digits, '-', '_' and '.', 1 to 200 of them")
        }
        for (key, text) in [(CodingKeys.source, source), (.dataset, dataset)] where !Job.isName(text) {
            throw refuse(key, "segments of letters, digits, '-', '_' and '.', joined by '/'")
        }
        if let day, !BusinessDay.isValid(day) { throw refuse(.day, "not a day yyyy-MM-dd") }
        if revision < 0 { throw refuse(.revision, "less than 0") }
    }
}
