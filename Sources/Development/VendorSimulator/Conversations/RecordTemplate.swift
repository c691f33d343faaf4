/// The text of one kind of record, prepared so that a record is made by copying runs of bytes and filling the gaps.
///
/// The notation: `{{name:argument:…}}` is a gap (``Gap``), `{{?flag}}…{{/}}` stands only when the flag is set and
/// `{{!flag}}…{{/}}` only when it isn't. Line ends and the spaces that begin a line are dropped.
struct RecordTemplate: Sendable {
    enum Gap: Sendable {
        /// The conversation's id.
        case conversation
        /// A UUID of this record, told apart by a salt.
        case identifier(UInt64)
        /// Milliseconds after the start.
        case after(Int64)
        /// Thousandths of the way from start to end.
        case at(Int64)
        /// A number from a range.
        case number(UInt64, Int64, UInt64)
        /// The length of the conversation in milliseconds, as thousandths of it.
        case share(Int64)
        /// The id or the name of somebody or something; the same salt gives the same one.
        case member(UInt64, [[UInt8]])
        /// Seven digits.
        case digits(UInt64)
        /// A mean opinion score such as `4.37`.
        case score(UInt64)
        /// The evaluations.
        case evaluations
        /// How often the record was changed by the page-shift behaviour.
        case revision
        /// Where awkward content goes.
        case extra
    }

    enum Operation: Sendable {
        case copy(start: Int, count: Int)
        case fill(Gap)
        /// Continues at an operation unless the flags include (or, when inverted, if they include) the flag.
        case unless(RecordFlags, inverted: Bool, continueAt: Int)
    }

    let text: [UInt8]
    let operations: [Operation]

    init(_ source: String, organisation: Organisation) throws(RecordTemplateError) {
        var text: [UInt8] = []
        var operations: [Operation] = []
        var open: [Int] = []
        for piece in try RecordTemplate.pieces(of: source) {
            switch piece {
            case .literal(let bytes):
                operations.append(.copy(start: text.count, count: bytes.count))
                text.append(contentsOf: bytes)
            case .mark(let content):
                switch content.first {
                case "?", "!":
                    guard let flag = RecordFlags(name: content.dropFirst()) else {
                        throw RecordTemplateError(reason: "unknown flag \(content)")
                    }
                    open.append(operations.count)
                    operations.append(.unless(flag, inverted: content.first == "!", continueAt: 0))
                case "/":
                    guard let start = open.popLast(), case .unless(let flag, let inverted, _) = operations[start] else {
                        throw RecordTemplateError(reason: "an end without a beginning")
                    }
                    operations[start] = .unless(flag, inverted: inverted, continueAt: operations.count)
                default:
                    operations.append(.fill(try Gap(content, organisation: organisation)))
                }
            }
        }
        guard open.isEmpty else { throw RecordTemplateError(reason: "a conditional part is not closed") }
        self.text = text
        self.operations = operations
    }

    private enum Piece {
        case literal([UInt8])
        case mark(Substring)
    }

    /// Cuts the text at its marks, on bytes: characters would make the program's start noticeably slower.
    private static func pieces(of source: String) throws(RecordTemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        let lines = Array(source.utf8).split(separator: UInt8(ascii: "\n")).map { $0.drop { $0 == UInt8(ascii: " ") } }
        for line in lines {
            var position = line.startIndex
            while position < line.endIndex {
                guard line[position...].starts(with: "{{".utf8) else {
                    literal.append(line[position])
                    position += 1
                    continue
                }
                guard let close = line[position...].firstIndex(of: UInt8(ascii: "}")), close + 1 < line.endIndex,
                    line[close + 1] == UInt8(ascii: "}")
                else {
                    throw RecordTemplateError(reason: "a gap is not closed: \(String(decoding: line, as: UTF8.self))")
                }
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(.mark(Substring(String(decoding: line[(position + 2)..<close], as: UTF8.self))))
                position = close + 2
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return pieces
    }
}

/// Says what is wrong with the text of a kind of record; a mistake in the simulator's source.
struct RecordTemplateError: Error, CustomStringConvertible {
    let reason: String

    var description: String { "cannot prepare a record template: \(reason)" }
}

/// What a record looks like at the moment it is sent.
struct RecordFlags: OptionSet, Sendable {
    let rawValue: UInt16

    static let ended = RecordFlags(rawValue: 1)
    static let evaluated = RecordFlags(rawValue: 2)
    static let corrected = RecordFlags(rawValue: 4)
    static let revised = RecordFlags(rawValue: 8)
    static let unknownEnums = RecordFlags(rawValue: 16)
    static let missingFields = RecordFlags(rawValue: 32)
    static let identifierLast = RecordFlags(rawValue: 64)
    static let attributes = RecordFlags(rawValue: 128)

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    init?(name: Substring) {
        switch name {
        case "ended": self = .ended
        case "evaluated": self = .evaluated
        case "corrected": self = .corrected
        case "revised": self = .revised
        case "unknownEnums": self = .unknownEnums
        case "missingFields": self = .missingFields
        case "identifierLast": self = .identifierLast
        case "attributes": self = .attributes
        default: return nil
        }
    }
}

extension RecordTemplate.Gap {
    /// Reads the inside of `{{…}}`.
    init(_ content: Substring, organisation: Organisation) throws(RecordTemplateError) {
        let parts = content.split(separator: ":")
        let numbers = parts.dropFirst().map { Int64($0) }
        switch (parts.first ?? "", numbers) {
        case ("conversation", []): self = .conversation
        case ("evaluations", []): self = .evaluations
        case ("revision", []): self = .revision
        case ("extra", []): self = .extra
        case ("identifier", let values): self = .identifier(try Self.salt(values, 1, content))
        case ("digits", let values): self = .digits(try Self.salt(values, 1, content))
        case ("score", let values): self = .score(try Self.salt(values, 1, content))
        case ("after", let values): self = .after(Int64(try Self.salt(values, 1, content)) - 1_000)
        case ("at", let values): self = .at(Int64(try Self.salt(values, 1, content)) - 1_000)
        case ("share", let values): self = .share(Int64(try Self.salt(values, 1, content)) - 1_000)
        case ("number", let values):
            let salt = try Self.salt(values, 3, content)
            guard let lowest = values[1], let highest = values[2], lowest <= highest else {
                throw RecordTemplateError(reason: "a range is missing or empty: \(content)")
            }
            self = .number(salt, lowest, UInt64(highest - lowest + 1))
        case (let name, let values):
            // `queue:1` is an id, `queue.name:1` the name that belongs to it.
            let names = name.hasSuffix(".name")
            guard let members = organisation.table(names ? name.dropLast(5) : name) else {
                throw RecordTemplateError(reason: "unknown gap \(content)")
            }
            self = .member(try Self.salt(values, 1, content), members.map { Array((names ? $0.name : $0.id).utf8) })
        }
    }

    /// The first argument, moved past the salts that ``ConversationCalendar`` uses.
    private static func salt(_ values: [Int64?], _ count: Int, _ content: Substring) throws(RecordTemplateError) -> UInt64 {
        guard values.count == count, let value = values[0], value >= 0 else {
            throw RecordTemplateError(reason: "wrong arguments: \(content)")
        }
        return UInt64(value) + 1_000
    }
}
