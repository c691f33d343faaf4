import Yams

/// A bounded, plain copy of one YAML document.
///
/// Definitions that people write (schedules, topics) are read through this tree rather than decoded, so that every
/// problem can name the key, the value as it was written, and what is allowed. See ``DocumentMapping`` for reading it.
public indirect enum DocumentValue: Sendable, Equatable {
    /// An empty value, `null` or `~`.
    case null
    /// A scalar: its text as written and what YAML takes it for.
    case scalar(text: String, kind: ScalarKind)
    /// A sequence.
    case list([DocumentValue])
    /// A mapping, its keys in the order in which they were written.
    case mapping([Entry])

    /// What YAML takes an unquoted scalar for; quoted ones are strings.
    public enum ScalarKind: Sendable, Equatable {
        /// Text, also dates and times.
        case string
        /// A whole number.
        case integer
        /// A number with a fraction or an exponent.
        case number
        /// `true` or `false` (and YAML 1.1's other spellings).
        case boolean
    }

    /// One key of a mapping with its value.
    public struct Entry: Sendable, Equatable {
        /// The key's text.
        public let key: String
        /// The key's value.
        public let value: DocumentValue
    }
}

/// Why a YAML text is no usable document: one line.
public struct DocumentError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what is allowed, without a line break.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension DocumentValue {
    /// The largest document that is read, in bytes.
    public static let maximumBytes = 1 << 20
    /// The deepest nesting that is read.
    public static let maximumDepth = 32
    /// The most values that a document may hold once its aliases are expanded.
    public static let maximumValues = 100_000

    /// Parses one YAML document; duplicate keys, several documents and anything beyond the limits are errors.
    public static func parse(yaml: String) throws(DocumentError) -> DocumentValue {
        guard yaml.utf8.count <= maximumBytes else {
            throw DocumentError("the file has \(yaml.utf8.count) bytes; allowed are at most \(maximumBytes)")
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw DocumentError("not valid YAML: \(oneLine("\(error)"))")
        } catch {
            throw DocumentError("not valid YAML: \(oneLine("\(error)"))")
        }
        guard let node else { return .null }
        var budget = maximumValues
        return try convert(node, depth: 0, budget: &budget)
    }

    private static func convert(_ node: Node, depth: Int, budget: inout Int) throws(DocumentError) -> DocumentValue {
        budget -= 1
        guard budget >= 0 else { throw DocumentError("the document holds more than \(maximumValues) values") }
        guard depth <= maximumDepth else { throw DocumentError("the document nests deeper than \(maximumDepth) levels") }
        switch node {
        case .scalar(let scalar):
            return convert(scalar)
        case .sequence(let sequence):
            var list: [DocumentValue] = []
            for element in sequence { list.append(try convert(element, depth: depth + 1, budget: &budget)) }
            return .list(list)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw DocumentError("a mapping has a key that is no plain text; allowed are keys like `name:`")
                }
                guard name.string != "<<" else {
                    throw DocumentError("merge keys (`<<:`) are not supported; write the keys out")
                }
                guard !entries.contains(where: { $0.key == name.string }) else {
                    throw DocumentError("the key \(quoted(name.string)) occurs twice in one mapping")
                }
                entries.append(Entry(key: name.string, value: try convert(value, depth: depth + 1, budget: &budget)))
            }
            return .mapping(entries)
        case .alias:
            throw DocumentError("an alias refers to nothing")
        }
    }

    private static func convert(_ scalar: Node.Scalar) -> DocumentValue {
        guard scalar.style == .plain || scalar.style == .any else { return .scalar(text: scalar.string, kind: .string) }
        switch Resolver.default.resolveTag(of: .scalar(scalar)) {
        case .null: return .null
        case .int: return .scalar(text: scalar.string, kind: .integer)
        case .float: return .scalar(text: scalar.string, kind: .number)
        case .bool: return .scalar(text: scalar.string, kind: .boolean)
        default: return .scalar(text: scalar.string, kind: .string)
        }
    }

    /// How the value is shown in a problem: quoted, on one line, at most 120 characters.
    public var shown: String {
        switch self {
        case .null: "(empty)"
        case .scalar(let text, _): Self.quoted(text)
        case .list(let list): "(a list of \(list.count))"
        case .mapping(let entries): "(a mapping of \(entries.count) keys)"
        }
    }

    static func quoted(_ text: String) -> String { "\"\(text.isEmpty ? "" : Spelling.shown(text))\"" }

    private static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            line.unicodeScalars.append(scalar.properties.generalCategory == .control || scalar == "\u{2028}" ? " " : scalar)
        }
        return line
    }
}
