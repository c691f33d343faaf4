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
        guard record.baseAddress != nil else { return }
        let start = lines.count
        lines.append(contentsOf: record)
        joinLines(of: &lines, from: start)
        lines.append(UInt8(ascii: "\n"))
    }

    /// Makes one line of a JSON value: line breaks between its tokens become blanks.
    ///
    /// - Parameters:
    ///   - bytes: The value's bytes, perhaps behind others.
    ///   - start: Where the value begins in them.
    public static func joinLines(of bytes: inout [UInt8], from start: Int = 0) {
        for lineBreak in [UInt8(ascii: "\n"), UInt8(ascii: "\r")] {
            let isThere = bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress, start < bytes.count else { return false }
                return memchr(base + start, Int32(lineBreak), bytes.count - start) != nil
            }
            guard isThere else { continue }
            for index in start..<bytes.count where bytes[index] == lineBreak { bytes[index] = UInt8(ascii: " ") }
        }
    }
}
