import Testing

@testable import Monitor

@Suite("Which tag is looked at next")
struct TagChecksTests {
    @Test("one after the other; one that couldn't be looked at comes after the others, and not at once")
    func order() {
        let days = (1...3).map { DayKey(source: "s", dataset: "d", day: "2026-03-0\($0)") }
        let start = ContinuousClock.now
        var checks = TagChecks(of: days)
        #expect(checks.next(at: start) == days[0])
        checks.failed(at: start)
        #expect(checks.next(at: start + .seconds(29)) == nil)
        for day in [days[1], days[2], days[0]] {
            #expect(checks.next(at: start + .seconds(30)) == day)
            checks.done()
        }
        #expect(checks.next(at: start + .seconds(31)) == nil)
    }
}
