import Contracts
import DevelopmentStack
import Kafka
import Testing

extension SystemTests {
    @Suite("kill -9")
    struct Kills {
        /// What must be true at the end, whoever was killed.
        private func expectWhole(_ stack: DevelopmentStack) async throws {
            try await stack.awaitSuccess()
            try await stack.expectTruth()
            let jobs = try await TopicReader.read(stack.configuration.topics.jobs("conversation"), of: stack)
            #expect(Set(jobs.map { $0.key.map { String(decoding: $0, as: UTF8.self) } }).count == 3)
            #expect(try await TopicReader.read(stack.configuration.topics.dead("conversation"), of: stack).isEmpty)
            let events = try await TopicReader.events(of: stack)
            #expect(Set(events.counts(.completed).keys).count == 3)
            if isOnKafka {
                // Tansu can't prove these (design, section 5).
                #expect(jobs.count == 3)
                #expect(events.counts(.expected).values.sorted() == [1, 1, 1])
                #expect(events.counts(.completed).values.sorted() == [1, 1, 1])
            }
        }

        @Test("of the worker in mid-job, restarted: each day once and whole")
        func worker() async throws {
            try await withStack { options in
                options.conversationsPerDay = 400
                options.simulator = try VendorGate.arguments(after: 4, in: options.directory)
            } _: { stack in
                try await stack.start()
                try await stack.awaitMiddle()
                await stack.kill(.conversationWorker)
                try await VendorGate.open(stack)
                try await stack.start(.conversationWorker)
                try await expectWhole(stack)
            }
        }

        @Test("of one of two workers: the other one takes over what it left")
        func oneOfTwo() async throws {
            try await withStack { options in
                options.conversationsPerDay = 300
                options.members = [.monitor, .conversationWorker, StackMember("conversation-worker", instance: "2"), .scheduler]
                options.simulator = try VendorGate.arguments(after: 3, in: options.directory)
            } _: { stack in
                try await stack.start()
                try await stack.awaitMiddle()
                // The one that works, or one of the two that do.
                let busy = try await TopicReader.events(of: stack).first { $0.event == .started }?.worker
                await stack.kill(
                    busy?.hasSuffix("@2") == true ? StackMember("conversation-worker", instance: "2") : .conversationWorker)
                try await VendorGate.open(stack)
                try await expectWhole(stack)
            }
        }

        @Test("of the scheduler, before and after it has published: nothing is missed, nothing is published again")
        func scheduler() async throws {
            try await withStack { options in
                options.members = [.monitor, .conversationWorker]
            } _: { stack in
                try await stack.start()
                // Once as early as can be, once when it is ready, once when it has published.
                let process = try await stack.launch(.scheduler)
                await process.kill()
                try await stack.start(.scheduler)
                await stack.kill(.scheduler)
                try await stack.start(.scheduler)
                try await stack.awaitSuccess()
                await stack.kill(.scheduler)
                // On Tansu a transaction that the kill cut off becomes visible, so there may be more than three (design, section 5).
                let published = try await TopicReader.read(stack.configuration.topics.jobs("conversation"), of: stack).count
                if isOnKafka { #expect(published == 3) }
                try await stack.start(.scheduler)
                // The state of the first term was read, so this one knows what was published.
                try await until("it leads again") { try stack.logText(of: .scheduler).contains("states=1") }
                try await expectWhole(stack)
                #expect(try await TopicReader.read(stack.configuration.topics.jobs("conversation"), of: stack).count == published)
            }
        }

        @Test("of the monitor, while days are worked on and when they are done: the tags and the page are the same")
        func monitor() async throws {
            try await withStack { options in
                options.simulator = try VendorGate.arguments(after: 3, in: options.directory)
            } _: { stack in
                try await stack.start()
                try await stack.awaitMiddle()
                await stack.kill(.monitor)
                try await VendorGate.open(stack)
                try await stack.start(.monitor)
                try await stack.awaitSuccess()
                try await until("the monitor knows that the days are done") {
                    try await stack.overview().days.map(\.state) == ["done", "done", "done"]
                }

                let days = stack.days.days
                var before: [String: String] = [:]
                for day in days {
                    let folder = try stack.folder(of: day)
                    before[day] = try await folder.success().map { String(decoding: $0.encoded(), as: UTF8.self) }
                }
                let figures = try await stack.overview().days.map(\.figures)
                await stack.kill(.monitor)
                try await stack.start(.monitor)
                try await until("its state is there again") {
                    try await stack.overview().days.map(\.state) == ["done", "done", "done"]
                }
                #expect(try await stack.overview().days.map(\.figures) == figures)
                for day in days {
                    let folder = try stack.folder(of: day)
                    #expect(try await folder.success().map { String(decoding: $0.encoded(), as: UTF8.self) } == before[day])
                }
                try await expectWhole(stack)
                #expect(try await TopicReader.alerts(of: stack).isEmpty)
            }
        }

        @Test("of everything at once in mid-job, restarted: each day once and whole")
        func everything() async throws {
            try await withStack { options in
                options.simulator = try VendorGate.arguments(after: 3, in: options.directory)
            } _: { stack in
                try await stack.start()
                try await stack.awaitMiddle()
                for member in stack.options.members { await stack.kill(member) }
                try await VendorGate.open(stack)
                try await stack.start()
                try await expectWhole(stack)
            }
        }
    }
}
