public import Foundation

/// A self-signed certificate for `localhost` and 127.0.0.1, made anew for each test run.
public struct TestCertificates: Sendable {
    /// The directory that holds the files.
    public let directory: URL

    /// The path of the certificate, which is its own trust list.
    public var certificate: String { directory.appending(path: "certificate.pem").path() }
    /// The path of the key.
    public var key: String { directory.appending(path: "key.pem").path() }

    /// Makes a certificate with the `openssl` program.
    ///
    /// - Parameter keyPassword: encrypts the key.
    public init(keyPassword: String? = nil) throws {
        directory = try TemporaryFolder.make("switchboard-certificates")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "3", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1", "-keyout", key, "-out",
                certificate,
            ] + (keyPassword.map { ["-passout", "pass:\($0)"] } ?? ["-nodes"])
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Repository.Missing(description: "no openssl: run `make setup`") }
    }
}
