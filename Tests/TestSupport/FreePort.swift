internal import DevelopmentStack

/// Ports that nobody listens on.
public enum FreePort {
    /// A port that was free a moment ago.
    public static func find() throws -> Int { try LoopbackPort.free() }
}
