import Glibc

/// Newline-delimited JSON: one record, one line.
public enum NDJSON {
    /// The content type of a document of such lines.
    public static let contentType = "application/x-ndjson"

    /// Appends a record as one line, its bytes untouched but for line breaks between its tokens, which become blanks.
    ///
    /// In JSON only white space between tokens can hold a line break, so nothing that means anything changes.
    ///
    /// - Parameters:
    ///   - record: The bytes of one JSON value, as ``RecordSplitter`` hands them out.
    ///   - lines: What is appended to.
    public static func append(_ record: UnsafeRawBufferPointer, to lines: inout [UInt8]) {
        guard let base = record.baseAddress else { return }
        let start = lines.count
        lines.append(contentsOf: record)
        for breakByte in [UInt8(ascii: "\n"), UInt8(ascii: "\r")] where memchr(base, Int32(breakByte), record.count) != nil {
            for index in start..<lines.count where lines[index] == breakByte { lines[index] = UInt8(ascii: " ") }
        }
        lines.append(UInt8(ascii: "\n"))
    }
}
