import Foundation
import TestSupport
import Testing

@testable import Scheduler

@Suite("the example of the file of schedules")
struct ExampleScheduleTests {
    @Test("config/schedules.yaml is read without a problem and means what its comments say")
    func example() throws {
        let text = try String(contentsOf: Repository.root.appending(path: "config/schedules.yaml"), encoding: .utf8)
        let definitions = try ScheduleFile.parse(yaml: text)
        let first = try #require(definitions.first?.interval(after: .distantPast))
        #expect(first.jobID == "conversations-20260228T160000Z-20260301T160000Z")
        #expect(first.fire == utc("2026-03-01T22:00:00Z"))
    }
}
