/// Finds single fields of a JSON object without decoding the rest.
public enum RecordScanner {
    /// Returns the bytes of a field's value at the top level of an object.
    ///
    /// It stops at the field, so fields that come early cost little. Damaged JSON gives nil, never a wrong reading out of
    /// bounds.
    ///
    /// - Parameters:
    ///   - key: The field's name. Of a repeated name the first counts.
    ///   - object: The object's bytes; white space around it is fine.
    /// - Returns: Nil when there's no such field.
    public static func value(of key: String, in object: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let base = object.baseAddress else { return nil }
        var key = key
        return key.withUTF8 { name in find(name, base, object.count) }
    }

    /// Hands over the bytes of each element of an array, in order; it stops where the array is damaged.
    ///
    /// - Parameter array: The array's bytes; white space around it is fine. Anything else has no elements.
    public static func forEachElement(of array: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard let base = array.baseAddress else { return }
        let end = array.count
        var i = skipWhiteSpace(base, 0, end)
        guard i < end, byte(base, i) == UInt8(ascii: "[") else { return }
        repeat {
            i = skipWhiteSpace(base, i + 1, end)
            let start = i
            var machine = JSONMachine(maximumDepth: 127)
            guard i < end, let isComplete = try? machine.run(base, &i, end, floor: 0), isComplete else { return }
            body(UnsafeRawBufferPointer(start: base + start, count: i - start))
            i = skipWhiteSpace(base, i, end)
        } while i < end && byte(base, i) == UInt8(ascii: ",")
    }

    /// Hands over each field at the top level of an object, in order: its name, escapes decoded, and the bytes of its value.
    ///
    /// - Parameters:
    ///   - object: The object's bytes; white space around it is fine.
    ///   - field: Called for each field; the bytes are valid during the call only.
    /// - Returns: false when the object is damaged, after the fields before the damage.
    @discardableResult
    public static func fields(
        of object: UnsafeRawBufferPointer, _ field: (String, UnsafeRawBufferPointer) throws -> Void
    ) rethrows -> Bool {
        guard let base = object.baseAddress else { return false }
        let end = object.count
        var i = skipWhiteSpace(base, 0, end)
        guard i < end, byte(base, i) == UInt8(ascii: "{") else { return false }
        i = skipWhiteSpace(base, i + 1, end)
        if i < end, byte(base, i) == UInt8(ascii: "}") { return true }
        while true {
            guard i < end, byte(base, i) == UInt8(ascii: "\""), let keyEnd = endOfString(base, i + 1, end) else { return false }
            let name = UnsafeRawBufferPointer(start: base + i, count: keyEnd + 1 - i)
            i = skipWhiteSpace(base, keyEnd + 1, end)
            guard i < end, byte(base, i) == UInt8(ascii: ":") else { return false }
            i = skipWhiteSpace(base, i + 1, end)
            let start = i
            var machine = JSONMachine(maximumDepth: 127)
            guard i < end, let isComplete = try? machine.run(base, &i, end, floor: 0), isComplete else { return false }
            if let name = JSONString.text(name) {
                try field(name, UnsafeRawBufferPointer(start: base + start, count: i - start))
            }
            i = skipWhiteSpace(base, i, end)
            guard i < end else { return false }
            if byte(base, i) == UInt8(ascii: "}") { return true }
            guard byte(base, i) == UInt8(ascii: ",") else { return false }
            i = skipWhiteSpace(base, i + 1, end)
        }
    }

    /// Checks that bytes are exactly one JSON object.
    ///
    /// - Parameter bytes: The bytes; white space around the object is fine.
    /// - Throws: ``RecordError`` when they are not.
    public static func checkObject(_ bytes: [UInt8]) throws(RecordError) {
        let damage = bytes.withUnsafeBytes { buffer -> RecordError? in
            do throws(RecordError) {
                try checkObject(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let damage { throw damage }
    }

    private static func checkObject(_ bytes: UnsafeRawBufferPointer) throws(RecordError) {
        guard let base = bytes.baseAddress else { throw RecordError(.truncated, at: 0) }
        let start = skipWhiteSpace(base, 0, bytes.count)
        if start < bytes.count && byte(base, start) != UInt8(ascii: "{") { throw RecordError(.unexpectedTopLevel, at: start) }
        var machine = JSONMachine(maximumDepth: 127)
        var index = 0
        while index < bytes.count { _ = try machine.run(base, &index, bytes.count, floor: -1) }
        try machine.finish(at: index)
    }

    private static func find(_ name: UnsafeBufferPointer<UInt8>, _ base: UnsafeRawPointer, _ end: Int) -> UnsafeRawBufferPointer?
    {
        var i = skipWhiteSpace(base, 0, end)
        guard i < end, byte(base, i) == UInt8(ascii: "{") else { return nil }
        i += 1
        while true {
            i = skipWhiteSpace(base, i, end)
            guard i < end, byte(base, i) == UInt8(ascii: "\"") else { return nil }
            guard let keyEnd = endOfString(base, i + 1, end) else { return nil }
            let found = UnsafeRawBufferPointer(start: base + i + 1, count: keyEnd - i - 1)
            i = skipWhiteSpace(base, keyEnd + 1, end)
            guard i < end, byte(base, i) == UInt8(ascii: ":") else { return nil }
            i = skipWhiteSpace(base, i + 1, end)
            let start = i
            var machine = JSONMachine(maximumDepth: 127)
            guard i < end, let isComplete = try? machine.run(base, &i, end, floor: 0), isComplete else { return nil }
            if matches(found, name) { return UnsafeRawBufferPointer(start: base + start, count: i - start) }
            i = skipWhiteSpace(base, i, end)
            guard i < end, byte(base, i) == UInt8(ascii: ",") else { return nil }
            i += 1
        }
    }

    private static func matches(_ raw: UnsafeRawBufferPointer, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        if raw.count == name.count && raw.elementsEqual(name) { return true }
        // An escape takes more bytes than what it stands for.
        guard raw.count > name.count, raw.contains(UInt8(ascii: "\\")), let decoded = JSONString.decode(raw) else { return false }
        return decoded.elementsEqual(name)
    }

    @inline(__always)
    private static func byte(_ base: UnsafeRawPointer, _ i: Int) -> UInt8 { base.load(fromByteOffset: i, as: UInt8.self) }

    private static func skipWhiteSpace(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        var i = start
        while i < end, JSONMachine.isWhiteSpace(byte(base, i)) { i += 1 }
        return i
    }

    /// The position of the quote that ends the string whose text begins at `start`.
    private static func endOfString(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
        var i = start
        while true {
            i = JSONMachine.endOfPlainText(base, i, end)
            guard i < end else { return nil }
            switch byte(base, i) {
            case UInt8(ascii: "\""): return i
            case UInt8(ascii: "\\"): i += 2
            default: return nil
            }
            if i > end { return nil }
        }
    }
}
