public import Transfer

extension HTTPClientConfiguration {
    /// Reads the section `http`:
    ///
    /// - `http.proxy`: a forward proxy, `http://host:port`.
    /// - `http.proxy-user`, `http.proxy-password` (secret reference): its basic authentication.
    /// - `http.trust-list`: a file of certificates that are trusted instead of the system's.
    /// - `http.client-certificate`, `http.client-key`, `http.client-key-password` (secret reference): our own certificate.
    /// - `http.connections-per-host` (16): connections to one host at a time.
    public init(_ settings: Settings) {
        self.init()
        let http = settings.scoped("http")
        maximumConnectionsPerHost = http.int("connections-per-host", default: maximumConnectionsPerHost, in: 1...1000)
        trustList = http.optionalString("trust-list")
        let user = http.optionalString("proxy-user")
        let password = http.optionalSecret("proxy-password")?.reveal()
        if let url = http.optionalURL("proxy", schemes: ["http", "https"]) {
            proxy = HTTPProxy(url: url, user: user, password: password)
        }
        let key = http.optionalString("client-key")
        let keyPassword = http.optionalSecret("client-key-password")?.reveal()
        if let certificate = http.optionalString("client-certificate") {
            if let key {
                clientCertificate = ClientCertificate(certificate: certificate, key: key, password: keyPassword)
            } else {
                http.reject("client-key", given: nil, allowed: "the file of the certificate's key")
            }
        }
    }
}
