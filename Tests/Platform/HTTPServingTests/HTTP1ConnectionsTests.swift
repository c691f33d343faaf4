import HTTPServing
import Logging
import NIOCore
import NIOPosix
import Testing

@Suite("HTTP/1 connections", .timeLimit(.minutes(5)))
struct HTTP1ConnectionsTests {
    @Test("one that a server drops, as it does when it stops while somebody connects, is closed and harms nobody")
    func dropped() async throws {
        let connections = HTTP1Connections { _, _, _ in }
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                connections.setup(channel: channel, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }).map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        for _ in 0..<20 {
            let client = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
            try await client.closeFuture.get()
        }
        try await server.close()
    }
}
