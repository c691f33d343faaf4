import Glibc
import HTTPServing
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One address at which the simulator answers.
protocol SimulatedHost: Sendable {
    /// Answers a request, or throws to end the connection without an answer.
    func respond(to request: Request, on connection: any Channel) async throws -> Response
}

extension SimulatedHost {
    /// A server for this host.
    ///
    /// The framework's server without its application around it: that turns errors into answers, where faults need the
    /// connection to end, and takes up to a second to stop.
    func server(
        _ host: String, port: Int, logger: Logger, onRunning: @escaping @Sendable (_ port: Int) async -> Void
    ) throws -> any Service {
        let server = try HTTPServerBuilder.http1StoppableAnytime.buildServer(
            configuration: ServerConfiguration(address: .hostname(host, port: port)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { request, writer, channel in
                let response = try await respond(to: request, on: channel)
                try await writer.write(response: response.head, body: response.body)
            },
            onServerRunning: { await onRunning($0.localAddress?.port ?? port) })
        return HostServer(address: "\(host):\(port)", server: server)
    }
}

/// A server whose failure says which address it is about.
private struct HostServer: Service {
    let address: String
    let server: any Service

    func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            throw SimulatorAddressError(address: address, reason: "\(error)")
        }
    }
}

extension Channel {
    /// Resets the connection: the client sees `connection reset by peer`, not an orderly end.
    func reset() async throws {
        if let options = self as? any SocketOptionProvider {
            try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await close().get()
    }
}

/// Ends an answer before its end, or before its beginning.
struct CutConnection: Error {}
