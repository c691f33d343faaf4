/// Header lines, as libcurl gives them, on their way to a response head.
struct HeadParser {
    enum Event: Equatable {
        case more
        /// The final headers are complete.
        case head
        /// The headers are larger than allowed.
        case tooLarge
        /// A second response came where none may.
        case unexpected
    }

    private let maximumBytes: Int
    private var redirectsLeft: Int
    private var bytes = 0
    private(set) var status = 0
    private(set) var headers = HTTPHeaders()
    private(set) var version = HTTPVersion.http1
    /// Whether the final headers are complete.
    private(set) var isComplete = false
    /// Whether the headers of the latest response, final or not, are complete.
    private(set) var isAtEnd = false

    init(maximumBytes: Int, redirects: Int) {
        self.maximumBytes = maximumBytes
        redirectsLeft = redirects
    }

    /// Takes one line with its line end.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Event {
        bytes += line.count
        if bytes > maximumBytes { return .tooLarge }
        var line = line[...]
        while let last = line.last, last == 0x0a || last == 0x0d { line = line.dropLast() }
        if line.starts(with: "HTTP/".utf8) {
            if isComplete { return .unexpected }
            begin(line)
            return .more
        }
        // What comes after the final headers are trailers: nobody asked for them.
        if isComplete { return .more }
        if line.isEmpty { return end() }
        add(line)
        return .more
    }

    private mutating func begin(_ line: Slice<UnsafeRawBufferPointer>) {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        version = words.first?.dropFirst(5).first == UInt8(ascii: "2") ? .http2 : .http1
        status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
        headers = HTTPHeaders()
        isAtEnd = false
    }

    private mutating func end() -> Event {
        isAtEnd = true
        if (100..<200).contains(status) { return .more }
        if [301, 302, 303, 307, 308].contains(status), headers["Location"]?.isEmpty == false, redirectsLeft > 0 {
            redirectsLeft -= 1
            return .more
        }
        isComplete = true
        return .head
    }

    private mutating func add(_ line: Slice<UnsafeRawBufferPointer>) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line.first != 0x20, line.first != 0x09 else { return }
        let value = line[line.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
        let trailing = value.reversed().prefix { $0 == 0x20 || $0 == 0x09 }.count
        headers.add(
            String(decoding: line[..<colon], as: UTF8.self), String(decoding: value.dropLast(trailing), as: UTF8.self))
    }
}
