import Configuration
import SystemPackage
import Yams

/// The parsed configuration file: every value under its full dotted key.
struct SettingsFile: Sendable {
    /// The largest accepted file, in bytes.
    static let maximumBytes = 1 << 20
    /// The deepest accepted nesting.
    static let maximumDepth = 32

    enum Content: Sendable, Equatable {
        case scalar(String)
        case list([String])
        case null
    }

    struct Value: Sendable, Equatable {
        let content: Content
        /// The line in the file, counted from 1.
        let line: Int

        /// The value for a message.
        var text: String {
            switch content {
            case .scalar(let text): text
            case .list(let texts): "[" + texts.joined(separator: ", ") + "]"
            case .null: "null"
            }
        }

        /// The value as swift-configuration keeps it.
        var configValue: ConfigValue? {
            switch content {
            case .scalar(let text): ConfigValue(.string(text), isSecret: false)
            case .list(let texts): ConfigValue(.stringArray(texts), isSecret: false)
            case .null: nil
            }
        }
    }

    let name: String
    private(set) var values: [String: Value] = [:]
    /// The number of entries of lists whose entries are mappings; their keys are `list[index].key`.
    private(set) var sectionCounts: [String: Int] = [:]

    /// An empty file.
    init() { name = "configuration" }

    init(path: String) throws(SettingsError) {
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, maximumBytes: Self.maximumBytes)
        } catch {
            throw SettingsError(file: path, reason: "cannot be read (\(error)); check --config and the file's permissions")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingsError(file: path, reason: "is not UTF-8 text; save it as UTF-8")
        }
        try self.init(yaml: text, name: path)
    }

    init(yaml: String, name: String) throws(SettingsError) {
        self.name = name
        guard yaml.utf8.count <= Self.maximumBytes else {
            throw SettingsError(file: name, reason: "is larger than \(Self.maximumBytes) bytes; it cannot be a configuration")
        }
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw SettingsError(file: name, reason: "is not valid YAML: \(Self.summary(of: error))")
        } catch {
            throw SettingsError(file: name, reason: "is not valid YAML: \(Self.firstLine("\(error)"))")
        }
        guard let root, !Self.isNull(root) else { return }
        guard case .mapping(let mapping) = root else {
            throw SettingsError(file: name, reason: "is not a YAML mapping; write 'key: value' lines")
        }
        try add(mapping, below: "", depth: 1)
    }

    private mutating func add(_ mapping: Yams.Node.Mapping, below prefix: String, depth: Int) throws(SettingsError) {
        guard depth <= Self.maximumDepth else {
            throw SettingsError(file: name, reason: "is nested deeper than \(Self.maximumDepth) levels at \(prefix)")
        }
        for (keyNode, node) in mapping {
            guard case .scalar(let keyScalar) = keyNode, !keyScalar.string.isEmpty else {
                throw SettingsError(file: name, reason: "has a key that is no text in line \(keyNode.mark?.line ?? 0)")
            }
            let key = prefix + keyScalar.string
            let line = keyNode.mark?.line ?? 0
            switch node {
            case .mapping(let inner):
                try add(inner, below: key + ".", depth: depth + 1)
            case .sequence(let sequence):
                try add(sequence, key: key, line: line, depth: depth)
            case .scalar(let scalar):
                try set(key, Value(content: Self.isNull(node) ? .null : .scalar(scalar.string), line: line))
            case .alias:
                throw SettingsError(file: name, reason: "has an alias that cannot be resolved in line \(line)")
            }
        }
    }

    private mutating func add(_ sequence: Yams.Node.Sequence, key: String, line: Int, depth: Int) throws(SettingsError) {
        var texts: [String] = []
        var sections = 0
        for (index, node) in sequence.enumerated() {
            switch node {
            case .scalar(let scalar): texts.append(scalar.string)
            case .mapping(let mapping):
                sections += 1
                try add(mapping, below: "\(key)[\(index)].", depth: depth + 1)
            case .sequence, .alias:
                throw SettingsError(file: name, reason: "has a list inside a list at \(key) in line \(line)")
            }
        }
        if sections == 0 {
            try set(key, Value(content: .list(texts), line: line))
        } else if texts.isEmpty {
            sectionCounts[key] = sections
        } else {
            throw SettingsError(file: name, reason: "mixes values and sections in the list \(key) in line \(line)")
        }
    }

    private mutating func set(_ key: String, _ value: Value) throws(SettingsError) {
        if let earlier = values.updateValue(value, forKey: key) {
            throw SettingsError(file: name, reason: "gives \(key) twice, in lines \(earlier.line) and \(value.line); keep one")
        }
    }

    private static func isNull(_ node: Yams.Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .any || scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private static func summary(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            "\(problem) in line \(mark.line), column \(mark.column)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            "the key \(duplicates.map { "\($0)" }.joined(separator: ", ")) is given twice near line \(context.mark.line)"
        default: firstLine("\(error)")
        }
    }

    private static func firstLine(_ text: String) -> String {
        String(text.split(whereSeparator: \.isNewline).first ?? "").prefix(200).description
    }
}
