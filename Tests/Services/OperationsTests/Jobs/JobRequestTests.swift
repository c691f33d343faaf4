import Contracts
import Foundation
import Scheduler
import Testing

@testable import Operations

@Suite("jobs that operators ask for")
struct JobRequestTests {
    private func request(_ change: (inout JobRequest) -> Void) -> JobRequest {
        var request = JobRequest()
        request.kind = "conversation"
        request.source = "genesys/main"
        request.dataset = "conversations"
        change(&request)
        return request
    }

    private func job(_ change: (inout JobRequest) -> Void) throws -> Job {
        try request(change).job(at: "submit", now: Sample.start)
    }

    @Test("a day is its interval in the zone, and the same work has the same id")
    func day() throws {
        let manila = try job {
            $0.day = "2026-03-01"
            $0.zone = "Asia/Manila"
        }
        #expect(manila.interval?.description == "2026-02-28T16:00:00.000Z/2026-03-01T16:00:00.000Z")
        #expect(manila.id == "conversation-genesys.main-conversations-20260228T160000Z-20260301T160000Z")
        let stretch = try job {
            $0.from = manila.interval?.start
            $0.to = manila.interval?.end
        }
        #expect(stretch.id == manila.id && stretch.day == nil)
        // A day of a clock change has its own length.
        let short = try job {
            $0.day = "2026-03-29"
            $0.zone = "Europe/Berlin"
        }
        #expect(short.interval.map { $0.end.timeIntervalSince($0.start) } == 82_800.0)
    }

    @Test("a job of a schedule has the id that the scheduler gives it")
    func schedule() throws {
        let schedule = try #require(
            try ScheduleFile.parse(
                yaml: """
                    schedules:
                      - {name: nightly, kind: conversation, dataset: conversations, source: genesys/main, cron: "0 6 * * *", zone: Asia/Manila, lag: 1}
                    """
            ).first)
        let due = try #require(schedule.interval(after: Timestamp.date("2026-02-28T16:00:00Z") ?? .distantPast))
        let asked = try job {
            $0.schedule = "nightly"
            $0.day = due.day.description
            $0.zone = "Asia/Manila"
        }
        #expect(asked.id == due.jobID && asked.interval == due.interval && asked.day == due.day.description)
    }

    @Test("everything that is wrong is told at once, each with what is allowed")
    func problems() throws {
        var request = JobRequest()
        request.kind = "a b"
        request.dataset = "x"
        request.day = "2026-02-30"
        request.zone = "Manila"
        request.parameters = .array([])
        request.maximumAttempts = 0
        let problems = #expect(throws: JobRequest.Problems.self) { try request.job(at: "line 3", now: Sample.start) }
        let text = problems?.description ?? ""
        for mention in [
            "line 3: kind: \"a b\"", "line 3: source is missing", "2026-02-30", "IANA", "JSON object", "1 to 1000",
        ] {
            #expect(text.contains(mention), "\(mention) in \(text)")
        }
    }

    @Test("an interval must have an end after its begin, and there must be something to name the job by")
    func bounds() {
        for change: (inout JobRequest) -> Void in [
            { $0.from = Sample.start }, { $0.to = Sample.start }, { _ in },
            {
                $0.from = Sample.start
                $0.to = Sample.start
            },
            { $0.id = "../../etc" },
        ] {
            #expect(throws: JobRequest.Problems.self) { try job(change) }
        }
        #expect(throws: Never.self) { try job { $0.id = "by-hand" } }
    }

    @Test("a file holds one job a line, and a job as it stands in a topic is a line, too")
    func file() throws {
        let published = Sample.job("x", interval: Sample.interval("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"))
        let value = String(decoding: published.message(to: TopicNames()).value, as: UTF8.self)
        let text = """
            {"kind":"conversation","source":"genesys/main","dataset":"conversations","day":"2026-03-01","parameters":{"pageSize":9007199254740993}}

            \(value)
            """
        let requests = try JobRequestFile.parse(text)
        #expect(requests.map(\.line) == [1, 3])
        #expect(requests.first?.request.parameters?["pageSize"]?.integer == 9_007_199_254_740_993)
        let again = try #require(requests.last).request.job(at: "", now: Sample.start)
        #expect(again.id == "x" && again.interval == published.interval && again.day == published.day)
    }

    @Test(
        "a line that is wrong is named by its number",
        arguments: [
            ("[1]", "line 1: not a JSON object"), ("{\"kinds\":\"x\"}", "line 1: unknown key \"kinds\""),
            ("{\"id\":7}", "line 1: id: allowed is text"), ("{\"from\":\"yesterday\"}", "line 1: from: allowed is an instant"),
            ("{\"parent\":\"p\"}", "it is a child"), ("\n\u{1b}[31m", "line 2: not a JSON object"),
        ])
    func wrongLines(text: String, mention: String) {
        let problems = #expect(throws: JobRequest.Problems.self) { try JobRequestFile.parse(text) }
        #expect(problems?.description.contains(mention) ?? false, "\(problems?.description ?? "")")
    }
}
