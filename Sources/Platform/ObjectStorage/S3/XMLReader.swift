/// One element of a small XML document.
struct XMLElement: Equatable {
    var name: String
    /// The text directly inside it.
    var text = ""
    var children: [XMLElement] = []

    /// The first child of a name.
    func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child of a name.
    subscript(name: String) -> String? { first(name)?.text }

    /// All children of a name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// A strict reader for the XML that S3 answers with: elements, attributes (skipped), text, CDATA, comments, the five entities and
/// character references.
///
/// A document type is refused, and with it everything that makes XML dangerous. Size, depth and the number of elements are bounded.
struct XMLReader {
    /// Why a document was refused.
    struct Refusal: Error, Equatable {
        let reason: String
    }

    static let maximumBytes = 8 * 1024 * 1024
    static let maximumDepth = 16

    private var rest: ArraySlice<UInt8>
    private var elementsLeft = 100_000

    /// Reads a document and returns its root element.
    static func read(_ bytes: [UInt8]) throws(Refusal) -> XMLElement {
        guard bytes.count <= maximumBytes else { throw Refusal(reason: "the document is too large") }
        var reader = XMLReader(rest: bytes[...])
        if reader.rest.starts(with: [0xef, 0xbb, 0xbf]) { reader.rest = reader.rest.dropFirst(3) }
        try reader.skipMiscellany()
        let root = try reader.element(depth: 0)
        try reader.skipMiscellany()
        guard reader.rest.isEmpty else { throw Refusal(reason: "there is something behind the root element") }
        return root
    }

    private init(rest: ArraySlice<UInt8>) { self.rest = rest }

    private mutating func element(depth: Int) throws(Refusal) -> XMLElement {
        guard depth < Self.maximumDepth, elementsLeft > 0 else { throw Refusal(reason: "the document is too deep or too long") }
        elementsLeft -= 1
        try expect("<")
        var element = XMLElement(name: try name())
        if try skipAttributes() { return element }
        var text: [UInt8] = []
        while true {
            if take("</") {
                guard try name() == element.name else { throw Refusal(reason: "an element ends under another name") }
                skipSpace()
                try expect(">")
                guard let valid = String(validating: text, as: UTF8.self) else { throw Refusal(reason: "the text is not UTF-8") }
                element.text = valid
                return element
            } else if take("<![CDATA[") {
                text += try upTo("]]>")
            } else if take("<!--") {
                _ = try upTo("-->")
            } else if take("<?") {
                _ = try upTo("?>")
            } else if take("&") {
                text += try reference()
            } else if rest.first == UInt8(ascii: "<") {
                element.children.append(try self.element(depth: depth + 1))
            } else {
                let plain = rest.prefix { $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: "&") }
                guard !plain.isEmpty else { throw Refusal(reason: "the document ends too early") }
                text += plain
                rest = rest.dropFirst(plain.count)
            }
        }
    }

    /// Skips attributes and the end of a start tag; true: the element is empty.
    private mutating func skipAttributes() throws(Refusal) -> Bool {
        while true {
            skipSpace()
            if take("/>") { return true }
            if take(">") { return false }
            _ = try name()
            skipSpace()
            try expect("=")
            skipSpace()
            guard let quote = rest.popFirst(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
                let end = rest.firstIndex(of: quote)
            else { throw Refusal(reason: "an attribute has no quotes") }
            rest = rest[(end + 1)...]
        }
    }

    private mutating func skipMiscellany() throws(Refusal) {
        while true {
            skipSpace()
            if take("<?") {
                _ = try upTo("?>")
            } else if take("<!--") {
                _ = try upTo("-->")
            } else {
                return
            }
        }
    }

    private mutating func reference() throws(Refusal) -> [UInt8] {
        let name = String(decoding: rest.prefix(12).prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        rest = rest.dropFirst(name.utf8.count)
        try expect(";")
        switch name {
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "amp": return [UInt8(ascii: "&")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default: break
        }
        let number =
            name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
        guard let scalar = number.flatMap(Unicode.Scalar.init) else { throw Refusal(reason: "an unknown entity") }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func name() throws(Refusal) -> String {
        let name = rest.prefix { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: ":"), 0x80...0xff:
                true
            default: false
            }
        }
        guard !name.isEmpty else { throw Refusal(reason: "a name is missing") }
        rest = rest.dropFirst(name.count)
        return String(decoding: name, as: UTF8.self)
    }

    private mutating func skipSpace() { rest = rest.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) } }

    private mutating func take(_ text: StaticString) -> Bool {
        let isThere = text.withUTF8Buffer { rest.starts(with: $0) }
        if isThere { rest = rest.dropFirst(text.utf8CodeUnitCount) }
        return isThere
    }

    private mutating func expect(_ text: StaticString) throws(Refusal) {
        guard take(text) else { throw Refusal(reason: "\(text) is missing") }
    }

    private mutating func upTo(_ end: String) throws(Refusal) -> ArraySlice<UInt8> {
        let end = Array(end.utf8)
        var index = rest.startIndex
        while index + end.count <= rest.endIndex {
            if rest[index] == end[0], rest[index...].starts(with: end) {
                defer { rest = rest[(index + end.count)...] }
                return rest[..<index]
            }
            index += 1
        }
        throw Refusal(reason: "the document ends too early")
    }
}
