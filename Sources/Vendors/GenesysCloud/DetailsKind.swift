/// The two kinds of details that the analytics API yields, by query and by job.
public enum DetailsKind: String, Sendable, Hashable, CaseIterable {
    /// Conversations with their participants, sessions and segments.
    case conversations
    /// Users with their presence and routing status.
    case users

    /// The path of the kind's jobs.
    var jobsPath: String { "/api/v2/analytics/\(rawValue)/details/jobs" }

    /// The key of the array of records in an answer.
    public var arrayKey: String {
        switch self {
        case .conversations: "conversations"
        case .users: "userDetails"
        }
    }

    /// The permission that its calls need.
    public var permission: String {
        switch self {
        case .conversations: "analytics:conversationDetail:view"
        case .users: "analytics:userDetail:view"
        }
    }

    /// The name of its calls in errors, logs and metrics.
    var operation: String {
        switch self {
        case .conversations: "conversation details"
        case .users: "user details"
        }
    }
}
