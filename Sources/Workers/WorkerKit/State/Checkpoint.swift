public import Contracts

/// How far an attempt came: a named step, and where it stands in it.
///
/// Any attempt at the same job and revision, on any worker, must be able to go on from any checkpoint of any other, also from
/// one that isn't the newest: what is in the lake counts, the checkpoint only says where to look.
public struct Checkpoint: Sendable, Hashable {
    /// The step, such as `pages`.
    public var step: String
    /// Where the step stands; only the handler understands it.
    public var cursor: JSONValue
    /// Figures so far.
    public var figures: [String: Int]

    /// A checkpoint.
    public init(step: String, cursor: JSONValue, figures: [String: Int] = [:]) {
        self.step = step
        self.cursor = cursor
        self.figures = figures
    }

    /// The largest checkpoint that is written or read, bytes.
    public static let maximumBytes = 64 << 10

    private static let version: Int64 = 1

    /// The object's bytes; nil when they would be too many, or hold a number that JSON can't say.
    ///
    /// - Parameter isAnew: the job had to begin anew, so that a checkpoint no longer means that it came further than before.
    func encoded(job: String, revision: Int, isAnew: Bool) -> [UInt8]? {
        let value = JSONValue.object([
            "version": .integer(Self.version), "job": .string(job), "revision": .integer(Int64(revision)), "anew": .bool(isAnew),
            "step": .string(step),
            "cursor": cursor, "figures": .object(figures.mapValues { .integer(Int64($0)) }),
        ])
        guard let bytes = value.encoded(), bytes.count < Self.maximumBytes else { return nil }
        return bytes + [UInt8(ascii: "\n")]
    }

    /// Reads the object's bytes.
    ///
    /// - Throws: a `ContractError` when they are no checkpoint of this job and revision.
    static func decode(
        _ bytes: [UInt8], job: String, revision: Int
    ) throws(ContractError) -> (checkpoint: Checkpoint, isAnew: Bool) {
        let value = try JSONValue.decode(bytes, upTo: maximumBytes)
        guard let found = value["version"]?.integer else { throw .malformed("version is missing") }
        guard found == version else { throw .unknownVersion(Int(clamping: found)) }
        guard value["job"]?.string == job, value["revision"]?.integer == Int64(revision) else {
            throw .malformed("it is another job's or another revision's")
        }
        guard let step = value["step"]?.string, let cursor = value["cursor"] else {
            throw .malformed("step or cursor is missing")
        }
        var figures: [String: Int] = [:]
        if case .object(let values)? = value["figures"] { figures = values.compactMapValues { $0.integer.map(Int.init) } }
        return (Checkpoint(step: step, cursor: cursor, figures: figures), value["anew"]?.bool ?? false)
    }
}
