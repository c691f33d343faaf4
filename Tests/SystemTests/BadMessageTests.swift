import Contracts
import DevelopmentStack
import Kafka
import Testing

extension SystemTests {
    @Suite("bad messages")
    struct BadMessages {
        @Test("that can't be read or have an unknown version go to the dead topic byte for byte, and block nothing")
        func dead() async throws {
            let bad: [(name: String, key: [UInt8]?, value: [UInt8]?, reason: String)] = [
                ("no JSON", Array("no json".utf8), Array("}{ not json \u{0}".utf8), ""),
                ("not UTF-8", [0xff, 0xfe, 0x00, 0x80], [0xc3, 0x28, 0x00, 0xff], ""),
                (
                    "a version of tomorrow", Array("tomorrow".utf8), Array(#"{"version":2,"id":"tomorrow","shape":"new"}"#.utf8),
                    ""
                ),
                ("no version", nil, Array(#"{"id":"x"}"#.utf8), ""),
                ("empty", Array("empty".utf8), [], ""),
                ("a tombstone", Array("tombstone".utf8), nil, ""),
                ("an id that would leave the folder", Array("path".utf8), Array(Self.job(id: "../../etc/passwd").utf8), ""),
            ]
            try await withStack { options in
                options.members = [.monitor, .conversationWorker]
            } _: { stack in
                try await stack.start()
                let topics = stack.configuration.topics
                let producer = try Producer(stack.broker.kafka(client: "system-test"))
                // Into every partition, so that each good job has bad ones before it.
                for partition in Int32(0)..<4 {
                    for message in bad {
                        _ = try await producer.send(
                            ProducerRecord(
                                topic: topics.jobs("conversation"), partition: partition, key: message.key, value: message.value,
                                headers: [RecordHeader("origin", message.name)]))
                    }
                }
                await producer.close()
                try await stack.start(.scheduler)
                try await stack.awaitSuccess()
                for day in stack.days.days { #expect(try await stack.folder(of: day).digest() == stack.truth(of: day)) }

                var dead: [ConsumerRecord] = []
                try await until("all bad messages are in the dead topic") {
                    dead = try await TopicReader.read(topics.dead("conversation"), of: stack)
                    return dead.count >= 4 * bad.count
                }
                #expect(dead.count == 4 * bad.count)
                for message in bad {
                    let found = dead.filter { $0.headers.text(of: "origin") == message.name }
                    #expect(found.count == 4, "\(message.name)")
                    for record in found {
                        #expect(record.key == message.key, "\(message.name)")
                        #expect((record.value ?? []) == (message.value ?? []), "\(message.name)")
                        #expect(record.headers.text(of: "dlq-reason")?.isEmpty == false, "\(message.name)")
                        #expect(record.headers.text(of: "dlq-message")?.isEmpty == false, "\(message.name)")
                        #expect(record.headers.text(of: "job-first-topic") == topics.jobs("conversation"), "\(message.name)")
                    }
                }
                #expect(dead.allSatisfy { !($0.headers.text(of: "dlq-message") ?? "").contains("\n") })
            }
        }

        private static func job(id: String) -> String {
            #"{"version":1,"id":"\#(id)","kind":"conversation","source":"genesys/demo","dataset":"conversations","#
                + #""day":"2026-03-01","createdAt":"2026-03-02T00:00:00.000Z","#
                + #""interval":{"start":"2026-02-28T16:00:00.000Z","end":"2026-03-01T16:00:00.000Z"}}"#
        }
    }
}
