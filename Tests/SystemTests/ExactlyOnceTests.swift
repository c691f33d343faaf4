import Contracts
import DevelopmentStack
import Testing

extension SystemTests {
    /// What only Apache Kafka can prove (design, section 5).
    @Suite("exactly once", .enabled(if: isOnKafka, "needs Apache Kafka: BROKER=host:port"))
    struct ExactlyOnce {
        /// The days' records as lines, whatever the names and number of their objects.
        private func expectSameLines(_ stack: DevelopmentStack) async throws {
            for day in stack.days.days {
                let interval = try #require(stack.days.interval(of: day))
                let truth = try await stack.vendor.truth(interval.description).split(separator: UInt8(ascii: "\n"))
                let lake = try await stack.folder(of: day).records().split(separator: UInt8(ascii: "\n"))
                #expect(lake.count == truth.count, "\(day)")
                #expect(Set(lake.map(Array.init)) == Set(truth.map(Array.init)), "\(day)")
            }
        }

        @Test("a worker that is killed again and again publishes each of 72 results once, and the lake is whole")
        func again() async throws {
            try await withStack { options in
                options.schedule = ["window: 1h"]
                // Jobs take long enough to be killed in, short enough to end.
                options.simulator = ["--rate-limit", "0"]
                options.settings["conversation-worker"] = ["worker.window": "1", "genesys.requests-per-minute": "0"]
            } _: { stack in
                try await stack.start()
                var completed = 0
                for round in 1...6 {
                    // Some results further on, at whatever moment that is.
                    let target = min(60, completed + 5 + round)
                    try await until("\(target) results") {
                        completed = try await TopicReader.events(of: stack).count { $0.event == .completed }
                        return completed >= target
                    }
                    await stack.kill(.conversationWorker)
                    try await stack.start(.conversationWorker)
                }
                try await stack.awaitSuccess()
                try await expectSameLines(stack)
                let events = try await TopicReader.events(of: stack)
                let counts = events.counts(.completed)
                #expect(counts.count == 72)
                #expect(counts.filter { $0.value != 1 }.isEmpty)
                #expect(try await TopicReader.read(stack.configuration.topics.dead("conversation"), of: stack).isEmpty)
            }
        }

        @Test("a worker that hung, was given up and comes back publishes nothing of what another has taken over")
        func zombie() async throws {
            let other = StackMember("conversation-worker", instance: "2")
            try await withStack { options in
                options.members = [.monitor, .conversationWorker, .scheduler]
                options.simulator = try VendorGate.arguments(after: 3, in: options.directory)
            } _: { stack in
                try await stack.start()
                try await stack.awaitMiddle()
                let hung = try await stack.member(.conversationWorker)
                hung.process.suspend()
                try await VendorGate.open(stack)
                try await stack.start(other)
                try await stack.awaitSuccess()
                hung.process.resume()
                // It sees that its partitions are gone, drops what it did, and takes part again.
                try await until("it noticed") {
                    try stack.logText(of: .conversationWorker).contains("partitions lost") || !hung.process.isRunning
                }
                #expect(hung.process.isRunning)
                try await until("it takes part again") { try await stack.http.get("\(hung.admin)/readyz").status == 200 }
                await stack.stop(.conversationWorker)
                let events = try await TopicReader.events(of: stack)
                #expect(events.counts(.completed).values.sorted() == [1, 1, 1])
                #expect(events.filter { $0.event == .completed }.allSatisfy { $0.worker?.hasSuffix("@2") == true })
                try await stack.expectTruth()
            }
        }
    }
}
