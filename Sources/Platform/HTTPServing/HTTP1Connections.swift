public import HummingbirdCore
public import Logging
public import NIOCore
internal import NIOHTTPTypes
internal import Synchronization

extension HTTPServerBuilder {
    /// HTTP/1 servers that may stop at any moment, also while somebody connects.
    public static var http1StoppableAnytime: HTTPServerBuilder {
        HTTPServerBuilder { responder in HTTP1Connections(responder: responder) }
    }
}

/// HTTP/1 connections of which some may never be served.
///
/// A server that shuts down while it accepts a connection drops it. The channels of the library take it for a mistake of the program
/// when they are dropped without having been closed, and end the process: a worker would crash because it was asked for its metrics
/// while it stopped. Here such a connection is closed.
public struct HTTP1Connections: ServerChildChannel {
    private let http1: HTTP1Channel

    /// Connections whose requests are answered by a responder.
    public init(responder: @escaping HTTPChannelHandler.Responder) {
        http1 = HTTP1Channel(responder: responder)
    }

    /// A connection that was accepted; closed at the latest when nobody has it any more.
    public final class Connection: ServerChildChannelValue {
        fileprivate let channels: HTTP1Channel.Value
        private let isServed = Atomic(false)

        /// The channel below it.
        public var channel: any Channel { channels.channel }

        private let logger: Logger

        fileprivate init(_ channels: HTTP1Channel.Value, _ logger: Logger) {
            self.channels = channels
            self.logger = logger
        }

        fileprivate func serve() -> HTTP1Channel.Value {
            isServed.store(true, ordering: .relaxed)
            return channels
        }

        deinit {
            guard !isServed.load(ordering: .relaxed) else { return }
            // Only this closes them, and only a task can: it ends with the connection, and nothing waits for it.
            Task { [channels, logger] in
                do {
                    try await channels.executeThenClose { _, _ in }
                } catch {
                    // The other side may be gone already.
                    logger.debug("closing a connection that nobody serves", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Prepares a connection that was accepted.
    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Connection> {
        http1.setup(channel: channel, logger: logger).map { Connection($0, logger) }
    }

    /// Answers the requests of a connection until it ends.
    public func handle(value: Connection, logger: Logger) async {
        await http1.handle(value: value.serve(), logger: logger)
    }
}
