/// Decides what users the simulated organisation has and how their presence and routing status are told.
public struct UserData: Sendable, Equatable {
    /// What a query returns of a record that reaches over an end of its interval; the vendor's definition doesn't say.
    public enum Crossing: String, Sendable, Codable, CaseIterable {
        /// The whole record, in every interval that it touches.
        case returned
        /// The record in the interval in which it begins, and in no other.
        case omitted
        /// The part inside the interval.
        case clipped
        /// The whole record, but only where it ends inside the interval.
        case withheld
        /// The whole record, in every interval that it touches, without an end that lies behind the interval's.
        case unended
    }

    /// The number of users, 17 to 20,000.
    public var count = 231
    /// How records that reach over an end of the interval are told.
    public var crossing = Crossing.returned
    /// One day of a user in so many is without any change, but never seven in a row; 0 for none.
    public var quietEvery = 5
    /// One record in so many has a field and a value that no definition lists; 0 for none.
    public var awkwardEvery = 20

    /// The longest interval of a query, days.
    public var longestQueryDays = 31
    /// Whether every page behind the last one is the last one once more.
    public var repeatsLastPage = false
    /// How often two users, around the end of the first page, change places after it was read; they change back before the first
    /// page is read again.
    public var swaps = 0
    /// Whether users have fields beside their records, and lists an element that is no user.
    public var hasStrangers = false

    /// Makes 231 users.
    public init() {}

    /// Names what is out of range, one sentence each.
    var problems: [String] {
        (17...20_000).contains(count) ? [] : ["the number of users must be 17 to 20000, not \(count)"]
    }
}

/// The two things that are told of a user over time.
enum UserRecordKind: String, CaseIterable, Sendable {
    case primaryPresence, routingStatus

    var states: [String] {
        switch self {
        case .primaryPresence:
            ["AVAILABLE", "ON_QUEUE", "BUSY", "MEAL", "BREAK", "ON_QUEUE", "MEETING", "AWAY", "TRAINING", "IDLE", "OFFLINE"]
        case .routingStatus: ["IDLE", "INTERACTING", "NOT_RESPONDING", "COMMUNICATING", "OFF_QUEUE"]
        }
    }

    /// How many changes a day has, at least and at most.
    var changes: ClosedRange<UInt64> {
        switch self {
        case .primaryPresence: 4...10
        case .routingStatus: 8...24
        }
    }
}
