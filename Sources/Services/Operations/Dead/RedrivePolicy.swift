/// How carefully dead letters go back to work.
public struct RedrivePolicy: Sendable, Hashable {
    /// New deaths at which a redrive stops.
    public enum DeathLimit: Sendable, Hashable, CustomStringConvertible {
        /// So many.
        case count(Int)
        /// This part of what was sent back, 0 to 1.
        case share(Double)

        /// Reads `10` or `5%`; nil for anything else.
        public init?(_ text: String) {
            if text.hasSuffix("%") {
                guard let percent = Double(text.dropLast()), (0...100).contains(percent) else { return nil }
                self = .share(percent / 100)
            } else {
                guard let count = Int(text), count >= 0 else { return nil }
                self = .count(count)
            }
        }

        /// The form that is read.
        public var description: String {
            switch self {
            case .count(let count): "\(count)"
            case .share(let share):
                (share * 100).rounded() == share * 100 ? "\(Int(share * 100))%" : "\(share * 100)%"
            }
        }

        /// Whether there are too many.
        func isExceeded(deaths: Int, of published: Int) -> Bool {
            switch self {
            case .count(let count): deaths > count
            case .share(let share): Double(deaths) > share * Double(published)
            }
        }
    }

    /// How many go first; 0 for all at the rate at once.
    public var canary = 20
    /// The part of the first ones that must succeed before the others follow, 0 to 1.
    public var canaryShare = 0.95
    /// How long the first ones may take.
    public var canaryWait: Duration = .seconds(300)
    /// Letters a second after the first ones.
    public var rate: Double = 20
    /// New deaths at which it stops.
    public var deathLimit = DeathLimit.share(0.05)

    /// 20 first, then 20 a second while at most 5 % die.
    public init() {}
}

/// What a redrive did.
public struct RedriveReport: Sendable, Hashable {
    /// Letters that went back.
    public var published = 0
    /// Letters that were to go back.
    public var total = 0
    /// How many of those that went back were seen to succeed.
    public var succeeded = 0
    /// How many died again.
    public var died = 0
    /// How many were called off.
    public var cancelled = 0
    /// How many had not ended when the command did.
    public var pending = 0
    /// Why it stopped before everything went back, and what to do; nil when everything did.
    public var stopped: String?

    /// Whether somebody interrupted it.
    public var wasInterrupted = false

    /// Nothing was done.
    public init() {}
}
