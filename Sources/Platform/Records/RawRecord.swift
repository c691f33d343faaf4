/// One record as it was sent.
///
/// The bytes belong to the splitter's buffers and are valid during the callback only.
public struct RawRecord {
    /// The record's bytes: one complete JSON value.
    public let bytes: UnsafeRawBufferPointer

    /// Wraps the bytes of one JSON value.
    ///
    /// - Parameter bytes: The bytes, without white space around the value.
    public init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Returns the text of a string field at the record's top level, its escapes decoded.
    ///
    /// - Parameter key: The field's name. Of a repeated name the first counts.
    /// - Returns: Nil when there's no such field, when its value is no string, or when that is no valid Unicode.
    public func string(of key: String) -> String? {
        rawValue(of: key).flatMap(JSONString.text)
    }

    /// Returns the bytes of a field's value at the record's top level, as they were sent.
    ///
    /// - Parameter key: The field's name. Of a repeated name the first counts.
    /// - Returns: Nil when there's no such field or the record is no object.
    public func rawValue(of key: String) -> UnsafeRawBufferPointer? {
        RecordScanner.value(of: key, in: bytes)
    }

    /// A hash of the bytes, to tell two versions of a record apart.
    public var contentHash: UInt64 { ContentHash.of(bytes) }
}

/// What is left of a document when its records are taken out: a small JSON document with an empty array.
public struct Envelope: Sendable, Equatable {
    /// The bytes of the rest.
    public let bytes: [UInt8]
    /// The number of records taken out.
    public let recordCount: Int
    /// The size of the whole document, in bytes.
    public let documentBytes: Int
    /// Whether the array's key was there at all.
    public let hasArray: Bool

    /// Returns the whole number of a field at the top level.
    ///
    /// - Parameter key: The field's name.
    /// - Returns: Nil when there's no such field or its value is no whole number that fits.
    public func integer(of key: String) -> Int? {
        bytes.withUnsafeBytes { buffer in
            RecordScanner.value(of: key, in: buffer).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        }
    }

    /// Returns the text of a string field at the top level, its escapes decoded.
    ///
    /// - Parameter key: The field's name.
    public func string(of key: String) -> String? {
        bytes.withUnsafeBytes { buffer in RecordScanner.value(of: key, in: buffer).flatMap(JSONString.text) }
    }

    /// Returns the bytes of a field's value at the top level, as they were sent.
    ///
    /// - Parameter key: The field's name.
    public func rawValue(of key: String) -> [UInt8]? {
        bytes.withUnsafeBytes { buffer in RecordScanner.value(of: key, in: buffer).map { Array($0) } }
    }
}
