/// Why a message is not what its topic promises.
public enum ContractError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no value.
    case empty
    /// The value is larger than any message of ours.
    case tooLarge(bytes: Int, limit: Int)
    /// The value is not JSON or lacks what it needs; says what, without the value.
    case malformed(String)
    /// A newer program wrote it.
    case unknownVersion(Int)

    /// A short word for headers and metric labels.
    public var reason: String {
        switch self {
        case .empty: "empty"
        case .tooLarge: "too-large"
        case .malformed: "malformed"
        case .unknownVersion: "unknown-version"
        }
    }

    /// One line: what is wrong and what to do.
    public var description: String {
        switch self {
        case .empty: "the message has no value; a job is a JSON object"
        case .tooLarge(let bytes, let limit): "the message has \(bytes) bytes; at most \(limit) are allowed"
        case .malformed(let what): "the message can't be read: \(what)"
        case .unknownVersion(let version):
            "the message has version \(version), this program knows version \(Message.version); update the program, then redrive"
        }
    }

    init(_ error: any Error) {
        switch error {
        case let error as ContractError: self = error
        case DecodingError.keyNotFound(let key, let context):
            self = .malformed("\(Self.path(context.codingPath + [key])) is missing")
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            self = .malformed("\(Self.path(context.codingPath)) has the wrong type")
        case DecodingError.dataCorrupted(let context):
            let place =
                context.codingPath.isEmpty
                ? "not JSON" : "\(Self.path(context.codingPath)): \(Self.bounded(context.debugDescription))"
            self = .malformed(place)
        default: self = .malformed("\(type(of: error))")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        bounded(keys.map(\.stringValue).joined(separator: "."))
    }

    /// Keys come from outside, and Foundation quotes numbers that don't fit: bounded, and without control characters.
    private static func bounded(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.lazy.filter { !$0.properties.isControl }.prefix(100)))
    }
}

extension Unicode.Scalar.Properties {
    /// Whether it does something instead of being shown: control and format characters, line and paragraph separators.
    fileprivate var isControl: Bool {
        switch generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
