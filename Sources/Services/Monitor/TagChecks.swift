/// Which day's tag is looked at next: one at a time, and not at once again after a failure. Pure.
struct TagChecks {
    private var waiting: ArraySlice<DayKey>
    private var notBefore: ContinuousClock.Instant?
    private static let pause: Duration = .seconds(30)

    /// Checks of these days, in this order.
    init(of days: [DayKey]) { waiting = days[...] }

    /// The day to look at now, if any.
    func next(at now: ContinuousClock.Instant) -> DayKey? {
        if let notBefore, now < notBefore { return nil }
        return waiting.first
    }

    /// Its tag is in order.
    mutating func done() { waiting = waiting.dropFirst() }

    /// It couldn't be looked at: the others come first.
    mutating func failed(at now: ContinuousClock.Instant) {
        notBefore = now + Self.pause
        if let day = waiting.popFirst() { waiting.append(day) }
    }
}
