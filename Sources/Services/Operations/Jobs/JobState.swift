/// Where a job stands, as its events say.
public enum JobState: String, Sendable, Hashable, CaseIterable, Codable {
    /// Published; no worker began it.
    case expected
    /// A worker is at it, or at a part of it.
    case running
    /// It waits for its next attempt.
    case waiting
    /// Done, and all its parts are.
    case completed
    /// Given up, or a part of it was.
    case failed
    /// Called off, or a part of it was.
    case cancelled

    /// Whether nothing follows unless somebody asks for it.
    public var isTerminal: Bool { self == .completed || self == .failed || self == .cancelled }
}
