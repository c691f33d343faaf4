internal import Glibc

/// Decodes JSON strings.
enum JSONString {
    /// The text of a quoted string; nil when the value is no string or no valid Unicode.
    static func text(_ value: UnsafeRawBufferPointer) -> String? {
        guard value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") else { return nil }
        let inner = UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)])
        guard let base = inner.baseAddress, memchr(base, Int32(UInt8(ascii: "\\")), inner.count) != nil else {
            return String(validating: inner, as: UTF8.self)
        }
        return decode(inner).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The UTF-8 of a string's inside with its escapes decoded; nil when an escape is wrong or half a surrogate pair.
    static func decode(_ inner: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var iterator = inner.makeIterator()
        var highSurrogate: UInt32?
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "\\") else {
                if highSurrogate != nil { return nil }
                result.append(byte)
                continue
            }
            guard let kind = iterator.next() else { return nil }
            if kind == UInt8(ascii: "u") {
                var unit: UInt32 = 0
                for _ in 0..<4 {
                    guard let digit = iterator.next(), let value = Character(Unicode.Scalar(digit)).hexDigitValue else {
                        return nil
                    }
                    unit = unit << 4 | UInt32(value)
                }
                var scalar = unit
                switch (highSurrogate, unit) {
                case (nil, 0xd800..<0xdc00):
                    highSurrogate = unit
                    continue
                case (let high?, 0xdc00..<0xe000):
                    scalar = 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00)
                    highSurrogate = nil
                case (nil, _): break
                default: return nil
                }
                guard let scalar = Unicode.Scalar(scalar) else { return nil }
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                guard highSurrogate == nil, let plain = simpleEscape(kind) else { return nil }
                result.append(plain)
            }
        }
        return highSurrogate == nil ? result : nil
    }

    private static func simpleEscape(_ kind: UInt8) -> UInt8? {
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): kind
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }
}
