public import Foundation

/// What operators want at the moment: the entries of the topic `control`, the last one of each key.
public struct ControlState: Sendable, Hashable {
    /// The entries by their keys, expired ones included.
    public private(set) var entries: [String: Control] = [:]

    /// The most entries that are kept; more than operators could mean.
    public static let maximumEntries = 100_000

    /// Nothing is wanted.
    public init() {}

    /// Takes one record of the topic in: a nil value takes the key's entry back.
    ///
    /// - Throws: a `ContractError` when the value can't be read or stands under a wrong key; the state stays as it is then.
    public mutating func apply(key: [UInt8]?, value: [UInt8]?) throws(ContractError) {
        let key = String(decoding: key ?? [], as: UTF8.self)
        guard value?.isEmpty == false else {
            entries[key] = nil
            return
        }
        let control = try Control.decode(value)
        guard let target = control.target else { return }
        guard key == Control.key(control.command, target) else { throw .malformed("the entry stands under a wrong key") }
        guard entries[key] != nil || entries.count < Self.maximumEntries else {
            throw .malformed("more than \(Self.maximumEntries) entries; take back what is over")
        }
        entries[key] = control
    }

    /// Forgets what has expired.
    public mutating func removeExpired(at now: Date) { entries = entries.filter { $0.value.isActive(at: now) } }

    private func active(_ command: Control.Command, _ target: Control.Target, at now: Date) -> Control? {
        entries[Control.key(command, target)].flatMap { $0.isActive(at: now) ? $0 : nil }
    }

    /// The entry that cancels a job: one about itself, the job that planned it, or its root.
    public func cancellation(of job: JobReference, at now: Date) -> Control? {
        for id in [job.id, job.root, job.parent].compactMap({ $0 }) {
            if let entry = active(.cancel, .job(id: id, revision: 0), at: now), job.revision <= entry.revision ?? 0 {
                return entry
            }
        }
        return nil
    }

    /// The entry that pauses a kind.
    public func pause(kind: String, at now: Date) -> Control? { active(.pause, .kind(kind), at: now) }

    /// The entry that pauses a source.
    public func pause(source: String, at now: Date) -> Control? { active(.pause, .source(source), at: now) }

    /// Jobs of a kind that each worker may run at a time; nil for no limit.
    public func slots(kind: String, at now: Date) -> Int? { active(.limit, .kind(kind), at: now)?.slots }

    /// Calls a minute that all workers together may make to a source; nil for no limit.
    public func requestsPerMinute(source: String, at now: Date) -> Int? {
        active(.limit, .source(source), at: now)?.requestsPerMinute
    }

    /// The limits of calls a minute that hold at an instant, by source.
    public func requestLimits(at now: Date) -> [String: Int] {
        var limits: [String: Int] = [:]
        for entry in entries.values where entry.command == .limit && entry.isActive(at: now) {
            if let source = entry.source, let limit = entry.requestsPerMinute { limits[source] = limit }
        }
        return limits
    }
}
