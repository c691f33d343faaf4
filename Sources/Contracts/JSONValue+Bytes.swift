internal import Foundation

extension JSONValue {
    /// Reads any JSON in UTF-8, such as a small object that a program of ours keeps.
    ///
    /// - Throws: a `ContractError` when there are no bytes or more than `maximumBytes`, or when they are no JSON or nest too deep.
    public static func decode(_ bytes: [UInt8], upTo maximumBytes: Int) throws(ContractError) -> JSONValue {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= maximumBytes else { throw .tooLarge(bytes: bytes.count, limit: maximumBytes) }
        return try JSONReader.read(bytes)
    }

    /// The value as JSON with sorted keys, so that equal values have equal bytes; nil when a number in it is not finite.
    public func encoded() -> [UInt8]? {
        do { return Array(try JSONEncoder.contract().encode(self)) } catch { return nil }
    }
}
