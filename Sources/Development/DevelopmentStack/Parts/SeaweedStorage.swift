internal import Foundation
public import ObjectStorage
internal import Transfer

/// S3 storage to develop against: SeaweedFS on free ports, its data in a directory.
public struct SeaweedStorage: Sendable {
    /// The process.
    public let process: ManagedProcess
    /// Where it speaks S3, on 127.0.0.1.
    public let port: Int
    private let ports: [Int]
    /// The only account.
    public static let account = (accessKey: "development", secretKey: "development-secret")
    /// The only bucket.
    public static let bucket = "lake"

    /// Starts it and waits until an object can be stored.
    ///
    /// - Parameters:
    ///   - directory: for its data.
    ///   - log: the file for its output.
    public static func start(_ installation: Installation, directory: String, log: String) async throws -> SeaweedStorage {
        let program = try installation.seaweed()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let identities = "\(directory)/identities.json"
        let identity =
            #"{"name":"development","credentials":[{"accessKey":"\#(account.accessKey)","secretKey":"\#(account.secretKey)"}],"#
            + #""actions":["Admin","Read","Write","List","Tagging"]}"#
        try Data(#"{"identities":[\#(identity)]}"#.utf8).write(to: URL(filePath: identities))
        let ports = try (0..<8).map { _ in try LoopbackPort.free() }
        let process = try await ManagedProcess.start(
            ProcessCommand(
                "storage", program: program,
                arguments: [
                    "-logdir=\(directory)", "server", "-dir=\(directory)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                    "-master.telemetry=false",
                    "-volume.max=50", "-master.volumeSizeLimitMB=256", "-master.port=\(ports[0])",
                    "-master.port.grpc=\(ports[1])",
                    "-volume.port=\(ports[2])", "-volume.port.grpc=\(ports[3])", "-filer", "-filer.port=\(ports[4])",
                    "-filer.port.grpc=\(ports[5])", "-s3", "-s3.port=\(ports[6])", "-s3.port.grpc=\(ports[7])",
                    "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false", "-s3.config=\(identities)",
                ] + socketArguments(directory: directory), output: log))
        let storage = SeaweedStorage(process: process, port: ports[6], ports: ports)
        do {
            try await storage.awaitAnswer()
            return storage
        } catch {
            await storage.kill()
            throw error
        }
    }

    /// Ends it.
    ///
    /// - Parameter grace: how long it may take before it is killed.
    public func stop(grace: Duration) async {
        await process.stop(grace: grace)
        removeSockets()
    }

    /// Ends it at once.
    public func kill() async {
        await process.kill()
        removeSockets()
    }

    private func removeSockets() {
        // Those that were never made, or that it removed itself, are gone already.
        for socket in Self.sockets(ports: ports) { try? FileManager.default.removeItem(atPath: socket) }
    }

    /// The sockets that it makes in `/tmp` whatever it is told, one for each gRPC port, and leaves there.
    public static func sockets(ports: [Int]) -> [String] {
        ["master", "volume", "filer", "s3"].flatMap { part in ports.map { "/tmp/seaweedfs-\(part)-grpc-\($0).sock" } }
    }

    /// What puts its other sockets into a directory, if the path isn't too long for one.
    public static func socketArguments(directory: String) -> [String] {
        guard directory.utf8.count < 90 else { return [] }
        return ["filer", "s3"].map { "-\($0).localSocket=\(directory)/\($0).sock" }
    }

    /// Its parts find each other one by one: it is ready when an object can be stored.
    private func awaitAnswer() async throws {
        let store = try store(retry: false)
        let deadline = ContinuousClock.now + .seconds(40)
        while true {
            if let end = process.end { throw DevelopmentError("the storage \(end)", advice: "see \(process.command.output)") }
            do {
                try await store.createBucket()
                try await store.check()
                return
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// The bucket, asked without any proxy.
    ///
    /// - Parameter retry: whether what fails is tried again.
    public func store(retry: Bool = true) throws -> S3ObjectStore {
        try S3ObjectStore(
            S3Configuration(
                bucket: Self.bucket, endpoint: "http://127.0.0.1:\(port)", retry: retry ? RetryPolicy() : .never),
            credentials: { S3Credentials(accessKey: Self.account.accessKey, secretKey: Self.account.secretKey) },
            transport: HTTPClient(HTTPClientConfiguration()))
    }
}
