/// A fast 64-bit hash of what a JSON value says, however it is laid out: white space between its parts doesn't count, nor does the
/// order of an object's members. The bytes of numbers and strings do, so `1.0` is not `1`.
///
/// Like ``ContentHash`` it answers "is this probably the same?" and is not cryptographic.
public struct JSONContentHash {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    /// No accepted record is deeper.
    private static let maximumDepth = 128

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Returns the hash of a JSON value.
    ///
    /// - Parameters:
    ///   - bytes: The value; white space around it is skipped.
    ///   - omitted: The path of a member that doesn't count; arrays on the way are passed through, so that `["a", "b"]` is `b` of
    ///     `a` and of every element of `a`. Names are compared as they are written.
    /// - Returns: Nil for what is no JSON value.
    public static func of(_ bytes: UnsafeRawBufferPointer, omitting omitted: [String] = []) -> UInt64? {
        var reader = JSONContentHash(bytes)
        let names = omitted.map { Array($0.utf8) }
        guard let hash = reader.value(names[...], depth: 0) else { return nil }
        reader.skipSpace()
        return reader.at == bytes.count ? hash : nil
    }

    private mutating func value(_ omitted: ArraySlice<[UInt8]>, depth: Int) -> UInt64? {
        guard depth < Self.maximumDepth else { return nil }
        skipSpace()
        guard at < bytes.count else { return nil }
        switch bytes[at] {
        case UInt8(ascii: "{"): return object(omitted, depth: depth)
        case UInt8(ascii: "["): return array(omitted, depth: depth)
        case UInt8(ascii: "\""): return string().map { ContentHash.of($0) }
        default: return plain().map { ContentHash.of($0) }
        }
    }

    /// Members add up, so that their order doesn't matter.
    private mutating func object(_ omitted: ArraySlice<[UInt8]>, depth: Int) -> UInt64? {
        at += 1
        var sum: UInt64 = 0
        var isFirst = true
        while true {
            skipSpace()
            guard at < bytes.count else { return nil }
            if bytes[at] == UInt8(ascii: "}") {
                at += 1
                return ContentHash.mix(sum ^ 0x7b, sum &+ 0x7d)
            }
            if !isFirst {
                guard skip(UInt8(ascii: ",")) else { return nil }
                skipSpace()
            }
            isFirst = false
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\""), let name = string() else { return nil }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { return nil }
            let isOnPath = omitted.first.map { isName(name, $0) } ?? false
            guard let hash = value(isOnPath ? omitted.dropFirst() : [], depth: depth + 1) else { return nil }
            if isOnPath, omitted.count == 1 { continue }
            sum &+= ContentHash.mix(ContentHash.of(name) ^ 0x3a, hash)
        }
    }

    private mutating func array(_ omitted: ArraySlice<[UInt8]>, depth: Int) -> UInt64? {
        at += 1
        var hash: UInt64 = 0x5b
        var isFirst = true
        while true {
            skipSpace()
            guard at < bytes.count else { return nil }
            if bytes[at] == UInt8(ascii: "]") {
                at += 1
                return ContentHash.mix(hash ^ 0x5d, hash &+ 0x5b)
            }
            if !isFirst { guard skip(UInt8(ascii: ",")) else { return nil } }
            isFirst = false
            guard let element = value(omitted, depth: depth + 1) else { return nil }
            hash = ContentHash.mix(hash &+ 0x2c, element) &+ element
        }
    }

    /// A string with its quotes.
    private mutating func string() -> UnsafeRawBufferPointer? {
        let start = at
        at += 1
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\\"): at += 2
            case UInt8(ascii: "\""):
                at += 1
                return UnsafeRawBufferPointer(rebasing: bytes[start..<at])
            default: at += 1
            }
        }
        return nil
    }

    /// A number or a word.
    private mutating func plain() -> UnsafeRawBufferPointer? {
        let start = at
        loop: while at < bytes.count {
            switch bytes[at] {
            case 0x09...0x0d, 0x20, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"), UInt8(ascii: "{"),
                UInt8(ascii: "["), UInt8(ascii: "\""):
                break loop
            default: at += 1
            }
        }
        return at > start ? UnsafeRawBufferPointer(rebasing: bytes[start..<at]) : nil
    }

    private func isName(_ quoted: UnsafeRawBufferPointer, _ name: [UInt8]) -> Bool {
        quoted.count == name.count + 2 && quoted.dropFirst().dropLast().elementsEqual(name)
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || (0x09...0x0d).contains(bytes[at]) { at += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }
}
