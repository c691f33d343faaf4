internal import Contracts
public import Foundation
internal import Scheduler

/// Dead letters counted by what they have in common.
public struct DeadGroups: Sendable {
    /// What letters are counted by.
    public enum Key: String, Sendable, Hashable, CaseIterable {
        /// The class of the failure.
        case error
        /// The vendor account.
        case source
        /// The vendor, the first part of the account.
        case tenant
        /// The day of the death in the zone.
        case day
        /// The hour of the death in UTC.
        case hour
    }

    /// One group.
    public struct Group: Sendable, Hashable, Encodable {
        /// What its letters have in common.
        public let name: String
        /// How many.
        public fileprivate(set) var count = 0
        /// The first death.
        public fileprivate(set) var first: Date?
        /// The last death.
        public fileprivate(set) var last: Date?
        /// The message of the last one.
        public fileprivate(set) var example: String?
    }

    private let key: Key
    /// What a table calls the key.
    var title: String { key.rawValue.uppercased() }
    private let zone: BusinessZone?
    private var groups: [String: Group] = [:]

    /// The most groups that are counted apart; the rest is `(other)`.
    static let maximumGroups = 1_000

    /// Counts by a key.
    ///
    /// - Parameter zone: the zone of days; UTC where it names none.
    public init(by key: Key, zone: String = "UTC") {
        self.key = key
        self.zone = BusinessZone(zone)
    }

    /// Counts a letter.
    public mutating func add(_ letter: DeadLetter) {
        var name = TerminalText.escaped(name(of: letter), limit: 60)
        if groups[name] == nil, groups.count >= Self.maximumGroups { name = "(other)" }
        var group = groups[name] ?? Group(name: name)
        group.count += 1
        if let at = letter.diedAt {
            group.first = min(group.first ?? at, at)
            if group.last.map({ $0 <= at }) ?? true {
                group.last = at
                group.example = letter.message
            }
        }
        groups[name] = group
    }

    private func name(of letter: DeadLetter) -> String {
        switch key {
        case .error: return letter.reason
        case .source: return letter.job?.source ?? "(unreadable)"
        case .tenant: return letter.job.map { String($0.source.prefix { $0 != "/" }) } ?? "(unreadable)"
        case .day:
            guard let at = letter.diedAt, let zone else { return "(no time)" }
            return zone.day(of: at).description
        case .hour:
            guard let at = letter.diedAt else { return "(no time)" }
            return at.formatted(Date.ISO8601FormatStyle()).prefix(13) + ":00Z"
        }
    }

    /// The groups: the largest first, or those of times in order.
    public var sorted: [Group] {
        switch key {
        case .day, .hour: groups.values.sorted { $0.name < $1.name }
        case .error, .source, .tenant: groups.values.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        }
    }
}
