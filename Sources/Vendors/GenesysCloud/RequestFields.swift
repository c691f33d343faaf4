import Records

/// Why additional fields of a request are refused.
public struct InvalidRequestFields: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what is allowed, one line.
    public let description: String
}

/// Fields of a request that come from a configuration or a job, such as filters: they're sent as they are.
struct RequestFields: Sendable, Hashable {
    /// The largest request, in bytes (the vendor's `request.bytes.max`).
    static let maximumRequestBytes = 512_000
    /// Fields that only queries take; jobs of the same kind don't.
    static let queryFields = ["paging", "aggregations", "presenceAggregations", "routingStatusAggregations"]

    /// The inside of a JSON object, without its braces; empty for none.
    private let inside: [UInt8]

    /// No additional fields.
    init() { inside = [] }

    /// Checks fields.
    ///
    /// - Parameters:
    ///   - text: A JSON object.
    ///   - own: The fields that Switchboard sets itself.
    ///   - foreign: Fields that the vendor doesn't take here.
    init(_ text: String, own: [String], foreign: [String] = []) throws(InvalidRequestFields) {
        let bytes = Array(text.utf8)
        let maximum = Self.maximumRequestBytes - 1024
        guard bytes.count <= maximum else {
            throw InvalidRequestFields(description: "at most \(maximum) bytes are allowed, \(bytes.count) are given")
        }
        do throws(RecordError) {
            try RecordScanner.checkObject(bytes)
        } catch {
            throw InvalidRequestFields(description: "a JSON object is expected, but \(error)")
        }
        func isGiven(_ name: String) -> Bool { bytes.withUnsafeBytes { RecordScanner.value(of: name, in: $0) } != nil }
        for name in own where isGiven(name) {
            throw InvalidRequestFields(description: "\(name) is set by Switchboard itself; remove it")
        }
        for name in foreign where isGiven(name) {
            throw InvalidRequestFields(description: "\(name) is no field of a details job; remove it, or use the query")
        }
        let inner = bytes.drop { $0 != UInt8(ascii: "{") }.dropFirst().prefix(
            upTo: bytes.lastIndex(of: UInt8(ascii: "}")) ?? bytes.endIndex)
        inside = inner.allSatisfy { $0 <= 0x20 } ? [] : Array(inner)
    }

    /// The request's body: an object's beginning without its closing brace, completed by the additional fields.
    func completing(_ beginning: String) -> [UInt8] {
        Array(beginning.utf8) + (inside.isEmpty ? [] : [UInt8(ascii: ",")] + inside) + [UInt8(ascii: "}")]
    }
}

/// The order of the rows of a details query or job.
public enum DetailsOrder: String, Sendable, CaseIterable {
    /// Oldest first, the vendor's default.
    case ascending = "asc"
    /// Newest first.
    case descending = "desc"
    /// As the vendor finds them.
    case unordered
}
