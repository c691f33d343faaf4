import Records
import Testing
import Transfer

@testable import GenesysCloud

@Suite("Details jobs", .timeLimit(.minutes(5)))
struct DetailsJobTests {
    private static let root = "/api/v2/analytics/users/details/jobs"
    private static let accepted = Answer.status(202, body: #"{"jobId":"j 1"}"#)
    private static let queued = Answer.status(202, body: #"{"state":"QUEUED"}"#)
    private static let fulfilled = Answer.page(#"{"state":"FULFILLED","expirationDate":"2026-03-04T06:00:00.000Z"}"#)
    private static let unknown = Answer.platform(404, "not.found", "The requested resource was not found.")

    private static func page(_ ids: [String], _ rest: String = "") -> Answer {
        .page(#"{"userDetails":[\#(ids.map { #"{"userId":"\#($0)"}"# }.joined(separator: ","))]\#(rest)}"#)
    }

    private struct Ended: Sendable {
        var ids: [String] = []
        var steps: [String] = []
        var progress = DetailsJobRun.Progress()
        var error: GenesysCloudError?
    }

    /// Runs a job against a stub, from a beginning.
    private func run(
        _ answers: [Answer], patience: DetailsJobPatience = DetailsJobPatience(),
        from start: DetailsJobRun.Progress = DetailsJobRun.Progress()
    ) async throws -> (ended: Ended, calls: [VendorStub.Call], pauses: [Duration]) {
        let stub = VendorStub(api: answers)
        let ends = AsyncStream.makeStream(of: (Ended, [Duration]).self)
        try await stub.run { (base) async throws in
            let caller = Caller(base)
            let interval = try #require(Caller.interval)
            let run = DetailsJobRun(
                client: caller.client, query: try DetailsJobQuery(.users, interval: interval), patience: patience)
            var ended = Ended(progress: start)
            do {
                while ended.steps.last != "end" {
                    let step = try await run.next(&ended.progress) { answer in
                        var ids: [String] = []
                        var reader = answer.makeReader()
                        while try await reader.next({ ids.append($0.string(of: "userId") ?? "?") }) {}
                        return (try reader.finish(), ids)
                    }
                    switch step {
                    case .submitted: ended.steps.append("submitted")
                    case .page(let page, let ids):
                        ended.steps.append("page \(page.number)")
                        ended.ids += ids
                    case .lost(let state):
                        ended.steps.append("lost \(state.name)")
                        ended.ids = []
                    case .end: ended.steps.append("end")
                    }
                }
            } catch let error as GenesysCloudError {
                ended.error = error
            }
            ends.continuation.yield((ended, caller.clock.sleeps))
            await caller.http.shutdown()
        }
        var iterator = ends.stream.makeAsyncIterator()
        let (ended, pauses) = try #require(await iterator.next())
        return (ended, stub.calls, pauses)
    }

    @Test("a job is submitted, waited for and read by cursors as documented")
    func plain() async throws {
        let (ended, calls, pauses) = try await run([
            Self.accepted, Self.queued, .status(202), Self.fulfilled,
            Self.page(["a", "b"], #","cursor":"eyJ+/=&","dataAvailabilityDate":"2026-03-03T05:12:00.000Z""#),
            Self.page(["c"], #","dataAvailabilityDate":"2026-03-03T05:10:00Z""#),
        ])
        #expect(ended.ids == ["a", "b", "c"] && ended.steps == ["submitted", "page 1", "page 2", "end"])
        #expect(ended.progress.dataAvailability == VendorTime.parse("2026-03-03T05:10:00Z") && ended.progress.figures.isEmpty)
        #expect(
            calls.map { "\($0.method) \($0.target)" } == [
                "POST \(Self.root)", "GET \(Self.root)/j%201", "GET \(Self.root)/j%201", "GET \(Self.root)/j%201",
                "GET \(Self.root)/j%201/results?pageSize=1000",
                "GET \(Self.root)/j%201/results?pageSize=1000&cursor=eyJ%2B%2F%3D%26",
            ])
        #expect(calls.first?.body == #"{"interval":"2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z","order":"asc"}"#)
        // 3 s, growing by half; a fifth of it is random, the middle of which is chosen here.
        #expect(pauses == [.seconds(3), .seconds(4.5), .seconds(6.75)])
    }

    @Test("pauses grow to half a minute and no longer")
    func backOff() async throws {
        let waiting = Array(repeating: Self.queued, count: 20)
        let (ended, _, pauses) = try await run([Self.accepted] + waiting + [Self.fulfilled, Self.page(["a"])])
        #expect(ended.ids == ["a"] && pauses.count == 21 && pauses.max() == .seconds(30) && pauses == pauses.sorted())
    }

    @Test("an empty page with a cursor goes on; a cursor that comes again, of whichever page, ends the results")
    func cursors() async throws {
        let (ended, calls, _) = try await run([
            Self.accepted, Self.fulfilled, Self.page(["a"], #","cursor":"1""#), .page(#"{"cursor":"2"}"#),
            Self.page(["b"], #","cursor":"3""#), Self.page(["c"], #","cursor":"1""#), Self.page(["never"]),
        ])
        #expect(ended.ids == ["a", "b", "c"] && calls.count == 6)
        #expect(ended.progress.figures == ["pages-empty": 1, "cursors-repeated": 1])
    }

    @Test(
        "a job that the vendor loses is submitted again, and what was read of it is forgotten",
        arguments: [
            (Answer.page(#"{"state":"FAILED","errorMessage":"x"}"#), "failed"), (.page(#"{"state":"cancelled"}"#), "cancelled"),
            (.page(#"{"state":"EXPIRED"}"#), "expired"),
        ])
    func lost(answer: Answer, name: String) async throws {
        let (ended, _, _) = try await run([
            Self.accepted, answer, .status(202, body: #"{"jobId":"j2"}"#), Self.fulfilled, Self.page(["a"]),
        ])
        #expect(ended.steps == ["submitted", "lost \(name)", "submitted", "page 1", "end"] && ended.ids == ["a"])
        #expect(ended.progress.submissions == 2 && ended.progress.figures == ["jobs-\(name)": 1])
    }

    @Test("a job that isn't found right after its submission is waited for; one that is never found is lost")
    func late() async throws {
        let (found, _, _) = try await run([
            Self.accepted, Self.unknown, Self.unknown, Self.fulfilled, Self.page(["a"]),
        ])
        #expect(found.steps == ["submitted", "page 1", "end"] && found.progress.figures == ["late-jobs": 2])
        let (lost, _, _) = try await run(
            [Self.accepted] + Array(repeating: Self.unknown, count: 7) + [.status(202, body: #"{"jobId":"j2"}"#)]
                + [Self.fulfilled, Self.page(["a"])])
        #expect(lost.steps == ["submitted", "lost absent", "submitted", "page 1", "end"] && lost.progress.submissions == 2)
    }

    @Test("results that are gone in the middle cost another job; results that are late are waited for")
    func results() async throws {
        var answers = [Self.accepted, Self.fulfilled, Self.unknown, Self.unknown, Self.page(["a"], #","cursor":"1""#)]
        answers += Array(repeating: Self.unknown, count: 6)
        answers += [.status(202, body: #"{"jobId":"j2"}"#), Self.fulfilled, Self.page(["a", "b"])]
        let (ended, _, _) = try await run(answers)
        #expect(ended.steps == ["submitted", "page 1", "lost absent", "submitted", "page 1", "end"] && ended.ids == ["a", "b"])
        #expect(ended.progress.figures == ["late-results": 8, "jobs-absent": 1])
    }

    @Test("a cursor that the vendor refuses costs another job; a request that it refuses is the caller's")
    func refused() async throws {
        let refusal = Answer.platform(400, "bad.request", "Invalid cursor.")
        let (ended, _, _) = try await run([
            Self.accepted, Self.fulfilled, Self.page(["a"], #","cursor":"1""#), refusal, .status(202, body: #"{"jobId":"j2"}"#),
            Self.fulfilled, Self.page(["a"]),
        ])
        #expect(ended.ids == ["a"] && ended.progress.submissions == 2)
        let (dead, calls, _) = try await run([refusal])
        #expect(dead.error?.kind == .badRequest(.other) && calls.count == 1)
    }

    @Test("jobs are submitted a bounded number of times")
    func bounded() async throws {
        let failed = Answer.page(#"{"state":"FAILED"}"#)
        let (ended, calls, _) = try await run(
            Array(repeating: [Self.accepted, failed], count: 9).flatMap { $0 }, patience: DetailsJobPatience(submissions: 3))
        #expect(ended.error?.disposition == .retry && ended.progress.submissions == 3)
        #expect(ended.progress.job == nil, "the next attempt begins with a job of its own")
        #expect(calls.count { $0.method == "POST" } == 3)
    }

    @Test("a submission whose answer got lost is made again, and told")
    func repeated() async throws {
        let (ended, calls, _) = try await run([
            .status(503), .broken(""), Self.accepted, Self.fulfilled, Self.page(["a"]),
        ])
        #expect(ended.ids == ["a"] && ended.progress.figures == ["submissions-repeated": 2])
        #expect(calls.count { $0.method == "POST" } == 3)
    }

    @Test("a job that never ends is called off and counts as lost, a state that nobody knows as one that runs")
    func overdue() async throws {
        let strange = Answer.page(#"{"state":"PONDERING"}"#)
        let patience = DetailsJobPatience(longestWait: .seconds(8))
        let (ended, calls, _) = try await run(
            [Self.accepted, strange, strange, strange, .status(204), Self.accepted, Self.fulfilled, Self.page(["a"])],
            patience: patience)
        #expect(ended.ids == ["a"] && ended.steps.contains("lost cancelled"))
        #expect(ended.progress.figures == ["states-unknown": 3, "jobs-overdue": 1, "jobs-cancelled": 1])
        #expect(calls.contains { $0.method == "DELETE" })
    }

    @Test("a job that never ends and can't be called off is given up all the same", arguments: [400, 404, 409])
    func undeletable(status: Int) async throws {
        let runs = Answer.page(#"{"state":"RUNNING"}"#)
        let (ended, _, _) = try await run(
            [Self.accepted, runs, runs, runs, .status(status), Self.accepted, Self.fulfilled, Self.page(["a"])],
            patience: DetailsJobPatience(longestWait: .seconds(8)))
        #expect(ended.ids == ["a"] && ended.progress.figures["jobs-overdue"] == 1)
    }

    @Test("an attempt goes on with the job and at the page that another one left")
    func resumed() async throws {
        let start = DetailsJobRun.Progress(job: "j9", cursor: "7", pages: 3, submissions: 1)
        let (ended, calls, pauses) = try await run([Self.fulfilled, Self.page(["d"])], from: start)
        #expect(ended.steps == ["page 4", "end"] && ended.ids == ["d"] && pauses.isEmpty)
        #expect(calls.map(\.target) == ["\(Self.root)/j9", "\(Self.root)/j9/results?pageSize=1000&cursor=7"])
        var end = start
        end.isAtEnd = true
        let (over, none, _) = try await run([], from: end)
        #expect(over.steps == ["end"] && none.isEmpty)
    }

    @Test("the availability date is read in every form; one that is missing, or that nobody can read, is none")
    func availability() async throws {
        let stub = VendorStub(api: [
            .page(#"{"dataAvailabilityDate":"2026-03-03T05:12:00+0000"}"#), .page("{}"),
            .page(#"{"dataAvailabilityDate":"yesterday"}"#), .page(#"{"dataAvailabilityDate":"2026-03-03T05:12:00Z"}"#),
        ])
        try await stub.run { (base) async throws in
            let caller = Caller(base)
            let moment = VendorTime.parse("2026-03-03T05:12:00Z")
            #expect(try await caller.client.dataAvailability(of: .users) == moment)
            #expect(try await caller.client.dataAvailability(of: .conversations) == nil)
            #expect(try await caller.client.dataAvailability(of: .users) == nil)
            #expect(try await caller.client.dataAvailability(of: .users) == moment)
            await caller.http.shutdown()
        }
        #expect(stub.calls[1].target == "/api/v2/analytics/conversations/details/jobs/availability")
    }

    @Test("requests have the fields that jobs take, and no others")
    func requests() throws {
        let interval = try #require(QueryInterval("2026-03-01T16:00:00Z/2026-03-02T16:00:00Z"))
        let span = interval.description
        func text(_ query: DetailsJobQuery) -> String { String(decoding: query.body, as: UTF8.self) }
        #expect(
            text(try DetailsJobQuery(.conversations, interval: interval, startOfDayIntervalMatching: true, limit: 5))
                == #"{"interval":"\#(span)","order":"asc","orderBy":"conversationStart","startOfDayIntervalMatching":true,"limit":5}"#
        )
        #expect(
            text(
                try DetailsJobQuery(
                    .users, interval: interval, startOfDayIntervalMatching: true, requestBody: #"{"userFilters":[]}"#))
                == #"{"interval":"\#(span)","order":"asc","userFilters":[]}"#)
        for refused in ["{\"paging\":{}}", "{\"aggregations\":[]}", "{\"interval\":1}", "{\"limit\":1}", "[]", "{", ""] {
            #expect(throws: InvalidRequestFields.self) {
                _ = try DetailsJobQuery(.users, interval: interval, requestBody: refused)
            }
        }
    }

    @Test("a query of user details asks for users by name without breaking its JSON, and has no order by")
    func userQuery() throws {
        let interval = try #require(QueryInterval("2026-03-01T16:00:00Z/2026-03-02T16:00:00Z"))
        let query = try UserDetailsQuery(interval: interval, pageSize: 500, users: ["a\"b\\", "c"])
        let text = String(decoding: query.body(page: 2), as: UTF8.self)
        #expect(text.hasPrefix(#"{"interval":"\#(interval)","order":"asc","paging":{"pageSize":100,"pageNumber":2},"#))
        #expect(
            text.hasSuffix(
                #""userFilters":[{"type":"or","predicates":[{"type":"dimension","dimension":"userId","value":"a\"b\\"},"#
                    + #"{"type":"dimension","dimension":"userId","value":"c"}]}]}"#))
        #expect(throws: InvalidRequestFields.self) {
            _ = try UserDetailsQuery(interval: interval, users: ["a"], requestBody: #"{"userFilters":[]}"#)
        }
    }
}
