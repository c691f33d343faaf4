internal import Contracts
public import Foundation

/// Which dead letters a command is about; what is nil or empty doesn't matter.
public struct DeadFilter: Sendable, Hashable {
    /// Classes of failures.
    public var reasons: Set<String> = []
    /// The kind that the job names, which may be another than the topic's.
    public var kind: String?
    /// The vendor account.
    public var source: String?
    /// The data set.
    public var dataset: String?
    /// The business day, `yyyy-MM-dd`.
    public var day: String?
    /// Jobs or roots by id.
    public var ids: Set<String> = []
    /// Letters by position.
    public var positions: Set<DeadLetter.Position> = []
    /// The earliest death.
    public var since: Date?
    /// Deaths before this.
    public var until: Date?
    /// Whether the letter can be read; nil for both.
    public var isReadable: Bool?

    /// Lets everything through.
    public init() {}

    /// Whether it lets everything through.
    public var isEmpty: Bool { self == DeadFilter() }

    /// Whether a letter is meant.
    public func matches(_ letter: DeadLetter) -> Bool {
        if !positions.isEmpty, !positions.contains(letter.position) { return false }
        if !reasons.isEmpty, !reasons.contains(letter.reason) { return false }
        if let isReadable, isReadable != (letter.job != nil) { return false }
        if let since, letter.diedAt.map({ $0 < since }) ?? true { return false }
        if let until, letter.diedAt.map({ $0 >= until }) ?? true { return false }
        guard kind != nil || source != nil || dataset != nil || day != nil || !ids.isEmpty else { return true }
        guard let job = letter.job else { return false }
        return (kind == nil || kind == job.kind) && (source == nil || source == job.source)
            && (dataset == nil || dataset == job.dataset) && (day == nil || day == job.day)
            && (ids.isEmpty || ids.contains(job.id) || ids.contains(job.root))
    }
}
