/// The checks and the host name of a request's URL.
enum RequestTarget {
    /// The longest URL in bytes that is sent.
    static let maximumBytes = 16 * 1024

    /// Host and port of a URL for errors and logs; never a user, path or query.
    static func host(of url: String) -> String {
        let authority = split(url)?.authority ?? ""
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        return host.isEmpty ? "invalid URL" : String(host.prefix(255))
    }

    /// What is wrong with a URL; nil: nothing.
    static func problem(in url: String) -> String? {
        guard let (scheme, authority) = split(url) else { return "the URL is not absolute: give http:// or https://" }
        guard ["http", "https"].contains(scheme.lowercased()) else { return "the URL's scheme is neither http nor https" }
        if url.utf8.count > maximumBytes { return "the URL is longer than \(maximumBytes) bytes" }
        if url.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f }) {
            return "the URL holds a character that must be percent-encoded"
        }
        if authority.contains("@") { return "the URL holds a user name: send it as a header" }
        if authority.isEmpty || authority.hasPrefix(":") { return "the URL has no host" }
        return nil
    }

    private static func split(_ url: String) -> (scheme: Substring, authority: Substring)? {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
        let rest = url[url.index(colon, offsetBy: 3)...]
        return (url[..<colon], rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }
}
