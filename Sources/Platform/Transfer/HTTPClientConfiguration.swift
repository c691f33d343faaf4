/// What all requests of a client share.
public struct HTTPClientConfiguration: Sendable {
    /// Which generations of HTTP are offered to servers.
    public enum Protocols: Sendable, Equatable {
        /// HTTP/1.1.
        case http1
        /// HTTP/2 over TLS where the server offers it (ALPN), else HTTP/1.1.
        case http2WhereOffered
    }

    /// What happens when a response points elsewhere.
    public enum Redirects: Sendable, Equatable {
        /// The redirecting response is returned.
        case returned
        /// `Location` is followed so many times; never from `https` to `http`, and `Authorization` isn't sent to another host.
        case followed(maximum: Int)
    }

    /// The name of the client's thread, as tools show it; the system keeps 15 bytes of it.
    public var threadName = "transfer"
    /// The generations of HTTP that are offered.
    public var protocols: Protocols = .http2WhereOffered
    /// Whether concurrent transfers share an HTTP/2 connection; off: each has its own while it lasts.
    ///
    /// It is off because libcurl before 8 stops reading a connection when the reader of one of its streams is slow: readers that
    /// wait for each other would then never end.
    public var sharesConnections = false
    /// What happens when a response points elsewhere.
    public var redirects: Redirects = .returned
    /// The largest number of connections to one host and port; further requests wait for a free one.
    public var maximumConnectionsPerHost = 16
    /// The largest size of a response's headers in bytes, those of interim responses included.
    public var maximumResponseHeaderBytes = 64 * 1024
    /// The number of bytes of a response that are kept for its reader before the transfer is paused.
    public var responseBufferBytes = 1024 * 1024
    /// The forward proxy; nil: none. Environment variables such as `https_proxy` are not consulted.
    public var proxy: HTTPProxy?
    /// The certificate that this client shows to servers.
    public var clientCertificate: ClientCertificate?
    /// The path of a PEM file of trusted certificates in place of the system's.
    public var trustList: String?
    /// The `User-Agent` of requests that don't set their own.
    public var userAgent = "switchboard"

    /// Makes the standard configuration: HTTP/2 where offered, system trust list, no proxy, no redirects.
    public init() {}
}

/// A forward proxy: `CONNECT` for `https`, absolute request targets for `http`.
public struct HTTPProxy: Sendable, CustomStringConvertible {
    /// The proxy's address, such as `http://proxy.example:3128`, without user information.
    public var url: String
    /// The user for basic authentication; nil: none.
    public var user: String?
    /// The password for basic authentication.
    public var password: String?

    /// Makes a proxy address.
    public init(url: String, user: String? = nil, password: String? = nil) {
        self.url = url
        self.user = user
        self.password = password
    }

    /// The address alone.
    public var description: String { RequestTarget.host(of: url) }
}

/// A client certificate and its key, both PEM files.
public struct ClientCertificate: Sendable, CustomStringConvertible {
    /// The path of the certificate, followed in the file by its intermediates.
    public var certificate: String
    /// The path of the private key.
    public var key: String
    /// The password of the private key; nil: it isn't encrypted.
    public var password: String?

    /// Makes a client certificate from paths.
    public init(certificate: String, key: String, password: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.password = password
    }

    /// The paths alone.
    public var description: String { "certificate \(certificate), key \(key)" }
}
