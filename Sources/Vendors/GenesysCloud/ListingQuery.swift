/// One listing to read to its end: a GET with the vendor's paging envelope, or with cursors.
///
/// A listing is no snapshot: rows that come and go while it is read make others come twice or not at all. Whoever needs each
/// row once tells them apart by id.
public struct ListingQuery: Sendable, Hashable {
    /// One query parameter; a repeated name is a list.
    public struct Parameter: Sendable, Hashable {
        /// The name.
        public let name: String
        /// The value, not encoded.
        public let value: String

        /// A parameter.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// How a listing says that there is more.
    public enum Paging: Sendable, Hashable {
        /// By `nextUri`, and by `pageNumber` and `pageCount` where a listing has no URIs or says that there are more pages.
        case pages
        /// By `nextUri` alone where a listing has URIs: its page count is known to be wrong.
        case uris
        /// By `nextUri`, or by a cursor in the answer that goes back in this parameter.
        case cursor(String)
        /// Not at all: everything is in one answer, unless the answer has a `nextUri`.
        case single
    }

    /// The call's name in errors, logs and metrics: one of a few, such as `users`.
    public var operation: String
    /// The path, `/api/v2/…`, without a query.
    public var path: String
    /// The parameters besides page size, page number and cursor.
    public var parameters: [Parameter]
    /// The key of the array in an answer; nil when the answer itself is the array.
    public var arrayKey: String?
    /// Records of a page; the vendor may reduce it. Nil asks for none.
    public var pageSize: Int?
    /// How the listing says that there is more.
    public var paging: Paging
    /// The permission that it needs.
    public var permission: String?
    /// After so many answers 504 a page fails without further attempts: the caller asks for less instead. Nil: as configured.
    public var maximumTimeouts: Int?

    /// A listing.
    public init(
        _ operation: String, path: String, parameters: [Parameter] = [], arrayKey: String? = "entities", pageSize: Int? = 100,
        paging: Paging = .pages, permission: String? = nil
    ) {
        self.operation = operation
        self.path = path
        self.parameters = parameters
        self.arrayKey = arrayKey
        self.pageSize = pageSize
        self.paging = paging
        self.permission = permission
    }

    /// The path of the first page, with its query.
    var firstPath: String {
        // An answer without page numbers is asked for as its definition says, without them.
        let number: [Parameter] =
            switch paging {
            case .pages, .uris: [Parameter("pageNumber", "1")]
            case .cursor, .single: []
            }
        return path(adding: sizeParameter + number)
    }

    /// The path of a page by its number, from 1.
    func path(page number: Int) -> String { path(adding: sizeParameter + [Parameter("pageNumber", "\(number)")]) }

    /// The path of the page behind a cursor.
    func path(cursor: String, in parameter: String) -> String { path(adding: sizeParameter + [Parameter(parameter, cursor)]) }

    private var sizeParameter: [Parameter] {
        if paging == .single { return [] }
        return pageSize.map { [Parameter("pageSize", "\($0)")] } ?? []
    }

    private func path(adding more: [Parameter]) -> String {
        let all = (parameters + more).map { "\(URLText.encoded($0.name))=\(URLText.encoded($0.value))" }
        return all.isEmpty ? path : path + "?" + all.joined(separator: "&")
    }

    /// The vendor's address of a next page, made a path that may be called; nil when it's none below `/api/v2/`.
    ///
    /// Parameters of the query that the address doesn't name are added: what asked for a field on the first page does on the next.
    func path(following uri: String) -> String? {
        guard uri.utf8.count <= 16_384, let relative = URLText.relative(uri) else { return nil }
        let parts = relative.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard URLText.isPath(parts[0], below: "/api/v2/") else { return nil }
        let query = parts.count > 1 ? parts[1] : ""
        let named = Set(query.split(separator: "&").map { URLText.decoded($0.prefix { $0 != "=" }) })
        let missing = parameters.filter { !named.contains($0.name) }
            .map { "\(URLText.encoded($0.name))=\(URLText.encoded($0.value))" }
        let whole = ([String(query)].filter { !$0.isEmpty } + missing).joined(separator: "&")
        return whole.isEmpty ? String(parts[0]) : "\(parts[0])?\(whole)"
    }
}

/// Texts as parts of URLs.
public enum URLText {
    private static let hexadecimal = Array("0123456789ABCDEF".utf8)

    /// Encodes everything but RFC 3986's unreserved characters.
    public static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes a part of a query; what isn't encoded properly stays.
    static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A URL without scheme and host: whatever host it names, only the configured one is called.
    static func relative(_ uri: String) -> Substring? {
        guard uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }) else {
            return nil
        }
        for scheme in ["https://", "http://"] where uri.hasPrefix(scheme) {
            let rest = uri.dropFirst(scheme.count)
            return rest.firstIndex(of: "/").map { rest[$0...] }
        }
        return uri.hasPrefix("/") ? uri[...] : nil
    }

    /// Whether a path has a beginning and no segment that leads out of it.
    static func isPath(_ path: Substring, below beginning: String) -> Bool {
        guard path.hasPrefix(beginning), path.count > beginning.count else { return false }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
            let plain = decoded(segment)
            return !plain.isEmpty && plain != "." && plain != ".." && !plain.contains("/")
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
