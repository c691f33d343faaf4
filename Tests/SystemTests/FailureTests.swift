import Contracts
import DevelopmentStack
import Foundation
import Kafka
import Testing

extension SystemTests {
    @Suite("failures that people must mend")
    struct Failures {
        @Test("wrong credentials: the jobs die with advice, the days get _FAILURE, alerts fire, and nothing is tried for ever")
        func credentials() async throws {
            try await withStack { options in
                options.settings["conversation-worker"] = ["genesys.client-id": "stranger"]
            } _: { stack in
                try await stack.start()
                let topics = stack.configuration.topics
                for day in stack.days.days {
                    let folder = try stack.folder(of: day)
                    try await until("_FAILURE of \(day)") { try await folder.failure() != nil }
                    let tag = try await folder.failure() ?? ""
                    #expect(tag.contains("vendor-credentials"), "\(tag)")
                    #expect(tag.contains(#""advice""#), "\(tag)")
                    #expect(try await folder.success() == nil)
                    #expect(try await folder.pages().isEmpty)
                }
                try await until("three alerts fire") {
                    try await TopicReader.alerts(of: stack).values.count { $0.state == .firing } == 3
                }
                let alerts = try await TopicReader.alerts(of: stack)
                for alert in alerts.values {
                    #expect(alert.severity == .critical)
                    #expect(alert.advice?.isEmpty == false)
                    #expect(alert.dataset == "conversations")
                    #expect(alert.day.map { stack.days.days.contains($0) } == true)
                }
                #expect(try await stack.overview().alerts.count == 3)
                let dead = try await TopicReader.read(topics.dead("conversation"), of: stack)
                #expect(dead.count == 3)
                #expect(dead.allSatisfy { $0.headers.text(of: "dlq-reason") == "vendor-credentials" })
                #expect(dead.allSatisfy { $0.headers.text(of: "dlq-advice")?.isEmpty == false })
                // What died is the job itself: put back, it would run.
                #expect(Set(try dead.compactMap { try Job.decode($0.value).day }) == Set(stack.days.days))
                for delay in [60, 600, 3600] {
                    #expect(try await TopicReader.read(topics.retry("conversation", after: .seconds(delay)), of: stack).isEmpty)
                }
                let attempts = try await stack.vendor.requestCounts().filter { $0.service == "login" }.reduce(0) { $0 + $1.count }
                #expect(attempts <= 6, "a wrong secret must not be tried again and again")
                #expect(try !stack.logText(of: .conversationWorker).contains("simulator-secret"))

                // The worker is mended and the jobs are put back, as an operator does: the days become whole, the alerts resolve.
                await stack.stop(.conversationWorker)
                var file = stack.configuration.file(for: .conversationWorker)
                file["genesys.client-id"] = "simulator"
                let mended = try await stack.launch(.conversationWorker, file)
                let producer = try Producer(stack.broker.kafka(client: "system-test"))
                for record in dead {
                    var job = try Job.decode(record.value)
                    job.revision += 1
                    let message = job.message(to: topics)
                    _ = try await producer.send(ProducerRecord(topic: message.topic, key: message.key, value: message.value))
                }
                await producer.close()
                for day in stack.days.days {
                    let folder = try stack.folder(of: day)
                    try await until("_SUCCESS of \(day)") { try await folder.success() != nil }
                }
                try await until("the alerts are resolved") { try await stack.overview().alerts.isEmpty }
                try await stack.expectTruth()
                await mended.stop()
            }
        }
    }

    @Suite("two of each")
    struct Pairs {
        @Test("two schedulers and two monitors: one of each acts, and the other takes over when it is killed")
        func leaders() async throws {
            let (first, second) = (StackMember.scheduler, StackMember("scheduler", instance: "2"))
            let (watch, spare) = (StackMember.monitor, StackMember("monitor", instance: "2"))
            try await withStack { options in
                options.members = [watch, spare, .conversationWorker, first, second]
            } _: { stack in
                try await stack.start()
                try await stack.awaitSuccess()
                let jobs = try await TopicReader.read(stack.configuration.topics.jobs("conversation"), of: stack)
                #expect(jobs.count == 3)
                func leads(_ member: StackMember) throws -> Bool { try stack.logText(of: member).contains(" leading ") }
                #expect(try [first, second].count { try leads($0) } == 1)
                #expect(try [watch, spare].count { try leads($0) } == 1)

                let (leader, standby) = try leads(first) ? (first, second) : (second, first)
                let (seer, blind) = try leads(watch) ? (watch, spare) : (spare, watch)
                await stack.kill(leader)
                await stack.kill(seer)
                try await until("the other scheduler leads, and knows what was published") {
                    try stack.logText(of: standby).contains("states=1")
                }
                try await until("the other monitor leads, and knows the days") {
                    let admin = try await stack.member(blind).admin
                    return try await stack.http.get("\(admin)/days").decoded(Overview.self).days.map(\.state) == [
                        "done", "done", "done",
                    ]
                }
                #expect(try await TopicReader.read(stack.configuration.topics.jobs("conversation"), of: stack).count == 3)
                for day in stack.days.days { #expect(try await stack.folder(of: day).digest() == stack.truth(of: day)) }
            }
        }
    }
}
