import Glibc
import Hummingbird
import Logging
import NIOCore

/// The context of a request, which keeps hold of the connection so that faults can cut it.
struct SimulatorContext: InitializableFromSource {
    let channel: any Channel
    let logger: Logger

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        logger = source.logger
    }
}

extension SimulatorContext {
    /// Resets the connection: the client sees `connection reset by peer`, not an orderly end.
    func resetConnection() async {
        do {
            if let provider = channel as? any SocketOptionProvider {
                try await provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            }
            try await channel.close().get()
        } catch {
            logger.debug("connection was closed before its reset", metadata: ["error": "\(error)"])
        }
    }
}

/// Ends an answer in the middle.
struct CutConnection: Error {}
