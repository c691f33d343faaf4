import Contracts
import DevelopmentStack
import Testing

extension SystemTests {
    @Suite("three business days")
    struct ThreeDays {
        @Test("end as three _SUCCESS and a lake that equals the vendor byte for byte; each program answers its operators")
        func quiet() async throws {
            try await withStack { options in
                options.conversationsPerDay = 400
                options.simulator = ["--awkward", "all", "--awkward-every", "3", "--huge", "17"]
            } _: { stack in
                try await stack.start()
                try await stack.awaitSuccess()
                try await stack.expectTruth()

                // What the design says the names are.
                var records: [Int?] = []
                for day in stack.days.days {
                    let truth = try await stack.truth(of: day)
                    records.append(truth.records)
                    let compact = day.filter { $0 != "-" }
                    let names = try await stack.folder(of: day).names()
                    #expect(try stack.folder(of: day).folder == "genesys/conversations/\(day.replacing("-", with: "/"))")
                    let pages = (1...(truth.records + 99) / 100).map { "genesys_conversations_\(compact)_\($0).json" }
                    #expect(names.filter { !$0.hasPrefix("_") }.sorted() == pages)
                    #expect(names.count { $0.hasPrefix("_manifest.") } == 1)
                }

                let events = try await TopicReader.events(of: stack)
                for kind in [JobEvent.Kind.expected, .started, .completed] {
                    #expect(events.counts(kind).values.sorted() == [1, 1, 1], "\(kind)")
                }
                let overview = try await stack.overview()
                #expect(overview.days.map(\.state) == ["done", "done", "done"])
                #expect(stack.days.days.map { overview.day($0)?.figures["records"] } == records)
                let pages = records.map { (($0 ?? 0) + 99) / 100 + 1 }
                #expect(stack.days.days.map { overview.day($0)?.figures["pages"] } == pages, "pages until an empty one")
                #expect(overview.days.map(\.schedule) == ["conversations", "conversations", "conversations"])
                try await expectOperatorsAnswers(stack)
            }
        }

        /// `/metrics`, `/healthz` and `/readyz` of every program.
        private func expectOperatorsAnswers(_ stack: DevelopmentStack) async throws {
            let members = await stack.members
            #expect(members.count == 3)
            for member in members {
                for path in ["healthz", "readyz"] {
                    let answer = try await stack.http.get("\(member.admin)/\(path)")
                    #expect(answer.status == 200, "\(member.member) \(path)")
                    #expect(answer.text.hasPrefix(#"{"status":"passing""#), "\(member.member) \(path)")
                }
                let metrics = try await stack.http.get("\(member.admin)/metrics")
                #expect(metrics.status == 200)
                let own = ["scheduler": "scheduler_jobs_published_total", "monitor": "monitor_events_total"]
                let name = own[member.member.program] ?? "worker_jobs_total"
                #expect(metrics.text.split(separator: "\n").contains { $0.hasPrefix(name) }, "\(member.member): no \(name)")
                #expect(!metrics.text.contains("simulator-secret"))
                #expect(try !stack.logText(of: member.member).contains("simulator-secret"))
            }
        }

        @Test("end the same while the vendor throttles, fails, cuts connections, revokes tokens and is slow")
        func hostile() async throws {
            try await withStack { options in
                options.conversationsPerDay = 400
                options.simulator = ["--faults", "hostile", "--page-shift", "none"]
            } _: { stack in
                try await stack.start()
                try await stack.awaitSuccess()
                try await stack.expectTruth()
                let faults = Set(try await stack.vendor.requestCounts().compactMap(\.fault))
                // Those that the plan ties to certain requests strike in every run.
                #expect(faults.isSuperset(of: ["revoke", "truncate", "throttle", "status"]), "\(faults)")
            }
        }

        @Test("have each conversation once, in its last version, though rows come in, change and move while pages are read")
        func shifting() async throws {
            try await withStack { options in
                options.conversationsPerDay = 400
                options.simulator = ["--page-shift", "insert", "--shift-every", "2", "--shift-rows", "3", "--shift-limit", "12"]
            } _: { stack in
                try await stack.start()
                try await stack.awaitSuccess()
                var duplicates = 0
                for day in stack.days.days {
                    let interval = try #require(stack.days.interval(of: day))
                    let truth = try await stack.vendor.truth(interval.description).split(separator: UInt8(ascii: "\n"))
                    let lake = try await stack.folder(of: day).records().split(separator: UInt8(ascii: "\n"))
                    #expect(lake.count == truth.count)
                    #expect(Set(lake.map(Array.init)) == Set(truth.map(Array.init)), "records of \(day)")
                    duplicates += try await stack.overview().day(day)?.figures["duplicates"] ?? 0
                }
                #expect(duplicates > 0, "nothing moved: the test shows nothing")
            }
        }
    }
}
