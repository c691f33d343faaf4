import Foundation
import TestSupport
import Testing
import Transfer

@Suite("HTTP client: TLS, HTTP/2, client certificates, proxies")
struct SecureTransferTests {
    private func error(_ client: HTTPClient, _ url: String) async -> TransferError? {
        do throws(TransferError) {
            _ = try await client.send(HTTPRequest(.get, url))
            return nil
        } catch {
            return error
        }
    }

    private func trusting(_ trustList: String) -> HTTPClientConfiguration {
        var configuration = HTTPClientConfiguration()
        configuration.trustList = trustList
        return configuration
    }

    @Test("a self-signed server is refused, and accepted by a client with the right trust list")
    func trust() async throws {
        let server = try await SeaweedServer.shared.running()
        let error = await error(HTTPClient(), server.secureEndpoint)
        #expect(error?.kind == .tls)
        #expect(error?.isRetriable == false)
        #expect(error?.description.contains("trust list") == true)
        #expect(await self.error(HTTPClient(trusting(server.trustList)), server.secureEndpoint) == nil)
    }

    @Test("a certificate for another name is refused")
    func wrongName() async throws {
        let server = try await SeaweedServer.shared.running()
        let url = server.secureEndpoint.replacing("localhost", with: "ip6-localhost")
        let error = await error(HTTPClient(trusting(server.trustList)), url)
        // Where the name has no address the connection fails earlier; it must never succeed.
        #expect([.tls, .couldNotResolve, .couldNotConnect].contains(error?.kind))
        let other = try TestCertificates()
        #expect(await self.error(HTTPClient(trusting(other.certificate)), server.secureEndpoint)?.kind == .tls)
    }

    @Test("a trust list that isn't there is named as the reason")
    func missingTrustList() async throws {
        let server = try await SeaweedServer.shared.running()
        let error = await error(HTTPClient(trusting("/nowhere.pem")), server.secureEndpoint)
        #expect(error?.kind == .tls)
        #expect(error?.message.contains("trust list can't be read") == true)
    }

    @Test("HTTP/2 is spoken where it is offered, and can be turned off")
    func http2() async throws {
        let server = try await SeaweedServer.shared.running()
        var configuration = trusting(server.trustList)
        #expect(try await HTTPClient(configuration).send(HTTPRequest(.get, server.secureEndpoint)).version == .http2)
        configuration.protocols = .http1
        #expect(try await HTTPClient(configuration).send(HTTPRequest(.get, server.secureEndpoint)).version == .http1)
    }

    @Test("a server that asks for a client certificate gets it, with an encrypted key")
    func clientCertificate() async throws {
        let certificates = try TestCertificates()
        let own = try TestCertificates(keyPassword: "key-secret")
        let server = try await TLSServer.start(certificates, trusting: own)
        var configuration = trusting(certificates.certificate)
        #expect(await error(HTTPClient(configuration), server.url) != nil)
        configuration.clientCertificate = ClientCertificate(certificate: own.certificate, key: own.key, password: "key-secret")
        let response = try await HTTPClient(configuration).send(HTTPRequest(.get, server.url))
        #expect(try await response.body.collect(upTo: 100) == Array("localhost".utf8))
        configuration.clientCertificate = ClientCertificate(certificate: own.certificate, key: own.key, password: "wrong-secret")
        let error = await error(HTTPClient(configuration), server.url)
        #expect(error?.kind == .tls)
        #expect(error?.description.contains("wrong-secret") == false)
    }

    @Test("plain requests go through a forward proxy with credentials")
    func proxy() async throws {
        let proxy = try RawServer { connection in
            while let request = try connection.readRequest() {
                let seen = "\(request.line)|\(request.header("Proxy-Authorization") ?? "")"
                try connection.respond(body: Array(seen.utf8))
            }
        }
        defer { proxy.stop() }
        var configuration = HTTPClientConfiguration()
        configuration.proxy = HTTPProxy(url: proxy.url, user: "user", password: "proxy-secret")
        let response = try await HTTPClient(configuration).send(HTTPRequest(.get, "http://upstream.invalid/a?b"))
        let expected = "GET http://upstream.invalid/a?b HTTP/1.1|Basic \(Data("user:proxy-secret".utf8).base64EncodedString())"
        #expect(try await response.body.collect(upTo: 1000) == Array(expected.utf8))
        #expect(!"\(configuration)".contains("proxy-secret"))
    }

    @Test("TLS goes through a proxy by CONNECT, and a proxy that refuses is told apart from the server", arguments: [407, 503])
    func connect(status: Int) async throws {
        let server = try await SeaweedServer.shared.running()
        let refusing = try RawServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 \(status) No\r\nContent-Length: 0\r\n\r\n")
        }
        defer { refusing.stop() }
        let target = try RawServer { connection in
            guard let head = try connection.readHead() else { return }
            #expect(head.line.hasPrefix("CONNECT localhost:"))
            #expect(head.header("Authorization") == nil)
            // The tunnel itself isn't needed to see that it was asked for and is used for TLS.
            try connection.write("HTTP/1.1 200 OK\r\n\r\n")
            #expect(try connection.read(exactly: 1) == [0x16])
        }
        defer { target.stop() }
        var configuration = trusting(server.trustList)
        configuration.proxy = HTTPProxy(url: refusing.url)
        let error = await error(HTTPClient(configuration), server.secureEndpoint)
        #expect(error?.kind == .proxyRefused(status: status))
        #expect(error?.isRetriable == (status == 503))
        configuration.proxy = HTTPProxy(url: target.url)
        #expect(await self.error(HTTPClient(configuration), server.secureEndpoint)?.kind == .tls)
    }
}

/// A small HTTPS server of Python's that asks for a client certificate and answers with its subject's name.
struct TLSServer {
    let process: BackgroundProcess
    let url: String

    static func start(_ certificates: TestCertificates, trusting client: TestCertificates) async throws -> TLSServer {
        let port = try FreePort.find()
        let program = """
            import http.server, ssl, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    name = dict(part[0] for part in self.connection.getpeercert()["subject"])["commonName"].encode()
                    self.send_response(200); self.send_header("Content-Length", str(len(name))); self.end_headers()
                    self.wfile.write(name)
            server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[2], sys.argv[3])
            context.load_verify_locations(sys.argv[4])
            context.verify_mode = ssl.CERT_REQUIRED
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.serve_forever()
            """
        let process = try BackgroundProcess(
            Repository.python, ["-c", program, "\(port)", certificates.certificate, certificates.key, client.certificate],
            output: certificates.directory.appending(path: "server.log").path())
        let plain = HTTPClient()
        // Until it listens nothing answers; after that TLS is what a plain request fails at.
        for _ in 0..<200 {
            do throws(TransferError) {
                _ = try await plain.send(HTTPRequest(.get, "http://127.0.0.1:\(port)/"))
                break
            } catch {
                if error.kind != .couldNotConnect { break }
                try await Task.sleep(for: .milliseconds(25))
            }
        }
        return TLSServer(process: process, url: "https://localhost:\(port)/")
    }
}
