/// Where a secret is kept; configurations hold these instead of secrets.
///
/// `env:NAME` is an environment variable, `file:/path` the content of a file without one trailing newline, and
/// `gcp-secret:projects/P/secrets/S/versions/V` a version in Google Cloud's Secret Manager.
public enum SecretReference: Sendable, Hashable, CustomStringConvertible {
    /// An environment variable.
    case environment(String)
    /// A file, by its absolute path.
    case file(String)
    /// A version of a secret in Google Cloud's Secret Manager, by its resource name.
    case googleCloud(String)

    /// What a reference may look like, for messages.
    public static let allowed = "env:NAME, file:/path or gcp-secret:projects/P/secrets/S/versions/V"

    /// Parses a reference.
    ///
    /// - Parameter text: The text in the configuration.
    /// - Returns: Nil when the text is no reference; it may then be a secret itself and must not be shown.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "env":
            guard let first = rest.utf8.first, first < 0x30 || first > 0x39,
                rest.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5a).contains($0 & 0xdf) || $0 == 0x5f })
            else { return nil }
            self = .environment(rest)
        case "file":
            let path = rest.hasPrefix("///") ? String(rest.dropFirst(2)) : rest
            guard path.hasPrefix("/"), path.count > 1, !path.utf8.contains(0) else { return nil }
            self = .file(path)
        case "gcp-secret":
            let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 6, parts[0] == "projects", parts[2] == "secrets", parts[4] == "versions",
                !parts.contains(where: \.isEmpty)
            else { return nil }
            self = .googleCloud(rest)
        default: return nil
        }
    }

    /// The reference as written in a configuration. It's no secret.
    public var description: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .googleCloud(let name): "gcp-secret:\(name)"
        }
    }
}

/// Turns secret references into secrets.
public struct SecretResolver: Sendable {
    /// Fetches a version of a secret from Google Cloud, given its resource name.
    public typealias GoogleCloud = @Sendable (_ resourceName: String) async throws(SecretError) -> Secret

    /// The largest accepted secret file, in bytes.
    public static let maximumBytes = 64 * 1024

    private let environment: [String: String]
    private let googleCloud: GoogleCloud?
    private var fetched: [String: Result<Secret, SecretError>] = [:]

    /// Creates a resolver.
    ///
    /// - Parameters:
    ///   - environment: The environment variables that `env:` references name.
    ///   - googleCloud: What fetches `gcp-secret:` references; without it they fail with a clear error.
    public init(environment: [String: String], googleCloud: GoogleCloud? = nil) {
        self.environment = environment
        self.googleCloud = googleCloud
    }

    /// Resolves a reference. Files are read again each time, so a rotated secret is picked up by who asks again.
    ///
    /// - Parameter reference: The reference; one to Google Cloud must have been fetched before (see ``Settings/load``).
    /// - Throws: ``SecretError`` when there is no such secret, it's empty or it cannot be read.
    public func resolve(_ reference: SecretReference) throws(SecretError) -> Secret {
        let text: String
        switch reference {
        case .environment(let name):
            guard let value = environment[name] else {
                throw SecretError("the environment variable \(name) is not set; set it or correct the reference")
            }
            text = value
        case .file(let path): text = try Self.read(path)
        case .googleCloud(let name):
            guard let result = fetched[name] else {
                throw SecretError(
                    "gcp-secret references are not available in this program; use env:NAME, or file:/path with a mounted secret")
            }
            return try result.get()
        }
        guard !text.isEmpty else { throw SecretError("the secret \(reference) is empty; store a value there") }
        return Secret(text)
    }

    /// Returns a resolver that has fetched what needs the network, so that getters need not wait.
    ///
    /// - Parameter references: The references that a configuration contains; only those to Google Cloud are fetched.
    public func fetching(_ references: [SecretReference]) async -> SecretResolver {
        guard let googleCloud else { return self }
        var resolver = self
        for case .googleCloud(let name) in references where fetched[name] == nil {
            do throws(SecretError) {
                resolver.fetched[name] = .success(try await googleCloud(name))
            } catch {
                resolver.fetched[name] = .failure(error)
            }
        }
        return resolver
    }

    private static func read(_ path: String) throws(SecretError) -> String {
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, maximumBytes: maximumBytes)
        } catch {
            throw SecretError("the file \(path) cannot be read (\(error)); check the path and its permissions")
        }
        guard bytes.count <= maximumBytes else { throw SecretError("the file \(path) is larger than \(maximumBytes) bytes") }
        guard var text = String(validating: bytes, as: UTF8.self) else { throw SecretError("the file \(path) is not UTF-8 text") }
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        return text
    }
}
