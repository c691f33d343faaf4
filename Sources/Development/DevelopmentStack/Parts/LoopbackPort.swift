internal import Foundation
internal import Glibc
internal import Synchronization

/// Ports of loopback that nobody listens on.
public enum LoopbackPort {
    /// A port that was free a moment ago, and that this process wasn't given before.
    ///
    /// Not one of the system's choice: those are also what connections get, so that in the time until a program listens on it
    /// any connection may have taken it.
    public static func free() throws(DevelopmentError) -> Int {
        for _ in 0..<range.count {
            let port = next.withLock { next in
                defer { next = next + 1 < range.upperBound ? next + 1 : range.lowerBound }
                return next
            }
            if isFree(port) { return port }
        }
        throw DevelopmentError("no free port on 127.0.0.1 between \(range.lowerBound) and \(range.upperBound - 1)")
    }

    /// Starts anywhere, so that processes that search at the same time don't meet.
    private static let next = Mutex(Int.random(in: range))

    /// Below the ports that connections get, where that leaves enough; where the kernel doesn't say which those are, any.
    private static let range: Range<Int> = {
        let text = (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)) ?? ""
        let first = text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? 0
        return first >= 15_000 && first <= 60_000 ? 10_000..<first : 10_000..<60_000
    }()

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
