internal import Contracts
internal import Foundation

/// What is firing: the same trouble is told once, and its end once.
struct AlertBook: Sendable {
    private(set) var firing: [String: Alert] = [:]

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
