internal import Contracts
internal import Foundation

/// What is firing: the same trouble is told once, and its end once.
struct AlertBook: Sendable {
    private(set) var firing: [String: Alert] = [:]
    /// What others tell, such as a worker that stopped taking work.
    private(set) var others: [String: Alert] = [:]

    /// Whether the monitor alone tells alerts of this key.
    static func isOurs(_ key: String) -> Bool {
        ["day-failed/", "job-failed/"].contains { key.hasPrefix($0) }
    }

    /// How many alerts of others are kept.
    private static let keptOthers = 1000

    /// Takes in what another program tells; nil when its entry was taken away.
    mutating func note(_ alert: Alert?, key: String) {
        guard !Self.isOurs(key) else { return }
        let isFiring = alert?.state == .firing && (others[key] != nil || others.count < Self.keptOthers)
        others[key] = isFiring ? alert : nil
    }

    /// Takes in what the alerts topic says, at the start.
    mutating func restore(_ alert: Alert) {
        firing[alert.key] = alert.state == .firing ? alert : nil
    }

    /// The alert to publish; nil when it is firing already with the same words.
    mutating func fire(_ alert: Alert) -> Alert? {
        var alert = alert
        if let present = firing[alert.key] {
            guard present.summary != alert.summary || present.severity != alert.severity else { return nil }
            alert.since = present.since
        }
        firing[alert.key] = alert
        return alert
    }

    /// The alert to publish; nil when nothing was firing.
    mutating func resolve(_ key: String, at: Date) -> Alert? {
        guard var alert = firing.removeValue(forKey: key) else { return nil }
        alert.state = .resolved
        alert.at = at
        return alert
    }
}
