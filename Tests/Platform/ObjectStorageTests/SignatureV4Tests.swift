import Foundation
import TestSupport
import Testing

@testable import ObjectStorage

/// Compares our signatures with those of botocore, which signs the same requests in one Python process.
@Suite("Signature Version 4")
struct SignatureV4Tests {
    /// A request as both sides get it.
    struct Case: Codable, Sendable {
        var method = "GET"
        var host = "bucket.s3.eu-central-1.amazonaws.com"
        var path: String
        var query: [[String]] = []
        var headers: [[String]] = []
        var token: String?
        var payload = "UNSIGNED-PAYLOAD"
        var presignedSeconds: Int?

        var request: SignatureV4.Request {
            SignatureV4.Request(
                method: method, path: path, query: query.map { ($0[0], $0[1]) },
                headers: [("Host", host)] + headers.map { ($0[0], $0[1]) })
        }
    }

    struct Answer: Codable {
        let canonical: String
        let signature: String
    }

    private static let time = 1_767_225_599  // 2025-12-31T23:59:59Z
    private static let accessKey = "AKIDEXAMPLE"
    private static let secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

    private static let paths = [
        "/", "/simple", "/a b", "/a  b", "/a+b", "/a%b", "/a%20b", "/a%2Fb", "/ünïcödé", "/日本語/😀", "/e\u{301}", "//",
        "//double//slash//",
        "/trailing/", "/~tilde~/-_.", "/!*'()", "/;:@&=+$,", "/?question", "/#hash", "/[brackets]{braces}", "/quote\"single'",
        "/<tag>",
        "/back\\slash", "/pipe|caret^tick`", "/./dot", "/../dots", "/a/./b/../c", "/\u{7f}", "/\t", "/\u{a0}", "/%", "/%%",
        "/100%",
        "/_manifest.job.json", "/" + String(repeating: "k", count: 900), "/path/bucket/key with spaces/and+plus",
    ]

    private static let queries: [[[String]]] = [
        [["a", ""]], [["uploads", ""]], [["b", "2"], ["a", "1"]], [["a", "2"], ["a", "1"], ["a", ""]],
        [["A", "1"], ["a", "2"], ["B", "3"]],
        [["prefix", "a b+c%d"], ["list-type", "2"]], [["a b", "c d"]], [["a+b", "c+d"]], [["%", "%25"]],
        [["ü", "ö"], ["日", "本"]],
        [["~", "~"], ["-", "-"]], [["a", "/"], ["a/", "b"]], [["a", "=&?#"]],
        [["a-", "1"], ["a", "2"], ["a%", "3"], ["aa", "4"]],
        [["continuation-token", "1/AbC+d=="], ["encoding-type", "url"], ["max-keys", "1000"]], [["", ""]], [["", "x"]],
        [["a", " "], ["a", "!"], ["a", "~"]], [["marker", "\u{1F600}"]],
        [["a", "1"], ["a-b", "1"], ["a b", "1"], ["a.b", "1"]],
    ]

    private static var cases: [Case] {
        var cases = paths.map { Case(path: $0) } + queries.map { Case(path: "/key", query: $0) }
        cases += paths.prefix(12).map { Case(path: $0, query: [["x", "1 2"]], presignedSeconds: 3600) }
        // botocore drops repeated parameters when it presigns, so those are compared above only.
        let unrepeated = queries.filter { Set($0.map { $0[0] }).count == $0.count }
        cases += unrepeated.prefix(12).map { Case(path: "/k y", query: $0, token: "to+ken/with==", presignedSeconds: 604_800) }
        let headers: [[[String]]] = [
            [["Content-Type", "text/plain"]], [["X-Amz-Meta-A", "  padded  "]], [["x-amz-meta-a", "in  ner   spaces"]],
            [["x-amz-meta-a", ""]], [["X-AMZ-META-B", "2"], ["x-amz-meta-a", "1"]], [["If-None-Match", "*"]],
            [["Range", "bytes=0-9"]],
            [["x-amz-meta-list", "a, b,c"]], [["If-Match", "\"etag\""]],
        ]
        cases += headers.map { Case(method: "PUT", path: "/key", headers: $0) }
        cases += ["GET", "PUT", "POST", "DELETE", "HEAD"].map {
            Case(method: $0, path: "/key", token: "session/token+=", payload: ContentHash.of(Array($0.utf8)))
        }
        cases += ["127.0.0.1:8333", "localhost", "b.example:9000"].map { Case(host: $0, path: "/bucket/a key") }
        return cases
    }

    @Test("canonical requests and signatures are botocore's, for awkward keys, queries, headers, tokens and presigned URLs")
    func differential() throws {
        let cases = Self.cases
        #expect(cases.count >= 80)
        let answers = try Self.botocore(cases)
        #expect(answers.count == cases.count)
        for (example, answer) in zip(cases, answers) {
            let signer = SignatureV4(
                credentials: S3Credentials(accessKey: Self.accessKey, secretKey: Self.secretKey, sessionToken: example.token),
                region: "eu-central-1", time: Self.time)
            if let seconds = example.presignedSeconds {
                let query = signer.presigned(example.request, expiresSeconds: seconds).query
                #expect(query.last?.name == "X-Amz-Signature")
                #expect(query.last?.value == answer.signature, "\(example)")
            } else {
                let signed = signer.signed(example.request, payloadHash: example.payload)
                var unsigned = signed
                let authorization = unsigned.headers.removeLast()
                #expect(signer.canonicalRequest(unsigned, payloadHash: example.payload) == answer.canonical, "\(example)")
                #expect(authorization.name == "Authorization")
                #expect(authorization.value.hasSuffix("Signature=\(answer.signature)"), "\(example)")
            }
        }
    }

    @Test("what is signed is what is sent: the URL decodes to the same path and query")
    func sentAsSigned() throws {
        for example in Self.cases {
            let encoded = SignatureV4.encodedPath(example.request)
            #expect(encoded.removingPercentEncoding.map { Array($0.utf8) } == Array(example.path.utf8))
            #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
            let items = URLComponents(string: "http://h/?" + SignatureV4.encodedQuery(example.request))?.queryItems ?? []
            #expect(items.count == example.query.count)
            for (item, pair) in zip(items, example.query) {
                #expect(Array(item.name.utf8) == Array(pair[0].utf8) && Array((item.value ?? "").utf8) == Array(pair[1].utf8))
            }
        }
    }

    @Test("timestamps are right over leap days and year ends")
    func timestamps() {
        for (seconds, text) in [
            (0, "19700101T000000Z"), (Self.time, "20251231T235959Z"), (Self.time + 1, "20260101T000000Z"),
            (1_709_164_800, "20240229T000000Z"), (1_709_251_199, "20240229T235959Z"), (4_107_542_399, "21000228T235959Z"),
            (4_107_542_400, "21000301T000000Z"), (951_782_400, "20000229T000000Z"),
        ] {
            #expect(AmazonDate.timestamp(seconds) == text)
        }
    }

    @Test("a description of credentials hides the secrets")
    func secrets() {
        let credentials = S3Credentials(accessKey: "public", secretKey: "very-secret", sessionToken: "token-secret")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(text.contains("public") && !text.contains("secret"))
        }
    }

    private static func botocore(_ cases: [Case]) throws -> [Answer] {
        let program = """
            import sys, json, datetime
            import botocore.auth, botocore.awsrequest, botocore.credentials
            from urllib.parse import quote
            moment = datetime.datetime(2025, 12, 31, 23, 59, 59)
            class Clock(datetime.datetime):
                @classmethod
                def utcnow(cls): return moment
                @classmethod
                def now(cls, tz=None): return moment.replace(tzinfo=tz) if tz else moment
            try: botocore.auth.get_current_datetime = lambda remove_tzinfo=True: moment
            except AttributeError: pass
            if isinstance(botocore.auth.datetime, type): botocore.auth.datetime = Clock
            else: botocore.auth.datetime = type("Module", (), {"datetime": Clock, "timezone": datetime.timezone})
            for line in sys.stdin:
                case = json.loads(line)
                credentials = botocore.credentials.Credentials(sys.argv[1], sys.argv[2], case.get("token"))
                path = quote(case["path"], safe="/~")
                query = "&".join(quote(n, safe="-_.~") + "=" + quote(v, safe="-_.~") for n, v in case["query"])
                url = "https://" + case["host"] + path + ("?" + query if query else "")
                request = botocore.awsrequest.AWSRequest(method=case["method"], url=url, headers={})
                for name, value in case["headers"]: request.headers[name] = value
                request.context["payload_signing_enabled"] = False
                if case.get("presignedSeconds"):
                    signer = botocore.auth.S3SigV4QueryAuth(credentials, "s3", "eu-central-1", expires=case["presignedSeconds"])
                    canonical = ""
                    signer.add_auth(request)
                    signature = request.url.rsplit("X-Amz-Signature=", 1)[1]
                else:
                    class Signer(botocore.auth.S3SigV4Auth):
                        def payload(self, request): return case["payload"]
                        def _should_sha256_sign_payload(self, request): return True
                        def canonical_request(self, request):
                            self.seen = super().canonical_request(request)
                            return self.seen
                    request.headers["Host"] = case["host"]
                    signer = Signer(credentials, "s3", "eu-central-1")
                    signer.add_auth(request)
                    canonical = signer.seen
                    signature = request.headers["Authorization"].rsplit("Signature=", 1)[1]
                print(json.dumps({"canonical": canonical, "signature": signature}))
            """
        let directory = FileManager.default.temporaryDirectory
        let input = directory.appending(path: "signatures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: input) }
        let encoder = JSONEncoder()
        let lines = try cases.map { try encoder.encode($0) + [0x0a] }.reduce(Data(), +)
        try lines.write(to: input)
        let process = Process()
        process.executableURL = URL(filePath: Repository.python)
        process.arguments = ["-c", program, accessKey, secretKey]
        process.standardInput = try FileHandle(forReadingFrom: input)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let answers = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try answers.split(separator: 0x0a).map { try JSONDecoder().decode(Answer.self, from: $0) }
    }
}
