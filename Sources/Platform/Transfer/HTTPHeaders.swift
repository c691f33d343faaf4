/// Header fields in their order, looked up without regard to case.
public struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    /// One header field.
    public struct Field: Sendable, Equatable {
        /// The name as it was given or received.
        public let name: String
        /// The value without surrounding white space.
        public let value: String

        /// Makes a field.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// All fields in order; a name may occur several times.
    public private(set) var fields: [Field]

    /// Makes headers from fields.
    public init(_ fields: [Field] = []) { self.fields = fields }

    /// Makes headers from name and value pairs; a repeated name is kept.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first value of a name; assigning replaces all values of the name, assigning nil removes them.
    public subscript(name: String) -> String? {
        get { fields.first { Self.same($0.name, name) }?.value }
        set {
            guard let newValue else {
                fields.removeAll { Self.same($0.name, name) }
                return
            }
            set(name, newValue)
        }
    }

    /// All values of a name in order.
    public func values(for name: String) -> [String] {
        fields.filter { Self.same($0.name, name) }.map(\.value)
    }

    /// Appends a field and keeps those of the same name.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces all fields of a name by one, at the place of the first.
    public mutating func set(_ name: String, _ value: String) {
        let place = fields.firstIndex { Self.same($0.name, name) } ?? fields.endIndex
        fields.removeAll { Self.same($0.name, name) }
        fields.insert(Field(name: name, value: value), at: place)
    }

    /// The names alone: values may be secrets.
    public var description: String { "[" + fields.map(\.name).joined(separator: ", ") + "]" }

    /// Whether two ASCII header names are the same but for case.
    static func same(_ left: String, _ right: String) -> Bool {
        let (left, right) = (left.utf8, right.utf8)
        return left.count == right.count && zip(left, right).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
