/// What a ``FaultProxy`` does to the connections that go through it.
public enum ConnectionFault: Sendable, Hashable, CustomStringConvertible {
    /// New connections are reset at once; those that exist are, too, when it begins.
    case refuse
    /// Nothing goes through, nothing is closed: a cable that was pulled.
    case hold
    /// Everything arrives so many milliseconds late.
    case delay(milliseconds: Int)
    /// So many bytes a second go through in each direction, of all connections together.
    case throttle(bytesPerSecond: Int)
    /// HTTP only: so many of a hundred requests are answered by the proxy, in one of these ways.
    case answer(percent: Int, [HTTPFault])

    /// A phrase for people.
    public var description: String {
        switch self {
        case .refuse: "refuses connections"
        case .hold: "holds everything"
        case .delay(let milliseconds): "\(milliseconds) ms late"
        case .throttle(let bytes): "\(bytes / 1_000) kB/s"
        case .answer(let percent, let faults): "\(percent) % " + faults.map(\.description).joined(separator: ", ")
        }
    }
}

/// What becomes of an HTTP request that a ``FaultProxy`` doesn't let through as it is.
public enum HTTPFault: Sendable, Hashable, CustomStringConvertible {
    /// It isn't passed on; the answer has this status.
    case status(Int)
    /// A request that writes isn't passed on, because the disk is full (507); others pass.
    case outOfSpace
    /// It isn't passed on and never answered.
    case silence
    /// It is passed on, and the connection breaks when the answer comes: nobody knows whether it was done.
    case answerLost

    /// A phrase for people.
    public var description: String {
        switch self {
        case .status(let status): "\(status)"
        case .outOfSpace: "out of space"
        case .silence: "no answer"
        case .answerLost: "answer lost"
        }
    }
}
