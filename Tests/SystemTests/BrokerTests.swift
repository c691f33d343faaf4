import DevelopmentStack
import Kafka
import Testing

extension SystemTests {
    @Suite("broker")
    struct Broker {
        @Test("the development broker answers once it is started, and is gone once it is stopped")
        func tansu() async throws {
            try await withDirectory { directory in
                let broker = try await TansuBroker.start(try .current(), log: "\(directory)/log")
                #expect(!broker.isExternal)
                let admin = try Admin(broker.kafka(client: "system-test"))
                #expect(try await admin.metadata().brokers == 1)
                await broker.stop()
                await #expect(throws: KafkaError.self) { try await admin.metadata(timeout: .milliseconds(500)) }
                await admin.close()
                #expect(broker.process?.end != nil)
            }
        }

        @Test("a broker that was named and doesn't answer is named in the error")
        func nobody() async throws {
            let port = try LoopbackPort.free()
            let error = await #expect(throws: DevelopmentError.self) {
                try await TansuBroker.existing("127.0.0.1:\(port)", limit: .milliseconds(600))
            }
            #expect(error?.message.contains("no broker answers at 127.0.0.1:\(port)") == true)
            #expect(error?.advice?.contains("BROKER") == true)
        }
    }
}
