internal import Foundation
internal import Glibc
internal import Synchronization

/// A TCP proxy on loopback that breaks what goes through it, as told.
///
/// 1. A thread of its own does all the work; nothing blocks the caller.
/// 2. Without a fault it passes every byte in order, with back-pressure, and ends one side when the other has ended.
/// 3. For HTTP it knows where requests begin, so that a fault strikes whole requests and never mixes two answers.
public final class FaultProxy: Sendable {
    /// What has gone through, and what hasn't.
    public struct Figures: Sendable, Hashable {
        /// Connections of clients.
        public var connections = 0
        /// Connections that the proxy broke.
        public var broken = 0
        /// Bytes that were passed on, both ways.
        public var bytes = 0
        /// HTTP requests that weren't let through as they were.
        public var requestsStruck = 0
    }

    struct Settings {
        var upstream: Int?
        var fault: ConnectionFault?
        /// How often everything was to be cut.
        var cuts = 0
        var isStopped = false
        var figures = Figures()
    }

    /// What errors and progress call it.
    public let name: String
    /// Where clients connect, on 127.0.0.1.
    public let port: Int

    private let settings: Mutex<Settings>
    private let wake: Int32
    private let ended = AsyncStream<Void>.makeStream()

    private init(name: String, port: Int, upstream: Int?, wake: Int32) {
        self.name = name
        self.port = port
        self.wake = wake
        settings = Mutex(Settings(upstream: upstream))
    }

    /// Listens on a free port.
    ///
    /// - Parameters:
    ///   - upstream: the port that connections are passed on to; nil: they are reset until ``passOn(to:)``.
    ///   - speaksHTTP: whether requests can be told apart, for faults that concern them.
    ///   - seed: chooses which requests are struck.
    public static func start(
        _ name: String, upstream: Int? = nil, speaksHTTP: Bool = false, seed: UInt64 = 0
    ) throws(DevelopmentError) -> FaultProxy {
        let (listener, port) = try LoopbackSocket.listen()
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            close(listener)
            throw DevelopmentError("no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { LoopbackSocket.setNeverBlocking(end) }
        let proxy = FaultProxy(name: name, port: port, upstream: upstream, wake: ends[1])
        let thread = Thread { [ends] in
            var loop = ProxyLoop(listener: listener, wake: ends[0], speaksHTTP: speaksHTTP, seed: seed)
            loop.run(proxy)
            for end in ends { close(end) }
            proxy.ended.continuation.finish()
        }
        thread.name = "proxy \(name)"
        thread.stackSize = 512 << 10
        thread.start()
        return proxy
    }

    /// Where clients connect, `127.0.0.1:port`.
    public var address: String { "127.0.0.1:\(port)" }

    /// Passes connections on to another port.
    public func passOn(to upstream: Int) { change { $0.upstream = upstream } }

    /// What it does from now on; nil: passes everything.
    public func set(_ fault: ConnectionFault?) { change { $0.fault = fault } }

    /// Resets all connections, once.
    public func cut() { change { $0.cuts += 1 } }

    /// What has gone through so far.
    public var figures: Figures { settings.withLock { $0.figures } }

    /// Resets all connections and ends.
    public func stop() async {
        change { $0.isStopped = true }
        for await _ in ended.stream {}
    }

    private func change(_ body: (inout Settings) -> Void) {
        settings.withLock { settings in
            // After the end the descriptor may be another's.
            guard !settings.isStopped else { return }
            body(&settings)
            // A pipe that is full wakes the loop as well.
            var one: UInt8 = 1
            _ = write(wake, &one, 1)
        }
    }

    /// The settings, as the loop reads them; notes its figures.
    func exchange(_ figures: Figures) -> Settings {
        settings.withLock { settings in
            settings.figures = figures
            return settings
        }
    }
}
