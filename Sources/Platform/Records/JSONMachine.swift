/// A validating automaton for JSON (RFC 8259) that can stop after any byte and go on with the next.
///
/// It builds nothing: it only knows what may come next and how deep it is. Everything hot is inside ``run(_:_:_:floor:)``.
struct JSONMachine {
    enum State: UInt8 {
        case value, valueOrEnd, keyOrEnd, key, colon, commaOrEnd, done
        case string, escape, hex1, hex2, hex3, hex4
        case minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
        case literal
    }

    private(set) var state = State.value
    private(set) var depth = 0
    /// Whether the string being read is a key.
    private(set) var isKey = false
    /// One bit per open container, the innermost lowest: set for objects.
    private var containers: UInt128 = 0
    /// The bytes of `true`, `false` or `null` still to come, the next lowest.
    private var literal: UInt32 = 0
    private let maximumDepth: Int

    init(maximumDepth: Int) { self.maximumDepth = min(maximumDepth, 127) }

    /// Whether the innermost open container is an object.
    var isInObject: Bool { containers & 1 == 1 }

    /// Consumes bytes until a value at depth `floor` is complete or the bytes end.
    ///
    /// - Parameters:
    ///   - base: The bytes.
    ///   - index: The next byte; advanced past what was consumed. A number ends before the byte after it.
    ///   - end: The number of bytes.
    ///   - floor: The depth at which a completed value ends the run; -1 for none.
    /// - Returns: Whether such a value was completed; else all bytes were consumed.
    /// - Throws: ``RecordError`` whose offset counts from `base`.
    mutating func run(_ base: UnsafeRawPointer, _ index: inout Int, _ end: Int, floor: Int) throws(RecordError) -> Bool {
        var i = index
        defer { index = i }
        while i < end {
            switch state {
            case .string:
                i = Self.endOfPlainText(base, i, end)
                if i == end { return false }
                let byte = base.load(fromByteOffset: i, as: UInt8.self)
                i &+= 1
                if byte == UInt8(ascii: "\"") {
                    if isKey {
                        state = .colon
                    } else if try complete(floor) {
                        return true
                    }
                } else if byte == UInt8(ascii: "\\") {
                    state = .escape
                } else {
                    throw RecordError(.malformed("control character in a string"), at: i &- 1)
                }
            case .value, .valueOrEnd, .keyOrEnd, .key, .colon, .commaOrEnd, .done:
                let byte = base.load(fromByteOffset: i, as: UInt8.self)
                if byte <= 0x20 {
                    guard Self.isWhiteSpace(byte) else { throw RecordError(.malformed("unexpected control character"), at: i) }
                    i &+= 1
                } else if try structure(byte, i, floor) {
                    i &+= 1
                    return true
                } else {
                    i &+= 1
                }
            case .minus, .zero, .integer, .point, .fraction, .exponent, .exponentSign, .exponentDigits:
                // A number is over at the first byte that doesn't continue it; that byte is not consumed.
                if try number(base, &i, end), try complete(floor) { return true }
            case .escape, .hex1, .hex2, .hex3, .hex4:
                try escape(base.load(fromByteOffset: i, as: UInt8.self), i)
                i &+= 1
            case .literal:
                guard base.load(fromByteOffset: i, as: UInt8.self) == UInt8(truncatingIfNeeded: literal) else {
                    throw RecordError(.malformed("unknown literal"), at: i)
                }
                i &+= 1
                literal >>= 8
                if literal == 0, try complete(floor) { return true }
            }
        }
        return false
    }

    /// Ends the input.
    ///
    /// - Throws: ``RecordError`` when the document isn't complete.
    mutating func finish(at offset: Int) throws(RecordError) {
        switch state {
        case .zero, .integer, .fraction, .exponentDigits: _ = try complete(-1)
        default: break
        }
        if state != .done { throw RecordError(.truncated, at: offset) }
    }

    /// Handles a byte between tokens or the first byte of one.
    @inline(__always)
    private mutating func structure(_ byte: UInt8, _ i: Int, _ floor: Int) throws(RecordError) -> Bool {
        switch byte {
        case UInt8(ascii: "\""):
            switch state {
            case .value, .valueOrEnd: isKey = false
            case .key, .keyOrEnd: isKey = true
            default: throw unexpected(byte, i)
            }
            state = .string
        case UInt8(ascii: ","):
            guard state == .commaOrEnd else { throw unexpected(byte, i) }
            state = isInObject ? .key : .value
        case UInt8(ascii: ":"):
            guard state == .colon else { throw unexpected(byte, i) }
            state = .value
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard state == .value || state == .valueOrEnd else { throw unexpected(byte, i) }
            guard depth < maximumDepth else { throw RecordError(.tooDeep(limit: maximumDepth), at: i) }
            depth &+= 1
            containers = containers &<< 1 | (byte == UInt8(ascii: "{") ? 1 : 0)
            state = byte == UInt8(ascii: "{") ? .keyOrEnd : .valueOrEnd
        case UInt8(ascii: "}"):
            guard isInObject, state == .commaOrEnd || state == .keyOrEnd else { throw unexpected(byte, i) }
            return try close(floor)
        case UInt8(ascii: "]"):
            guard !isInObject, state == .commaOrEnd || state == .valueOrEnd, depth > 0 else { throw unexpected(byte, i) }
            return try close(floor)
        default:
            guard state == .value || state == .valueOrEnd else { throw unexpected(byte, i) }
            try scalar(byte, i)
        }
        return false
    }

    private mutating func close(_ floor: Int) throws(RecordError) -> Bool {
        depth &-= 1
        containers = containers &>> 1
        return try complete(floor)
    }

    private mutating func scalar(_ byte: UInt8, _ i: Int) throws(RecordError) {
        switch byte {
        case UInt8(ascii: "1")...UInt8(ascii: "9"): state = .integer
        case UInt8(ascii: "0"): state = .zero
        case UInt8(ascii: "-"): state = .minus
        case UInt8(ascii: "t"): (state, literal) = (.literal, 0x65_7572)
        case UInt8(ascii: "f"): (state, literal) = (.literal, 0x6573_6c61)
        case UInt8(ascii: "n"): (state, literal) = (.literal, 0x6c_6c75)
        default: throw unexpected(byte, i)
        }
    }

    @inline(__always)
    private mutating func complete(_ floor: Int) throws(RecordError) -> Bool {
        state = depth == 0 ? .done : .commaOrEnd
        return depth == floor
    }

    /// Consumes bytes of a number; returns whether it's over.
    private mutating func number(_ base: UnsafeRawPointer, _ i: inout Int, _ end: Int) throws(RecordError) -> Bool {
        while i < end {
            let byte = base.load(fromByteOffset: i, as: UInt8.self)
            let isDigit = byte &- 0x30 < 10
            switch (state, byte) {
            case (.minus, _) where isDigit: state = byte == 0x30 ? .zero : .integer
            case (.integer, _) where isDigit: break
            case (.zero, _) where isDigit: throw RecordError(.malformed("number with a leading zero"), at: i)
            case (.point, _) where isDigit, (.fraction, _) where isDigit: state = .fraction
            case (.exponent, _) where isDigit, (.exponentSign, _) where isDigit, (.exponentDigits, _) where isDigit:
                state = .exponentDigits
            case (.zero, UInt8(ascii: ".")), (.integer, UInt8(ascii: ".")): state = .point
            case (.zero, UInt8(ascii: "e")), (.integer, UInt8(ascii: "e")), (.fraction, UInt8(ascii: "e")): state = .exponent
            case (.zero, UInt8(ascii: "E")), (.integer, UInt8(ascii: "E")), (.fraction, UInt8(ascii: "E")): state = .exponent
            case (.exponent, UInt8(ascii: "+")), (.exponent, UInt8(ascii: "-")): state = .exponentSign
            case (.zero, _), (.integer, _), (.fraction, _), (.exponentDigits, _): return true
            default: throw RecordError(.malformed("incomplete number"), at: i)
            }
            i &+= 1
        }
        return false
    }

    private mutating func escape(_ byte: UInt8, _ i: Int) throws(RecordError) {
        if state == .escape {
            switch byte {
            case UInt8(ascii: "u"): state = .hex1
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"),
                UInt8(ascii: "r"), UInt8(ascii: "t"):
                state = .string
            default: throw RecordError(.malformed("unknown escape"), at: i)
            }
            return
        }
        guard byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6 else {
            throw RecordError(.malformed("\\u without four digits"), at: i)
        }
        switch state {
        case .hex1: state = .hex2
        case .hex2: state = .hex3
        case .hex3: state = .hex4
        default: state = .string
        }
    }

    private func unexpected(_ byte: UInt8, _ i: Int) -> RecordError {
        if state == .done { return RecordError(.malformed("more text after the document's end"), at: i) }
        return RecordError(.malformed("unexpected byte 0x\(String(byte, radix: 16))"), at: i)
    }

    @inline(__always)
    static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    /// The first byte from `start` that is a quote, a backslash or a control character, eight bytes at a time.
    @inline(__always)
    static func endOfPlainText(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var i = start
        while i &+ 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            // Borrows can only mark bytes above the first true one, which is the lowest and the only one looked at.
            let quote = (word ^ (ones &* 0x22)) &- ones
            let backslash = (word ^ (ones &* 0x5c)) &- ones
            let marks =
                (quote & ~(word ^ (ones &* 0x22)) | backslash & ~(word ^ (ones &* 0x5c)) | (word &- (ones &* 0x20)) & ~word)
                & highs
            if marks != 0 { return i &+ marks.trailingZeroBitCount / 8 }
            i &+= 8
        }
        while i < end {
            let byte = base.load(fromByteOffset: i, as: UInt8.self)
            if byte == 0x22 || byte == 0x5c || byte < 0x20 { return i }
            i &+= 1
        }
        return end
    }
}
