/// Why a document could not be split into records.
public struct RecordError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: Sendable, Equatable {
        /// The document ended in the middle, or is empty.
        case truncated
        /// The document is not JSON, for this reason.
        case malformed(String)
        /// Values are nested deeper than allowed.
        case tooDeep(limit: Int)
        /// A record is larger than allowed, in bytes.
        case recordTooLarge(limit: Int)
        /// What surrounds the records is larger than allowed, in bytes.
        case envelopeTooLarge(limit: Int)
        /// The document's top level is no object, or no array where one is expected.
        case unexpectedTopLevel
        /// The array's key has a value that is neither an array nor null.
        case notAnArray(key: String)
        /// The array's key occurs twice.
        case duplicateArray(key: String)
    }

    /// What is wrong.
    public let kind: Kind
    /// Where, as the number of bytes of the document before it.
    public let offset: Int

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - kind: What is wrong.
    ///   - offset: Where, as the number of bytes of the document before it.
    public init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    /// What is wrong, where, and what to do, in one line without any content of the document.
    public var description: String {
        switch kind {
        case .truncated: "the JSON document ends too early, after \(offset) bytes; request it again"
        case .malformed(let reason): "the JSON document is damaged at byte \(offset): \(reason); request it again"
        case .tooDeep(let limit):
            "the JSON document is nested deeper than \(limit) levels at byte \(offset); raise the depth limit if it's right"
        case .recordTooLarge(let limit):
            "a record that ends after byte \(offset) is larger than \(limit) bytes; raise the record size limit if it's right"
        case .envelopeTooLarge(let limit):
            "what surrounds the records is larger than \(limit) bytes at byte \(offset); check that the array's key is right"
        case .unexpectedTopLevel:
            "the JSON document does not begin as expected at byte \(offset); check that the address is right"
        case .notAnArray(let key): "\(key) is neither an array nor null at byte \(offset); check that the address is right"
        case .duplicateArray(let key): "\(key) occurs twice, the second time at byte \(offset); request the document again"
        }
    }
}

/// How large and deep a document may be.
public struct RecordLimits: Sendable, Equatable {
    /// The largest record, in bytes.
    public var recordBytes: Int
    /// The largest rest of the document without the records, in bytes.
    public var envelopeBytes: Int
    /// The deepest nesting, the document's own level included; at most 127.
    public var depth: Int

    /// Creates limits.
    ///
    /// - Parameters:
    ///   - recordBytes: The largest record, in bytes.
    ///   - envelopeBytes: The largest rest of the document without the records, in bytes.
    ///   - depth: The deepest nesting, the document's own level included; values above 127 count as 127.
    public init(recordBytes: Int = 32 << 20, envelopeBytes: Int = 1 << 20, depth: Int = 100) {
        self.recordBytes = recordBytes
        self.envelopeBytes = envelopeBytes
        self.depth = min(max(depth, 1), 127)
    }
}
