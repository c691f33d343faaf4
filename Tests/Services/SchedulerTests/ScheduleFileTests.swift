import Contracts
import Foundation
import Testing

@testable import Scheduler

@Suite("the file of schedules")
struct ScheduleFileTests {
    private func problems(_ yaml: String) -> [String] {
        do {
            _ = try ScheduleFile.parse(yaml: yaml)
            return []
        } catch {
            return error.lines
        }
    }

    /// A good schedule with one line changed: `key: value` replaces or adds, a bare key removes.
    private func schedule(_ change: String) -> String {
        let good = [
            "name: conversations", "kind: conversation", "dataset: conversations", "source: genesys/main", "cron: \"0 6 * * *\"",
            "zone: Asia/Manila",
        ]
        let key = change.split(separator: ":").first.map(String.init) ?? change
        let kept = good.filter { !$0.hasPrefix("\(key):") }
        let lines = kept + (change.contains(":") ? [change] : [])
        return "schedules:\n  - " + lines.joined(separator: "\n    ") + "\n"
    }

    @Test("a full schedule is read as written")
    func full() throws {
        let definitions = try ScheduleFile.parse(
            yaml: """
                schedules:
                  - name: conversations
                    kind: conversation
                    dataset: conversations
                    source: genesys/main
                    cron: "0 6 * * *"
                    zone: Asia/Manila
                    lag: 2
                    window: 1h
                    settle: 10m
                    start: 2026-03-01
                    end: 2026-03-31
                    catch-up: latest
                    maximum-catch-up: 24
                    deadline: 12h
                    priority: 7
                    parameters: { pageSize: 100, ratio: 0.5, deep: { list: [a, "1", true, null] } }
                    paused: true
                  - { name: q, kind: report, dataset: wfm, source: liveperson/1.a_b, every: 15m, zone: UTC }
                """)
        #expect(definitions.map(\.name) == ["conversations", "q"])
        let first = try #require(definitions.first)
        #expect(first.lag == 2 && first.window == .seconds(3_600) && first.settle == .seconds(600) && first.priority == 7)
        #expect(first.start == CalendarDay("2026-03-01") && first.end == CalendarDay("2026-03-31") && first.isPaused)
        #expect(first.catchUp == .latest && first.maximumCatchUp == 24 && first.deadline == .seconds(43_200))
        #expect(
            first.parameters
                == .object([
                    "pageSize": .integer(100), "ratio": .number(0.5),
                    "deep": .object(["list": .array([.string("a"), .string("1"), .bool(true), .null])]),
                ]))
        let second = try #require(definitions.last)
        #expect(
            second.cadence == .every(.seconds(900)) && second.window == .days(1) && second.catchUp == .all && second.start == nil)
        #expect(second.parameters == .object([:]) && !second.isPaused && second.lag == 0)
    }

    @Test(
        "each problem is one line that names the schedule, the key, the value and what is allowed",
        arguments: [
            ("name: Conversations", ["name", "\"Conversations\"", "lower-case"]), ("name", ["name is missing"]),
            ("name: a/b", ["name", "\"a/b\""]), ("kind: 'x y'", ["kind", "\"x y\""]),
            ("source: genesys", ["source", "vendor/account"]),
            ("source: ../etc", ["source", "\"../etc\""]),
            ("zone: Asia/Manilla", ["zone", "\"Asia/Manilla\"", "did you mean Asia/Manila?"]),
            ("zone: PST", ["zone", "IANA"]), ("zone", ["zone is missing"]),
            ("cron: \"0 6 * *\"", ["cron", "\"0 6 * *\"", "4 fields"]),
            ("cron: \"0 0 30 2 *\"", ["never fires"]), ("cron", ["exactly one of"]), ("every: 15m", ["exactly one of"]),
            ("lag: two", ["lag", "\"two\"", "0 to 400"]), ("lag: -1", ["lag", "\"-1\""]), ("lag: 1.5", ["lag"]),
            ("lag: [1]", ["a list of 1"]),
            ("window: 7m", ["window", "\"7m\"", "divides a day"]), ("window: 24h", ["window", "\"24h\""]),
            ("window: 30s", ["window"]),
            ("window: 7d", ["start is missing", "window: 7d"]), ("settle: soon", ["settle", "\"soon\"", "15m"]),
            ("settle: 1500ms", ["settle", "whole seconds"]), ("start: 2026-02-30", ["start", "\"2026-02-30\"", "yyyy-MM-dd"]),
            ("end: 31.12.2026", ["end"]), ("catch-up: some", ["catch-up", "\"some\"", "all, latest, none"]),
            ("maximum-catch-up: 0", ["maximum-catch-up", "1 to 1000"]), ("deadline: 0s", ["deadline"]),
            ("priority: 10", ["priority", "0 to 9"]),
            ("paused: maybe", ["paused", "true or false"]), ("parameters: [1]", ["parameters", "a mapping"]),
            ("parameters: { a: .inf }", ["parameters"]), ("parameters: { a: 99999999999999999999 }", ["parameters"]),
            ("zome: UTC", ["unknown key \"zome\"", "did you mean \"zone\"?"]), ("catchup: all", ["did you mean \"catch-up\"?"]),
            ("zebra: 1", ["unknown key \"zebra\"", "allowed are name,"]),
        ])
    func problem(change: String, mentions: [String]) {
        let problems = problems(schedule(change))
        #expect(problems.count == 1, "\(problems)")
        for mention in mentions { #expect(problems.first?.contains(mention) == true, "\(problems)") }
        #expect(problems.allSatisfy { $0.hasPrefix("schedule ") && !$0.contains { $0.isNewline } })
    }

    @Test("all problems of a file are reported together")
    func together() {
        let problems = problems(
            """
            schedules:
              - { name: a, kind: k, dataset: d, source: v/a, every: 1h, zone: Nowhere/Land, lag: x }
              - { name: b, kind: k, dataset: d, source: v/a, every: 1h, zone: UTC }
              - { name: b, kind: k, dataset: d, source: v/a, every: 1h, zone: UTC, start: 2026-02-02, end: 2026-02-01 }
              - { name: b, kind: k, dataset: d, source: v/a, every: 1h, zone: UTC }
              - just text
            """)
        #expect(problems.count == 5, "\(problems)")
        #expect(problems.contains { $0.hasPrefix("schedule \"b\": name:") })
        #expect(problems.contains { $0.hasPrefix("schedule 5: \"just text\"") })
    }

    @Test(
        "what is no file of schedules is refused in one line",
        arguments: [
            "", "schedules: 5", "- a", "schedules: [", "scheduled: []", "a: 1\na: 2", "schedules: []\n---\nschedules: []",
            "schedules:\n- &a [*a]", "schedules:\n  - {<<: {name: x}}", "schedules: {}", "? [a]\n: b",
        ])
    func noFile(yaml: String) {
        let problems = problems(yaml)
        #expect(problems.count >= 1)
        #expect(problems.allSatisfy { !$0.contains { $0.isNewline } })
    }

    @Test("hostile files are refused without harm")
    func hostile() {
        #expect(problems(String(repeating: "[", count: 900_000)).count == 1)
        #expect(
            problems("schedules: " + String(repeating: "{a: ", count: 500) + "1" + String(repeating: "}", count: 500)).count == 1)
        #expect(problems(String(repeating: "x", count: 2_000_000)).first?.contains("bytes") == true)
        // Ten levels of ten aliases each would be ten thousand million values.
        var bomb = "a0: &a0 [x]\n"
        for level in 1...10 {
            bomb += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ","))]\n"
        }
        #expect(problems(bomb).first?.contains("values") == true)
        #expect(
            problems(schedule("parameters: { a: \"\(String(repeating: "y", count: 20_000))\" }")).first?.contains("16384") == true
        )
        let many =
            "schedules:\n"
            + (0...1_000).map { "  - { name: s\($0), kind: k, dataset: d, source: v/a, every: 1h, zone: UTC }\n" }.joined()
        #expect(problems(many).first?.contains("1000") == true)
    }

    @Test("the hash follows everything that decides what is published, and nothing else")
    func hash() throws {
        let base = try #require(try ScheduleFile.parse(yaml: schedule("lag: 1")).first)
        #expect(base.hash.count == 16)
        #expect(try ScheduleFile.parse(yaml: "# a comment\n" + schedule("lag: 1")).first?.hash == base.hash)
        for change in [
            "lag: 2", "lag: 1\n    window: 1h", "lag: 1\n    parameters: {a: 1}", "lag: 1\n    deadline: 1h",
            "lag: 1\n    priority: 6",
        ] {
            #expect(try ScheduleFile.parse(yaml: schedule(change)).first?.hash != base.hash, "\(change)")
        }
    }
}
