/// One of our long-running programs in the stack.
public struct StackMember: Sendable, Hashable, CustomStringConvertible {
    /// The program's name.
    public let program: String
    /// What tells it from others of the same program, and survives its restart.
    public let instance: String

    /// A program in the stack.
    public init(_ program: String, instance: String = "1") {
        self.program = program
        self.instance = instance
    }

    /// The scheduler.
    public static let scheduler = StackMember("scheduler")
    /// The monitor.
    public static let monitor = StackMember("monitor")
    /// The first conversation worker.
    public static let conversationWorker = StackMember("conversation-worker")

    /// The first evaluation worker.
    public static let evaluationWorker = StackMember("evaluation-worker")
    /// The first worker of user details and lookups.
    public static let userDetailsWorker = StackMember("user-details-worker")

    /// The name of its log and configuration files.
    public var name: String { "\(program)-\(instance)" }

    /// Program and instance.
    public var description: String { name }
}

/// A program of the stack that was started.
public struct RunningMember: Sendable {
    /// Which.
    public let member: StackMember
    /// Its process.
    public let process: ManagedProcess
    /// The base URL of its admin server.
    public let admin: String
}
