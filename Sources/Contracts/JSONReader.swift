/// Reads JSON in UTF-8 (RFC 8259) from bytes that anybody may have written.
///
/// Foundation's decoder is not let near them: where bytes end right after the 513th opening bracket it traps (Swift 6.3), and
/// every value of unknown shape that it is asked for costs several thrown errors, each with the whole path to it, so that a
/// message of many deep lists takes seconds. This one takes time in proportion to the bytes, whatever they say.
struct JSONReader {
    /// The deepest nesting that is read; each level costs stack.
    static let maximumDepth = 128

    private let bytes: [UInt8]
    private var place = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads a whole document.
    ///
    /// Of members with the same name the last counts. A number without a fraction that fits 64 bits is an integer, however it
    /// is written.
    static func read(_ bytes: [UInt8]) throws(ContractError) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.place == bytes.count else { throw reader.unexpected }
        return value
    }

    // MARK: Bytes

    /// The byte at the present place; nil at the end.
    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    /// What is wrong with the byte at the present place.
    private var unexpected: ContractError {
        if let next, next == 0 || next >= 0x80 { .malformed("not JSON in UTF-8") } else { .malformed("not JSON") }
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func take(_ byte: UInt8) throws(ContractError) {
        guard next == byte else { throw unexpected }
        place += 1
    }

    private mutating func takes(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(ContractError) -> JSONValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try text())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(ContractError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount { try take(word.utf8Start[index]) }
        return value
    }

    private func check(_ depth: Int) throws(ContractError) {
        if depth > Self.maximumDepth { throw .malformed("nested deeper than \(Self.maximumDepth) levels") }
    }

    private mutating func object(depth: Int) throws(ContractError) -> JSONValue {
        try check(depth)
        place += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if takes(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            let name = try text()
            skipSpace()
            try take(UInt8(ascii: ":"))
            members[name] = try value(depth: depth)
            skipSpace()
        } while takes(UInt8(ascii: ","))
        try take(UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func array(depth: Int) throws(ContractError) -> JSONValue {
        try check(depth)
        place += 1
        var elements: [JSONValue] = []
        skipSpace()
        if takes(UInt8(ascii: "]")) { return .array(elements) }
        repeat {
            elements.append(try value(depth: depth))
            skipSpace()
        } while takes(UInt8(ascii: ","))
        try take(UInt8(ascii: "]"))
        return .array(elements)
    }

    // MARK: Numbers

    private mutating func number() throws(ContractError) -> JSONValue {
        let start = place
        _ = takes(UInt8(ascii: "-"))
        if !takes(UInt8(ascii: "0")) { try digits() }
        var isPlain = true
        if takes(UInt8(ascii: ".")) {
            isPlain = false
            try digits()
        }
        if takes(UInt8(ascii: "e")) || takes(UInt8(ascii: "E")) {
            isPlain = false
            if !takes(UInt8(ascii: "+")) { _ = takes(UInt8(ascii: "-")) }
            try digits()
        }
        // No number that anybody means is longer, and reading one takes longer than its length.
        guard place - start <= 1100 else { throw .malformed("a number of \(place - start) digits") }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if isPlain, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw .malformed("a number that is too large") }
        return Int64(exactly: number).map { .integer($0) } ?? .number(number)
    }

    private mutating func digits() throws(ContractError) {
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        guard place > start else { throw unexpected }
    }

    // MARK: Texts

    private mutating func text() throws(ContractError) -> String {
        try take(UInt8(ascii: "\""))
        let start = place
        while let byte = next, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") { return try escapedText(from: start) }
            guard byte >= 0x20 else { throw unexpected }
            place += 1
        }
        let end = place
        try take(UInt8(ascii: "\""))
        guard let text = String(validating: bytes[start..<end], as: UTF8.self) else { throw .malformed("not JSON in UTF-8") }
        return text
    }

    private mutating func escapedText(from start: Int) throws(ContractError) -> String {
        var units = Array(bytes[start..<place])
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw unexpected }
            place += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &units) } else { units.append(byte) }
        }
        try take(UInt8(ascii: "\""))
        guard let text = String(validating: units, as: UTF8.self) else { throw .malformed("not JSON in UTF-8") }
        return text
    }

    private mutating func escape(into units: inout [UInt8]) throws(ContractError) {
        let byte = next
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte ?? 0)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"): units.append(contentsOf: UTF8.encode(try escapedScalar()) ?? UTF8.encodedReplacementCharacter)
        default: throw .malformed("not JSON")
        }
    }

    private mutating func escapedScalar() throws(ContractError) -> Unicode.Scalar {
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // Half of a surrogate pair: the other half must follow.
        guard (0xD800...0xDBFF).contains(unit), takes(UInt8(ascii: "\\")), takes(UInt8(ascii: "u")) else {
            throw .malformed("half of a surrogate pair")
        }
        let low = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(low), let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else {
            throw .malformed("half of a surrogate pair")
        }
        return scalar
    }

    private mutating func hexadecimal() throws(ContractError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt32
            switch next {
            case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): digit = UInt32(byte) - 0x30
            case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte): digit = UInt32(byte) - 0x57
            case .some(let byte) where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte): digit = UInt32(byte) - 0x37
            default: throw .malformed("not JSON")
            }
            unit = unit << 4 | digit
            place += 1
        }
        return unit
    }
}
