import Contracts
import DevelopmentStack
import Foundation
import Kafka
import Messaging
import ObjectStorage
import Rehearsal
import Testing

extension DisturbedSystemTests {
    @Suite("crash loops")
    struct CrashLoops {
        private static let worker = StackMember("rehearsal-worker")

        private func job(_ id: String, _ task: RehearsalTask) -> Job {
            Job(
                id: id, kind: RehearsalPlan.kind, source: RehearsalPlan.source, dataset: RehearsalPlan.dataset, day: "2026-01-01",
                createdAt: Date(), parameters: task.parameters)
        }

        @Test("a job that kills its worker is given up unrun at its third start; its neighbours complete", arguments: [1, 16])
        func culprit(window: Int) async throws {
            let neighbours = (0..<40).map { number in
                job(
                    "neighbour-\(number)",
                    RehearsalTask(seed: UInt64(number), work: .objects(count: 2, bytes: 500, pause: 20)))
            }
            let culprit = job("culprit", RehearsalTask(seed: 1, work: .objects(count: 0, bytes: 0, pause: 0), trouble: .crashes))
            try await withStack { options in
                options.members = [Self.worker]
                options.topics = "\(options.directory)/topics"
                options.settings["rehearsal-worker"] = [
                    "worker.window": String(window), "worker.slots": "4", "worker.retry-delays": "[1s, 3s]",
                ]
                try RehearsalTopics.write(try .current(), folder: "\(options.directory)/topics")
            } _: { stack in
                let topics = stack.configuration.topics
                let producer = try Producer(stack.broker.kafka(client: "system-test"))
                let jobs = neighbours[..<20] + [culprit] + neighbours[20...]
                try await producer.send(jobs.map { ProducerRecord($0.message(to: topics)) })
                await producer.close()

                var deaths = 0
                var process = try await stack.launch(Self.worker)
                try await until("all jobs have ended") {
                    if process.end != nil {
                        deaths += 1
                        process = try await stack.launch(Self.worker)
                    }
                    let events = try await TopicReader.events(of: stack)
                    return Set(events.filter(\.event.isTerminal).map(\.job.id)).count == jobs.count
                }
                #expect(deaths == 2)
                let events = try await TopicReader.events(of: stack)
                #expect(events.counts(.completed).keys.sorted() == neighbours.map(\.id).sorted())
                #expect(Set(events.filter { $0.event == .failed }.map(\.job.id)) == ["culprit"])
                let dead = try await TopicReader.read(topics.dead(RehearsalPlan.kind), of: stack)
                #expect(dead.first?.value == culprit.message(to: topics).value)
                #expect(dead.first?.headers.text(of: JobHeader.deadReason) == "crash-loop")
                if isOnKafka { #expect(dead.count == 1 && events.counts(.completed).values.allSatisfy { $0 == 1 }) }
                #expect(await process.stop() == .exited(0))
            }
        }
    }
}
