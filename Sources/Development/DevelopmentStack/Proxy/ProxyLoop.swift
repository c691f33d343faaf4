internal import Glibc
internal import Rehearsal

/// The work of a proxy's thread.
struct ProxyLoop {
    private let listener: Int32
    private let wake: Int32
    private let speaksHTTP: Bool
    private var random: SeededRandom
    private var connections: [ProxyConnection] = []
    private var figures = FaultProxy.Figures()
    /// Whose loop this is while it runs.
    private var proxy: FaultProxy?
    private var fault: ConnectionFault?
    private var cuts = 0
    /// Bytes that may go through now, while there is a limit to them.
    private var allowance = Int.max
    private var filled = ContinuousClock.now
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(listener: Int32, wake: Int32, speaksHTTP: Bool, seed: UInt64) {
        self.listener = listener
        self.wake = wake
        self.speaksHTTP = speaksHTTP
        random = SeededRandom(seed: seed)
    }

    mutating func run(_ proxy: FaultProxy) {
        self.proxy = proxy
        defer { self.proxy = nil }
        while true {
            fillAllowance()
            var polled = descriptors()
            poll(&polled, nfds_t(polled.count), timeout())
            var ignored: UInt64 = 0
            while read(wake, &ignored, 8) > 0 {}
            // After the wait: what comes after a fault was set meets that fault.
            let settings = proxy.exchange(figures)
            if settings.isStopped { break }
            if apply(settings) { continue }
            if polled[1].revents != 0 { accept(settings.upstream) }
            move(polled)
            _ = proxy.exchange(figures)
        }
        for connection in connections { drop(connection) }
        close(listener)
    }

    /// - Returns: whether all connections were cut, so that what was waited for is gone.
    private mutating func apply(_ settings: FaultProxy.Settings) -> Bool {
        let isNew = settings.fault != fault
        fault = settings.fault
        let mustCut = settings.cuts != cuts || (isNew && fault == .refuse)
        cuts = settings.cuts
        if mustCut {
            figures.broken += connections.count
            publish()
            for connection in connections { drop(connection) }
            connections = []
        }
        if isNew, case .throttle = fault { allowance = 0 } else if isNew { allowance = .max }
        return mustCut
    }

    /// Tells the figures before a peer can see a fault that they count: whoever sees it finds it counted.
    private func publish() { _ = proxy?.exchange(figures) }

    private mutating func fillAllowance() {
        let now = ContinuousClock.now
        defer { filled = now }
        guard case .throttle(let rate) = fault else { return }
        allowance = min(max(1, rate / 10), allowance + Int(Double(rate) * (filled.duration(to: now) / .seconds(1))))
    }

    private var isHolding: Bool { fault == .hold || allowance <= 0 }

    private func timeout() -> Int32 {
        if case .throttle = fault { return 20 }
        guard fault != .hold else { return 200 }
        let now = ContinuousClock.now
        let due = connections.flatMap { [$0.toServer.nextDue, $0.toClient.nextDue, $0.closesAt] }.compactMap { $0 }.filter {
            $0 > now
        }
        guard let next = due.min() else { return 200 }
        return Int32(max(1, min(200, now.duration(to: next) / .milliseconds(1) + 1)))
    }

    /// What to wait for: the wake-up, the listener, then two for each connection.
    private func descriptors() -> [pollfd] {
        let now = ContinuousClock.now
        var all = [
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0), pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        ]
        for connection in connections {
            all.append(wait(connection.client, connection.toServer.wantsMore, connection.toClient.isReady(now)))
            all.append(wait(connection.server, connection.toClient.wantsMore, connection.toServer.isReady(now)))
        }
        return all
    }

    private func wait(_ descriptor: Int32, _ reads: Bool, _ writes: Bool) -> pollfd {
        let events = (reads ? Int16(POLLIN) : 0) | (writes ? Int16(POLLOUT) : 0)
        // A peer that hung up would be reported again and again although nothing is wanted of it.
        return pollfd(fd: isHolding || events == 0 ? -1 : descriptor, events: events, revents: 0)
    }

    private mutating func accept(_ upstream: Int?) {
        while let client = LoopbackSocket.accept(listener) {
            figures.connections += 1
            guard fault != .refuse, let upstream, let server = LoopbackSocket.connect(port: upstream) else {
                figures.broken += 1
                publish()
                LoopbackSocket.reset(client)
                continue
            }
            connections.append(ProxyConnection(client: client, server: server, speaksHTTP: speaksHTTP))
        }
    }

    private func drop(_ connection: ProxyConnection) {
        LoopbackSocket.reset(connection.client)
        LoopbackSocket.reset(connection.server)
    }

    // MARK: Bytes

    private mutating func move(_ polled: [pollfd]) {
        guard !isHolding else { return }
        var kept: [ProxyConnection] = []
        kept.reserveCapacity(connections.count)
        let now = ContinuousClock.now
        for (index, connection) in connections.enumerated() {
            var connection = connection
            // Connections that came after the wait have nothing to tell yet.
            let slot = 2 + 2 * index
            let events = slot + 1 < polled.count ? (polled[slot].revents, polled[slot + 1].revents) : (0, 0)
            let isAlive = serve(&connection, events.0, events.1, now)
            if isAlive, !connection.isOver, connection.closesAt.map({ $0 > now }) ?? true {
                kept.append(connection)
            } else if isAlive {
                close(connection.client)
                close(connection.server)
            } else {
                figures.broken += 1
                publish()
                drop(connection)
            }
        }
        connections = kept
    }

    /// Reads and writes what can be; false when the connection must break.
    private mutating func serve(
        _ connection: inout ProxyConnection, _ client: Int16, _ server: Int16, _ now: ContinuousClock.Instant
    ) -> Bool {
        let due = if case .delay(let milliseconds) = fault { now.advanced(by: .milliseconds(milliseconds)) } else { now }
        let readable = Int16(POLLIN) | Int16(POLLHUP) | Int16(POLLERR)
        if client & readable != 0, connection.toServer.wantsMore {
            switch receive(connection.client) {
            case .bytes(let bytes):
                let (percent, faults) = if case .answer(let percent, let faults) = fault { (percent, faults) } else { (0, []) }
                var random = random
                var struck = 0
                connection.received(fromClient: bytes, due: due) { method in
                    guard !faults.isEmpty, random.number(in: 0...99) < percent else { return nil }
                    let chosen = faults[random.number(in: 0...(faults.count - 1))]
                    if chosen == .outOfSpace, method != "PUT", method != "POST" { return nil }
                    struck += 1
                    return chosen
                }
                self.random = random
                figures.requestsStruck += struck
                if struck > 0 { publish() }
            case .end: connection.toServer.hasEnded = true
            case .nothing: break
            case .broken: return false
            }
        }
        if server & readable != 0, connection.toClient.wantsMore {
            switch receive(connection.server) {
            case .bytes(let bytes): if !connection.received(fromServer: bytes, due: due) { return false }
            case .end: connection.toClient.hasEnded = true
            case .nothing: break
            case .broken: return false
            }
        }
        for isToServer in [true, false] {
            let written =
                isToServer
                ? connection.toServer.write(to: connection.server, now: now, atMost: allowance)
                : connection.toClient.write(to: connection.client, now: now, atMost: allowance)
            guard let written else { return false }
            figures.bytes += written
            if allowance != .max { allowance -= written }
        }
        return true
    }

    private enum Received {
        case bytes([UInt8])
        case end
        case nothing
        case broken
    }

    private mutating func receive(_ descriptor: Int32) -> Received {
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 { return .bytes(Array(buffer[..<count])) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .nothing : .broken
    }
}
