/// The `Retry-After` header (RFC 9110, 10.2.3).
public enum RetryAfter {
    /// Reads seconds or an HTTP date.
    ///
    /// - Parameter now: seconds since 1970 UTC.
    /// - Returns: the time to wait, zero for a date in the past; nil when the value is neither.
    public static func parse(_ value: String, now: Int) -> Duration? {
        let text = value.trimmingSpaces
        if text.utf8.count <= 9, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int(text) {
            return .seconds(seconds)
        }
        return HTTPDate.parse(text).map { .seconds(max(0, $0 - now)) }
    }
}

extension String {
    fileprivate var trimmingSpaces: Substring {
        var text = self[...]
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
