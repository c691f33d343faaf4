import DevelopmentStack
import Foundation
public import ObjectStorage
import Transfer

/// An S3 server for a test run: SeaweedFS from `.deps`, started once, gone with the test process.
public actor SeaweedServer {
    /// The server of this test process.
    public static let shared = SeaweedServer()

    /// A running server.
    public struct Running: Sendable {
        /// `http://127.0.0.1:<port>`
        public let endpoint: String
        /// `https://localhost:<port>`, where HTTP/2 is offered.
        public let secureEndpoint: String
        /// The endpoint whose subdomains are buckets.
        public let virtualHostEndpoint: String
        /// The trust list of the secure endpoint.
        public let trustList: String
        /// The bucket that all tests share, each below a prefix of its own: the server sets a whole set of volumes apart for each.
        public let bucket = "lake"
        /// An account that may do everything.
        public let credentials = S3Credentials(accessKey: "testkey", secretKey: "testsecret")
        /// An account that may read.
        public let reader = S3Credentials(accessKey: "readerkey", secretKey: "readersecret")
    }

    private var starting: Task<Running, any Error>?
    private var process: BackgroundProcess?

    /// The server, started on the first call.
    public func running() async throws -> Running {
        if let starting { return try await starting.value }
        let task = Task { try await start() }
        starting = task
        return try await task.value
    }

    private func start() async throws -> Running {
        let program = Repository.root.appending(path: ".deps/venv/bin/weed").path()
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Repository.Missing(description: "no \(program): run `make setup`")
        }
        let certificates = try TestCertificates()
        let directory = certificates.directory
        let identities = """
            {"identities":[
              {"name":"admin","credentials":[{"accessKey":"testkey","secretKey":"testsecret"}],
               "actions":["Admin","Read","Write","List","Tagging"]},
              {"name":"reader","credentials":[{"accessKey":"readerkey","secretKey":"readersecret"}],"actions":["Read","List"]}]}
            """
        try Data(identities.utf8).write(to: directory.appending(path: "s3.json"))
        let data = directory.appending(path: "data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        let ports = try (0..<9).map { _ in try FreePort.find() }
        let arguments =
            [
                "-logdir=\(directory.path())", "server", "-dir=\(data.path())", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                "-master.telemetry=false", "-volume.max=50",
            ]
            + ["-master.volumeSizeLimitMB=128", "-master.port=\(ports[0])", "-master.port.grpc=\(ports[1])"]
            + ["-volume.port=\(ports[2])", "-volume.port.grpc=\(ports[3])", "-filer", "-filer.port=\(ports[4])"]
            + ["-filer.port.grpc=\(ports[5])", "-s3", "-s3.port=\(ports[6])", "-s3.port.grpc=\(ports[7])"]
            + ["-s3.port.https=\(ports[8])", "-s3.cert.file=\(certificates.certificate)", "-s3.key.file=\(certificates.key)"]
            + ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false", "-s3.domainName=localhost"]
            + ["-s3.config=\(directory.appending(path: "s3.json").path())"]
        process = try BackgroundProcess(
            program, arguments + SeaweedStorage.socketArguments(directory: directory.path()),
            output: directory.appending(path: "log").path())
        TemporaryFolder.removeAtExit(SeaweedStorage.sockets(ports: ports).map { URL(filePath: $0) })
        let server = Running(
            endpoint: "http://127.0.0.1:\(ports[6])", secureEndpoint: "https://localhost:\(ports[8])",
            virtualHostEndpoint: "http://localhost:\(ports[6])", trustList: certificates.certificate)
        // Ready is when a bucket can be made and an object stored: the parts of the server find each other one by one.
        let store = try S3ObjectStore(
            S3Configuration(bucket: server.bucket, endpoint: server.endpoint, retry: .never),
            credentials: { server.credentials }, transport: HTTPClient())
        for _ in 1...200 {
            if await Self.isReady(store) { return server }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw Repository.Missing(description: "SeaweedFS did not start: see \(directory.path())/log")
    }

    private static func isReady(_ store: S3ObjectStore) async -> Bool {
        do {
            try await store.createBucket()
            try await store.check()
            return true
        } catch {
            return false
        }
    }
}
