import Foundation
import Glibc
import Synchronization

/// A TCP server on a free port of the loopback interface whose answers are scripted byte by byte.
///
/// Each connection gets a thread of its own that runs the script, so a script may block.
public final class RawServer: Sendable {
    private let listener: CInt
    private let counters = Mutex((accepted: 0, open: 0, mostOpen: 0, stopped: false))
    private let connections = Mutex<[Int: RawConnection]>([:])

    /// The port that the server listens on.
    public let port: Int

    /// `http://127.0.0.1:<port>`
    public var url: String { "http://127.0.0.1:\(port)" }

    /// Starts a server; it ends with `stop()`.
    public init(_ script: @escaping @Sendable (RawConnection) throws -> Void) throws {
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard listener >= 0 else { throw RawServerError.system("socket", errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 256) == 0 && getsockname(listener, pointer, &length) == 0
            }
        }
        guard isBound else { throw RawServerError.system("bind", errno) }
        port = Int(UInt16(bigEndian: address.sin_port))
        let thread = Thread { [weak self] in
            // The thread closes what it accepts on: a number that is closed elsewhere may belong to somebody else by the next call.
            defer { close(listener) }
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0, let self else { return }
                self.serve(descriptor, script)
            }
        }
        thread.start()
    }

    deinit { stop() }

    /// The number of connections that were accepted so far.
    public var accepted: Int { counters.withLock { $0.accepted } }

    /// The largest number of connections that were open at once.
    public var mostOpen: Int { counters.withLock { $0.mostOpen } }

    /// Closes the listener and all connections.
    public func stop() {
        let wasStopped = counters.withLock { counters in
            defer { counters.stopped = true }
            return counters.stopped
        }
        guard !wasStopped else { return }
        _ = shutdown(listener, CInt(SHUT_RDWR))
        for connection in connections.withLock({ $0.values }) { connection.interrupt() }
    }

    private func serve(_ descriptor: CInt, _ script: @escaping @Sendable (RawConnection) throws -> Void) {
        let number = counters.withLock { counters in
            counters.accepted += 1
            counters.open += 1
            counters.mostOpen = max(counters.mostOpen, counters.open)
            return counters.accepted
        }
        let connection = RawConnection(descriptor: descriptor, number: number)
        connections.withLock { $0[number] = connection }
        let thread = Thread { [weak self] in
            // What ends a script, usually the peer's disconnect, is what the test looks at from the other side.
            try? script(connection)
            connection.close()
            self?.connections.withLock { $0[number] = nil }
            self?.counters.withLock { $0.open -= 1 }
        }
        thread.start()
    }
}

/// A failure of a scripted server.
public enum RawServerError: Error {
    /// A system call failed with this `errno`.
    case system(String, CInt)
    /// The peer closed the connection.
    case closed
}

/// A request as a scripted server reads it.
public struct RawRequest: Sendable {
    /// The request line, such as `GET / HTTP/1.1`.
    public let line: String
    /// Header lines without their ends.
    public let headers: [String]
    /// The body, with chunked encoding undone.
    public var body: [UInt8]

    /// The value of the first header of a name.
    public func header(_ name: String) -> String? {
        headers.first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }
}

/// One connection of a `RawServer`; only its script's thread reads and writes.
public final class RawConnection: Sendable {
    private let descriptor: CInt
    private let isClosed = Mutex(false)
    private let unread = Mutex<[UInt8]>([])

    /// The number of the connection, counted from 1.
    public let number: Int

    init(descriptor: CInt, number: Int) {
        self.descriptor = descriptor
        self.number = number
    }

    /// Reads a request and its body; nil when the peer has closed the connection between requests.
    public func readRequest(continuing: Bool = true) throws -> RawRequest? {
        guard let request = try readHead() else { return nil }
        if continuing, request.header("Expect")?.lowercased() == "100-continue" { try write("HTTP/1.1 100 Continue\r\n\r\n") }
        return try readBody(of: request)
    }

    /// Reads the head of a request and leaves its body on the line.
    public func readHead() throws -> RawRequest? {
        guard let line = try readLine() else { return nil }
        var headers: [String] = []
        while true {
            guard let header = try readLine() else { throw RawServerError.closed }
            if header.isEmpty { break }
            headers.append(header)
        }
        return RawRequest(line: line, headers: headers, body: [])
    }

    /// Reads the body that a head announces.
    public func readBody(of request: RawRequest) throws -> RawRequest {
        var request = request
        if let length = request.header("Content-Length").flatMap({ Int($0) }) {
            request.body = try read(exactly: length)
        } else if request.header("Transfer-Encoding")?.lowercased() == "chunked" {
            while true {
                guard let line = try readLine(), let size = Int(line, radix: 16) else { throw RawServerError.closed }
                request.body += try read(exactly: size)
                _ = try readLine()
                if size == 0 { break }
            }
        }
        return request
    }

    /// Reads so many bytes.
    public func read(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let more = readSome() else { throw RawServerError.closed }
            bytes += more
        }
        unread.withLock { $0.insert(contentsOf: bytes[count...], at: 0) }
        return Array(bytes.prefix(count))
    }

    /// Writes text.
    public func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// Writes bytes; blocks while the peer doesn't read.
    public func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { throw RawServerError.closed }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes a response with a length.
    public func respond(_ status: String = "200 OK", headers: [String] = [], body: [UInt8] = []) throws {
        let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers
        try write(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    /// Blocks until the peer closes the connection; what it sends until then is dropped.
    public func waitForClose() { while readSome() != nil {} }

    /// Closes the connection with a reset instead of a proper end.
    public func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    func interrupt() {
        isClosed.withLock { isClosed in
            if !isClosed { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
        }
    }

    func close() {
        isClosed.withLock { isClosed in
            if !isClosed { Glibc.close(descriptor) }
            isClosed = true
        }
    }

    private func readLine() throws -> String? {
        var line: [UInt8] = []
        while true {
            guard let bytes = readSome() else {
                if line.isEmpty { return nil }
                throw RawServerError.closed
            }
            line += bytes
            guard let end = line.firstIndex(of: 0x0a) else { continue }
            unread.withLock { $0.insert(contentsOf: line[(end + 1)...], at: 0) }
            return String(decoding: line[..<end].filter { $0 != 0x0d }, as: UTF8.self)
        }
    }

    private func readSome() -> [UInt8]? {
        let kept = unread.withLock { unread in
            defer { unread = [] }
            return unread
        }
        if !kept.isEmpty { return kept }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }
}
