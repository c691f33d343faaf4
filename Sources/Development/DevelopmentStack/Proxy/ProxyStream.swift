internal import Glibc

/// One direction of a proxied connection: what was read and is not written yet.
struct ProxyStream {
    private var pieces: [(due: ContinuousClock.Instant, bytes: [UInt8], written: Int)] = []
    private(set) var queued = 0
    /// The reader has ended; the writer is told once all is written.
    var hasEnded = false
    /// The writer was told.
    var isShut = false

    /// More than this is not read ahead of what is written.
    static let limit = 256 << 10

    var wantsMore: Bool { !hasEnded && queued < Self.limit }

    mutating func append(_ bytes: [UInt8], due: ContinuousClock.Instant) {
        guard !bytes.isEmpty else { return }
        pieces.append((due, bytes, 0))
        queued += bytes.count
    }

    /// When the next piece may be written; nil when there is none.
    var nextDue: ContinuousClock.Instant? { pieces.first?.due }

    func isReady(_ now: ContinuousClock.Instant) -> Bool { nextDue.map { $0 <= now } ?? (hasEnded && !isShut) }

    /// Writes what is due, at most so many bytes.
    ///
    /// - Returns: how many were written; nil when the peer is gone.
    mutating func write(to descriptor: Int32, now: ContinuousClock.Instant, atMost allowance: Int) -> Int? {
        var total = 0
        while total < allowance, let first = pieces.first, first.due <= now {
            let count = min(first.bytes.count - first.written, allowance - total)
            let sent = first.bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress?.advanced(by: first.written), count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return errno == EAGAIN || errno == EINTR || errno == EINPROGRESS ? total : nil }
            total += sent
            queued -= sent
            pieces[0].written += sent
            if pieces[0].written == first.bytes.count { pieces.removeFirst() }
        }
        if pieces.isEmpty, hasEnded, !isShut {
            isShut = true
            shutdown(descriptor, Int32(SHUT_WR))
        }
        return total
    }
}
