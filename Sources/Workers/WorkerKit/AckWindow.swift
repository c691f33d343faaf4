/// Which offsets of a partition are done: all below `base`, and some beyond it.
///
/// The base is what is committed; the rest rides in the commit's metadata as text, `w1:` and a bitmap in base64url.
/// 1. `base` never goes back.
/// 2. An offset that was never delivered (a transaction marker, a compacted record) counts as done once a higher one was
///    delivered.
/// 3. Decoding what `encode` wrote gives the same done offsets; anything else decodes to none.
public struct AckWindow: Sendable, Hashable {
    /// The lowest offset that is not done; what a commit says.
    public private(set) var base: Int64
    /// Done offsets beyond the base.
    private var done: Set<Int64> = []
    /// Delivered offsets that are not done, the lowest of which is the base once something was delivered.
    private var open: Set<Int64> = []
    private var highest: Int64

    /// The bitmap's reach beyond the base, offsets. 1200 bits become 200 characters of the 4096 that a broker keeps.
    public static let reach: Int64 = 1200

    /// A window at a committed offset with the metadata that was beside it.
    public init(base: Int64, metadata: String = "") {
        self.base = base
        highest = base - 1
        for bit in Self.decode(metadata) {
            done.insert(base + bit)
        }
    }

    /// Whether an offset needs no run: it is done.
    public func isDone(_ offset: Int64) -> Bool { offset < base || done.contains(offset) }

    /// Whether an offset was delivered and isn't done.
    public func isOpen(_ offset: Int64) -> Bool { open.contains(offset) }

    /// Notes a delivered offset that is to be run; false when it is known or done already.
    public mutating func start(_ offset: Int64) -> Bool {
        guard !isDone(offset), !open.contains(offset) else {
            highest = max(highest, offset)
            advance()
            return false
        }
        open.insert(offset)
        highest = max(highest, offset)
        return true
    }

    /// Notes that an offset is done.
    public mutating func finish(_ offset: Int64) {
        guard open.remove(offset) != nil else { return }
        done.insert(offset)
        advance()
    }

    /// Forgets an offset that was delivered but never run, so that it can be delivered again.
    public mutating func forget(_ offset: Int64) {
        open.remove(offset)
        // What is forgotten comes again: it must not count as delivered when the base looks for its next place.
        highest = max(base - 1, open.max() ?? base - 1, done.max() ?? base - 1)
    }

    /// Notes that everything below an offset was delivered: what of it isn't open never had a record, or is done.
    public mutating func reach(_ offset: Int64) {
        highest = max(highest, offset - 1)
        advance()
    }

    private mutating func advance() {
        // Everything delivered is done: the next offset to come is the base.
        base = max(base, open.min() ?? (highest + 1))
        done = done.filter { $0 >= base }
    }

    /// Done offsets beyond the base.
    public var doneBeyondBase: Int { done.count }

    /// How far the highest done offset lies beyond the base.
    public var spread: Int64 { (done.max() ?? base) - base }

    // MARK: Metadata

    /// The text for the commit's metadata; empty when nothing beyond the base is done.
    public func encode() -> String {
        guard let last = done.max(), last - base < Self.reach else { return "" }
        var bytes = [UInt8](repeating: 0, count: Int((last - base) / 8) + 1)
        for offset in done {
            let bit = Int(offset - base)
            bytes[bit / 8] |= 1 << UInt8(bit % 8)
        }
        return "w1:" + Base64URL.encode(bytes)
    }

    private static func decode(_ metadata: String) -> [Int64] {
        guard metadata.hasPrefix("w1:"), metadata.utf8.count <= 256, let bytes = Base64URL.decode(metadata.dropFirst(3)) else {
            return []
        }
        var bits: [Int64] = []
        for (index, byte) in bytes.enumerated() {
            for bit in 0..<8 where byte & (1 << UInt8(bit)) != 0 { bits.append(Int64(index * 8 + bit)) }
        }
        return bits
    }
}

/// Base64 with the alphabet for names and without padding (RFC 4648, section 5).
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count)) & 63])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
