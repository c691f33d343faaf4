/// What is looked at before a JSON decoder may see bytes from outside.
///
/// Foundation's scanner refuses more than 512 levels by itself, but where the bytes end right after the 513th opening bracket
/// it traps instead of throwing (Swift 6.3); and each level of `JSONValue` costs stack.
public enum JSONBounds {
    /// The deepest nesting that is read.
    public static let maximumDepth = 128

    /// Refuses bytes that nest deeper than allowed, or that can't be JSON in UTF-8.
    ///
    /// Brackets are counted whether they match or not: what is malformed is the decoder's to refuse. UTF-16 and UTF-32, which
    /// Foundation would read too, hold zero bytes, and those can't be in JSON in UTF-8.
    public static func check(_ bytes: [UInt8]) throws(ContractError) {
        var depth = 0
        var deepest = 0
        var isInString = false
        var isEscaped = false
        var hasZero = false
        bytes.withUnsafeBufferPointer { bytes in
            for byte in bytes {
                if byte == 0 { hasZero = true }
                if isEscaped {
                    isEscaped = false
                } else if isInString {
                    if byte == UInt8(ascii: "\\") { isEscaped = true } else if byte == UInt8(ascii: "\"") { isInString = false }
                } else {
                    switch byte {
                    case UInt8(ascii: "\""): isInString = true
                    case UInt8(ascii: "["), UInt8(ascii: "{"):
                        depth += 1
                        deepest = max(deepest, depth)
                    case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
                    default: break
                    }
                }
            }
        }
        if hasZero { throw .malformed("not JSON in UTF-8") }
        if deepest > maximumDepth { throw .malformed("nested deeper than \(maximumDepth) levels") }
    }
}
