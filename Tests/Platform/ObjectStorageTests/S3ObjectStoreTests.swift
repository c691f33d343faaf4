import Foundation
import Synchronization
import TestSupport
import Testing
import Transfer

@testable import ObjectStorage

@Suite("S3 object store: errors, repetitions, lost answers")
struct S3ObjectStoreTests {
    private let key: ObjectKey

    init() throws { key = try ObjectKey("object") }

    private func store(
        _ service: ScriptedService, attempts: Int = 4, addressing: S3Configuration.Addressing? = nil,
        endpoint: String = "http://service"
    ) throws -> S3ObjectStore {
        try S3ObjectStore(
            S3Configuration(
                bucket: "bucket", endpoint: endpoint, addressing: addressing, partBytes: 5 << 20,
                retry: RetryPolicy(maximumAttempts: attempts, firstDelay: .zero, maximumDelay: .zero)),
            credentials: { S3Credentials(accessKey: "access", secretKey: "very-secret") }, transport: service)
    }

    private static func error(_ code: String, _ status: Int, _ headers: HTTPHeaders = [:]) -> ScriptedService.Answer {
        .response(status, headers, "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>why</Message></Error>")
    }

    @Test(
        "an error answer becomes a typed error; only what may pass is repeated",
        arguments: [
            ("NoSuchKey", 404, .notFound, 1), ("NoSuchBucket", 404, .noSuchRoot, 1), ("AccessDenied", 403, .accessDenied, 1),
            ("InvalidAccessKeyId", 403, .wrongCredentials, 1), ("SignatureDoesNotMatch", 403, .wrongCredentials, 1),
            ("ExpiredToken", 400, .wrongCredentials, 1), ("RequestTimeTooSkewed", 403, .wrongCredentials, 1),
            ("AuthorizationHeaderMalformed", 400, .wrongCredentials, 1), ("SlowDown", 503, .throttled, 4),
            ("ServiceUnavailable", 503, .unavailable, 4), ("InternalError", 500, .unavailable, 4),
            ("RequestTimeout", 400, .unavailable, 4),
            ("QuotaExceeded", 403, .noSpace, 1), ("XMinioStorageFull", 507, .noSpace, 1),
            ("PermanentRedirect", 301, .misconfigured, 1),
            ("", 502, .unavailable, 4), ("", 429, .throttled, 4), ("", 507, .noSpace, 1), ("", 401, .wrongCredentials, 1),
            ("Whatever", 400, .corrupt, 1), ("EntityTooLarge", 400, .tooLarge, 1),
        ] as [(String, Int, ObjectStorageError.Kind, Int)])
    func errors(code: String, status: Int, kind: ObjectStorageError.Kind, attempts: Int) async throws {
        let service = ScriptedService { _, _ in Self.error(code, status) }
        let store = try store(service)
        await expectError(kind) { try await store.put(key, bytes: [1]) }
        #expect(service.requests.count == attempts)
        await expectError(kind) { _ = try await store.list(prefix: "").collect() }
        do throws(ObjectStorageError) {
            try await store.check()
        } catch {
            #expect(!error.description.contains("very-secret"))
            #expect(error.store == "s3://bucket")
        }
    }

    @Test("what passes is repeated until it succeeds, with the same bytes")
    func repeated() async throws {
        let service = ScriptedService { _, number in
            switch number {
            case 1: Self.error("SlowDown", 503, ["Retry-After": "0"])
            case 2: .failure(.connectionLost)
            case 3: .response(500, [:], "<html>not XML")
            default: .response(200, ["ETag": "\"x\""], "")
            }
        }
        let result = try await store(service).put(key, bytes: Array("hello".utf8))
        #expect(result.bytes == 5)
        #expect(service.requests.count == 4)
        #expect(service.requests.allSatisfy { $0.bytes == Array("hello".utf8) && $0.url == "http://service/bucket/object" })
        #expect(service.requests.allSatisfy { $0.headers["x-amz-meta-sha256"] == result.sha256 })
        #expect(service.requests.allSatisfy { $0.headers["x-amz-content-sha256"] == result.sha256 })
    }

    @Test(
        "TLS and proxy settings that are wrong are not repeated",
        arguments: [TransferError.Kind.tls, .unusable, .proxyRefused(status: 407)])
    func notRepeated(kind: TransferError.Kind) async throws {
        let service = ScriptedService { _, _ in .failure(kind) }
        await #expect(throws: ObjectStorageError.self) { try await store(service).put(key, bytes: [1]) }
        #expect(service.requests.count == 1)
    }

    @Test("a put with ifAbsent whose answer got lost has won when the object is its own", arguments: [true, false])
    func lostAnswer(isOwn: Bool) async throws {
        let service = ScriptedService { request, number in
            if request.method == .head {
                let own = request.sentBefore.first?.headers["x-amz-meta-put-id"] ?? ""
                return .response(200, ["Content-Length": "1", "x-amz-meta-put-id": isOwn ? own : "another's"], "")
            }
            return number == 1 ? .failure(.connectionLost) : Self.error("PreconditionFailed", 412)
        }
        let store = try store(service)
        if isOwn {
            _ = try await store.put(key, bytes: [1], options: PutOptions(ifAbsent: true))
        } else {
            await expectError(.alreadyExists) { try await store.put(key, bytes: [1], options: PutOptions(ifAbsent: true)) }
        }
        #expect(service.requests.first?.headers["If-None-Match"] == "*")
    }

    @Test("a first attempt that finds an object has lost, without looking further")
    func lost() async throws {
        let service = ScriptedService { _, _ in Self.error("PreconditionFailed", 412) }
        await expectError(.alreadyExists) { try await store(service).put(key, bytes: [1], options: PutOptions(ifAbsent: true)) }
        #expect(service.requests.count == 1)
    }

    /// A service that takes multipart uploads and answers their completion by script.
    private func multipart(_ complete: @escaping @Sendable (ScriptedService.Request, Int) -> ScriptedService.Answer)
        -> ScriptedService
    {
        let completions = Mutex(0)
        return ScriptedService { request, _ in
            if request.method == .post, request.url.hasSuffix("?uploads=") {
                return .response(
                    200, [:], "<InitiateMultipartUploadResult><UploadId>up&amp;1</UploadId></InitiateMultipartUploadResult>")
            }
            if request.method == .put { return .response(200, ["ETag": "\"tag\(request.bytes.count)\""], "") }
            if request.method == .post {
                return complete(
                    request,
                    completions.withLock {
                        $0 += 1
                        return $0
                    })
            }
            return request.method == .head
                ? .response(
                    200, ["Content-Length": "1", "x-amz-meta-put-id": request.sentBefore[0].headers["x-amz-meta-put-id"] ?? ""],
                    "")
                : .response(204, [:], "")
        }
    }

    private static let completed = ScriptedService.Answer.response(200, [:], "<CompleteMultipartUploadResult/>")
    private let large = [UInt8](repeating: 7, count: 11 << 20)

    @Test("more than a part goes in parts of equal size, in order, and is completed with their tags")
    func parts() async throws {
        let service = multipart { _, _ in Self.completed }
        let result = try await store(service).put(key, bytes: large, options: PutOptions(contentType: "text/x", ifAbsent: true))
        #expect(result.bytes == 11 << 20)
        let requests = service.requests
        #expect(requests.map(\.method) == [.post, .put, .put, .put, .post])
        #expect(requests[0].headers["content-type"] == "text/x")
        #expect(requests.map(\.bytes.count)[1...3] == [5 << 20, 5 << 20, 1 << 20])
        #expect(requests[2].url.hasSuffix("?partNumber=2&uploadId=up%261"))
        #expect(requests[4].headers["If-None-Match"] == "*")
        let document = String(decoding: requests[4].bytes, as: UTF8.self)
        #expect(document.contains("<Part><PartNumber>3</PartNumber><ETag>\"tag1048576\"</ETag></Part></CompleteMultipartUpload>"))
    }

    @Test("exactly one part needs no upload in parts")
    func onePart() async throws {
        let service = multipart { _, _ in Self.completed }
        _ = try await store(service).put(key, bytes: [UInt8](repeating: 1, count: 5 << 20))
        #expect(service.requests.map(\.method) == [.put])
    }

    @Test("an error document that comes with 200 is an error, and is repeated when it may pass")
    func lateError() async throws {
        let passing = multipart { _, number in number == 1 ? Self.error("InternalError", 200) : Self.completed }
        _ = try await store(passing).put(key, bytes: large)
        let staying = multipart { _, _ in Self.error("AccessDenied", 200) }
        await expectError(.accessDenied) { try await store(staying).put(key, bytes: large) }
        #expect(staying.requests.last?.method == .delete, "the upload is aborted")
    }

    @Test("a completion whose answer got lost has succeeded when the object is its own")
    func lostCompletion() async throws {
        let service = multipart { _, number in number == 1 ? .failure(.connectionLost) : Self.error("NoSuchUpload", 404) }
        #expect(try await store(service).put(key, bytes: large).bytes == 11 << 20)
        let gone = multipart { _, _ in Self.error("NoSuchUpload", 404) }
        await #expect(throws: ObjectStorageError.self) { try await store(gone).put(key, bytes: large) }
    }

    @Test("a part that fails for good aborts the upload")
    func failedPart() async throws {
        let service = ScriptedService { request, _ in
            if request.method == .post {
                return .response(
                    200, [:], "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
            }
            return request.method == .put ? Self.error("AccessDenied", 403) : .response(204, [:], "")
        }
        await expectError(.accessDenied) { try await store(service).put(key, bytes: large) }
        #expect(service.requests.map(\.method) == [.post, .put, .delete])
    }

    @Test("reading goes on where it broke off, as long as the object is the same")
    func continued() async throws {
        let content = Array("0123456789".utf8)
        let service = ScriptedService { request, number in
            let from = request.headers["Range"].flatMap { Int($0.dropFirst(6).prefix { $0 != "-" }) } ?? 0
            if number > 1 {
                #expect(request.headers["If-Match"] == "\"v1\"")
                #expect(request.headers["Range"] == "bytes=\(from)-9")
            }
            // Three bytes at a time, then the connection is lost.
            return .broken(
                number == 1 ? 200 : 206, ["Content-Length": "\(10 - from)", "ETag": "\"v1\""],
                Array(content[from..<min(10, from + 3)]),
                isBroken: from + 3 < 10)
        }
        let body = try await store(service).get(key)
        #expect(body.size == 10)
        #expect(try await body.collect(upTo: 10) == content)
        #expect(service.requests.count == 4)
    }

    @Test("reading that breaks off again and again without a byte gives up; one whose object changed says so")
    func notContinued() async throws {
        let hopeless = ScriptedService { _, number in
            .broken(number == 1 ? 200 : 206, ["Content-Length": "10", "ETag": "\"v1\""], [], isBroken: true)
        }
        await expectError(.unavailable) { _ = try await store(hopeless).get(key).collect(upTo: 10) }
        #expect(hopeless.requests.count == 4)
        let replaced = ScriptedService { _, number in
            number == 1
                ? .broken(200, ["Content-Length": "10", "ETag": "\"v1\""], [1], isBroken: true)
                : Self.error("PreconditionFailed", 412)
        }
        await expectError(.unavailable) { _ = try await store(replaced).get(key).collect(upTo: 10) }
    }

    @Test("a server that ignores the range is found out")
    func ignoredRange() async throws {
        let service = ScriptedService { _, _ in .response(200, ["Content-Length": "10"], "0123456789") }
        await expectError(.corrupt) { _ = try await store(service).get(key, range: 2..<4) }
    }

    @Test(
        "a listing that can't be right is refused",
        arguments: [
            "", "no XML", "<Other/>", "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%zz</Key><Size>1</Size></Contents></ListBucketResult>",
        ])
    func wrongListing(document: String) async throws {
        let service = ScriptedService { _, _ in .response(200, [:], document) }
        await expectError(.corrupt) { _ = try await store(service).list(prefix: "").collect() }
    }

    @Test("a truncated listing whose token stays the same ends with an error instead of never")
    func endlessListing() async throws {
        let service = ScriptedService { _, _ in
            .response(
                200, [:],
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
            )
        }
        await expectError(.corrupt) { _ = try await store(service).list(prefix: "").collect() }
    }

    @Test("listed keys are decoded when the service says that they are encoded, and folder markers are left out")
    func encodedListing() async throws {
        let service = ScriptedService { _, _ in
            .response(
                200, [:],
                "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%2Bb+c%C3%BC</Key><Size>5</Size><ETag>&quot;e&quot;</ETag>"
                    + "<LastModified>2026-01-02T03:04:05.678Z</LastModified></Contents><Contents><Key>folder/</Key><Size>0</Size></Contents></ListBucketResult>"
            )
        }
        let objects = try await store(service).list(prefix: "").collect()
        #expect(objects.map(\.key.text) == ["a+b cü"])
        #expect(objects.first?.etag == "e")
        #expect(objects.first?.modified.map { Int($0.timeIntervalSince1970) } == 1_767_323_045)
    }

    @Test("the bucket is in the path or in the host, and the scheme's own port isn't signed")
    func addressing() async throws {
        let service = ScriptedService { _, _ in .response(200, ["Content-Length": "0"], "") }
        _ = try await store(service, addressing: .virtualHost, endpoint: "https://s3.example:443/").head(key)
        _ = try await store(service, addressing: .path, endpoint: "http://s3.example:8333").head(key)
        #expect(service.requests.map(\.url) == ["https://bucket.s3.example/object", "http://s3.example:8333/bucket/object"])
        for endpoint in ["s3.example", "ftp://x", "http://", "http://a/b", "http://u:p@h"] {
            #expect(throws: ObjectStorageError.self) { try store(service, endpoint: endpoint) }
        }
    }
}

@Suite("S3 object store on SeaweedFS")
struct S3OnSeaweedTests {
    private func store(
        credentials: S3Credentials? = nil, bucket: String? = nil, virtualHost: Bool = false
    ) async throws -> S3ObjectStore {
        let server = try await SeaweedServer.shared.running()
        return try S3ObjectStore(
            S3Configuration(
                bucket: bucket ?? server.bucket, prefix: "tests/\(UUID().uuidString)",
                endpoint: virtualHost ? server.virtualHostEndpoint : server.endpoint,
                addressing: virtualHost ? .virtualHost : .path,
                partBytes: 5 << 20, retry: .never),
            credentials: { credentials ?? server.credentials }, transport: HTTPClient())
    }

    @Test("wrong keys, a missing right and a missing bucket are told apart, with advice")
    func refusals() async throws {
        let server = try await SeaweedServer.shared.running()
        let wrongSecret = S3Credentials(accessKey: server.credentials.accessKey, secretKey: "wrong")
        await expectError(.wrongCredentials) { try await store(credentials: wrongSecret).check() }
        await expectError(.wrongCredentials) {
            try await store(credentials: S3Credentials(accessKey: "no", secretKey: "x")).check()
        }
        await expectError(.accessDenied) { try await store(credentials: server.reader).check() }
        await expectError(.noSuchRoot) { try await store(bucket: "no-such-bucket").check() }
    }

    @Test("a signed URL puts and gets without credentials, for its method alone")
    func signedURL() async throws {
        let store = try await store()
        let key = try ObjectKey("a b+c/ü?&=%")
        let client = HTTPClient()
        let put = try await store.signedURL(key, method: .put, expires: .seconds(60))
        #expect(try await client.send(HTTPRequest(.put, put, body: .text("signed"))).isSuccess)
        let get = try await store.signedURL(key, method: .get, expires: .seconds(60))
        #expect(try await client.send(HTTPRequest(.get, get)).body.collect(upTo: 100) == Array("signed".utf8))
        #expect(try await client.send(HTTPRequest(.put, get, body: .text("x"))).status == 403)
        #expect(try await client.send(HTTPRequest(.get, get + "0")).status == 403)
        await expectError(.unsupported) { _ = try await store.signedURL(key, method: .get, expires: .seconds(604_801)) }
    }

    @Test("a bucket in the host name works like one in the path")
    func virtualHost() async throws {
        let store = try await store(virtualHost: true)
        let key = try ObjectKey("a b/c")
        try await store.put(key, bytes: [1, 2, 3])
        #expect(try await store.read(key, upTo: 3) == [1, 2, 3])
        #expect(try await store.list(prefix: "a b/").collect().map(\.key) == [key])
        try await store.delete(key)
    }

    @Test("uploads that killed writers have left are found and aborted when they are old enough")
    func abandoned() async throws {
        let store = try await store()
        _ = try await S3Uploads(client: store.client).create(store.client.name(of: try ObjectKey("x")), headers: [])
        #expect(try await store.removeAbandoned(olderThan: .seconds(3600)) == 0)
        #expect(try await store.removeAbandoned(olderThan: .seconds(-60)) == 1)
        #expect(try await store.removeAbandoned(olderThan: .seconds(-60)) == 0)
    }

    @Test("boto3 reads what was put here, and the other way round")
    func boto() async throws {
        let server = try await SeaweedServer.shared.running()
        let store = try await store()
        let key = try ObjectKey("a b+c/ü 100%.bin")
        try await store.put(key, bytes: [UInt8](repeating: 5, count: 6 << 20), options: PutOptions(contentType: "text/x-test"))
        let program = """
            import boto3, hashlib, sys
            endpoint, access, secret, bucket, key = sys.argv[1:]
            s3 = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1")
            got = s3.get_object(Bucket=bucket, Key=key)
            assert got["Body"].read() == b"\\5" * (6 << 20) and got["ContentType"] == "text/x-test"
            s3.put_object(Bucket=bucket, Key=key + ".boto", Body=b"from boto")
            """
        let process = Process()
        process.executableURL = URL(filePath: Repository.python)
        process.arguments = [
            "-c", program, server.endpoint, "testkey", "testsecret", server.bucket, store.client.name(of: key),
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try await store.read(try ObjectKey(key.text + ".boto"), upTo: 100) == Array("from boto".utf8))
    }

    @Test("memory stays flat while 256 MiB go up and come down over HTTP/2 to a slow reader")
    func flatMemory() async throws {
        let server = try await SeaweedServer.shared.running()
        await #expect(processExitsWith: .success) {
            [endpoint = server.secureEndpoint as String, trustList = server.trustList as String, bucket = server.bucket as String]
            in
            var client = HTTPClientConfiguration()
            client.trustList = trustList
            let store = try S3ObjectStore(
                S3Configuration(bucket: bucket, prefix: "flat", endpoint: endpoint),
                credentials: { S3Credentials(accessKey: "testkey", secretKey: "testsecret") }, transport: HTTPClient(client))
            let key = try ObjectKey("large-\(UUID().uuidString)")
            try await store.put(key, bytes: [])
            let before = ProcessFigures.residentBytes
            var highest = before
            let writer = try await store.put(key)
            let chunk = [UInt8](repeating: 9, count: 1 << 20)
            for _ in 0..<256 {
                try await writer.write(chunk)
                highest = max(highest, ProcessFigures.residentBytes)
            }
            _ = try await writer.finish()
            let afterUpload = highest - before
            highest = 0
            var received = 0
            for try await chunk in try await store.get(key) {
                received += chunk.count
                if received % (8 << 20) < chunk.count { try await Task.sleep(for: .milliseconds(10)) }
                highest = max(highest, ProcessFigures.residentBytes)
            }
            try await store.delete(key)
            #expect(received == 256 << 20)
            #expect(afterUpload < 40 << 20)
            #expect(highest - before < 40 << 20)
        }
    }
}
