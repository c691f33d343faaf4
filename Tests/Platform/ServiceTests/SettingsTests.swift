import Testing

@testable import Service

@Suite("Settings")
struct SettingsTests {
    private enum Order: String, CaseIterable { case asc, desc, unordered }

    @Test("keys may be written nested or dotted, and the environment wins over the file")
    func layers() throws {
        let settings = try Settings(
            yaml: """
                kafka:
                  bootstrap.servers: one:9092
                  client:
                    id: from-file
                fetch.page-size: 25
                """,
            environment: ["SWITCHBOARD_KAFKA_CLIENT_ID": "from-environment", "SWITCHBOARD_FETCH_PAGE_SIZE": "50", "OTHER": "x"])
        let kafka = settings.scoped("kafka")
        #expect(kafka.string("bootstrap.servers") == "one:9092")
        #expect(kafka.string("client.id") == "from-environment")
        #expect(settings.int("fetch.page-size", default: 1, in: 1...100) == 50)
        try settings.finish()
        #expect(settings.unusedEnvironment.isEmpty)
    }

    @Test("all problems are reported at once, one line each, with key, value and what is allowed")
    func problems() throws {
        let settings = try Settings(
            yaml: """
                fetch: {page-size: 1000, timeout: 5, order: up}
                lake: {url: "ftp://x/y"}
                quick: maybe
                """)
        let fetch = settings.scoped("fetch")
        _ = fetch.int("page-size", default: 100, in: 1...100)
        _ = fetch.duration("timeout", default: .seconds(1), in: .milliseconds(100) ... .seconds(60))
        let _: Order = fetch.choice("order", default: .asc)
        _ = settings.url("lake.url", schemes: ["file", "s3"])
        _ = settings.bool("quick", default: true)
        _ = settings.string("name")
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(
            error?.description == """
                fetch.page-size: 1000 is not allowed: an integer from 1 to 100
                fetch.timeout: 5 is not allowed: a duration such as 250ms, 30s, 5m, 1h or 1d, from 100ms to 1m
                fetch.order: up is not allowed: asc, desc or unordered
                lake.url: ftp://x/y is not allowed: a URL that begins with file:// or s3://, without user name, password or spaces
                quick: maybe is not allowed: true or false
                name is missing: a text
                """)
    }

    @Test(
        "an unknown key is a problem that names the nearest known one, but not its value",
        arguments: [
            ("fetch: {page_size: 3}", "fetch.page_size: unknown key in configuration line 1; did you mean fetch.page-size?"),
            ("fetch: {pageSize: 3}", "fetch.pageSize: unknown key in configuration line 1; did you mean fetch.page-size?"),
            ("fetch:\n  pgae-size: 3", "fetch.pgae-size: unknown key in configuration line 2; did you mean fetch.page-size?"),
            ("password: hunter2", "password: unknown key in configuration line 1; remove it; known here: fetch"),
        ])
    func unknownKeys(yaml: String, expected: String) throws {
        let settings = try Settings(yaml: yaml)
        _ = settings.int("fetch.page-size", default: 100, in: 1...100)
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.description == expected)
    }

    @Test(
        "a section with nothing in it is as good as none; what is missing from it is told by its key",
        arguments: ["fetch:\n", "fetch:\n#  page-size: 3\nlake:\n", "fetch: ~\nlake: {}", "routes:\nfetch:\n  deep:\n"])
    func emptySections(yaml: String) throws {
        let settings = try Settings(yaml: yaml)
        _ = settings.int("fetch.page-size", default: 100, in: 1...100)
        _ = settings.string("fetch.deep.name", default: "x")
        #expect(settings.sections("routes").isEmpty)
        _ = settings.url("lake.url", schemes: ["file"])
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(
            error?.description
                == "lake.url is missing: a URL that begins with file://, without user name, password or spaces")
    }

    @Test("an unknown key without a value is still unknown")
    func emptyUnknown() throws {
        let settings = try Settings(yaml: "fetsh:\n")
        _ = settings.int("fetch.page-size", default: 100, in: 1...100)
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.description.hasPrefix("fetsh: unknown key") == true)
    }

    @Test(
        "a directory's URL may hold spaces, another one may not",
        arguments: [
            ("file:///my directory/lake", true), ("file:///my%20directory", true), ("s3://bucket/my prefix", false),
            ("file:///line\nbreak", false), ("file://host name/lake", false),
        ])
    func spaces(url: String, isFine: Bool) {
        #expect((URLText.check(url, schemes: ["file", "s3"]) == .fine) == isFine)
    }

    @Test(
        "a file that is no configuration is refused with its name and the reason",
        arguments: [
            ("[1, 2]", "is not a YAML mapping"), ("a: [", "is not valid YAML"), ("a: 1\na: 2", "given twice"),
            ("a: {b: 1}\na.b: 2", "gives a.b twice"), ("a: [[1]]", "list inside a list"), ("just text", "is not a YAML mapping"),
        ])
    func brokenFiles(yaml: String, reason: String) {
        let error = #expect(throws: SettingsError.self) { try Settings(yaml: yaml, fileName: "worker.yaml") }
        #expect(error?.description.hasPrefix("worker.yaml ") == true)
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("an empty file, null values and empty variables count as absent")
    func absence() throws {
        for yaml in ["", "# nothing", "fetch:\n", "fetch: {page-size: }", "fetch: {page-size: ~}"] {
            let settings = try Settings(yaml: yaml, environment: ["SWITCHBOARD_FETCH_PAGE_SIZE": ""])
            #expect(settings.scoped("fetch").optionalInt("page-size", in: 1...100) == nil)
            #expect(settings.optionalString("fetch") == nil)
            try settings.finish()
        }
    }

    @Test("free keys of a section are kept with their dots, and the environment adds to them")
    func maps() throws {
        let settings = try Settings(
            yaml: """
                kafka:
                  properties:
                    security.protocol: SASL_SSL
                    ssl: {ca.location: /etc/ca.pem}
                    sasl.password: hunter2
                """,
            environment: ["SWITCHBOARD_KAFKA_PROPERTIES": "client.rack=a, ssl.ca.location=/x=y"])
        let map = settings.scoped("kafka").stringMap("properties")
        #expect(
            map == [
                "security.protocol": "SASL_SSL", "ssl.ca.location": "/x=y", "sasl.password": "hunter2", "client.rack": "a",
            ])
        try settings.finish()
        #expect(!settings.effective.contains("hunter2"))
        #expect(settings.effective.contains("kafka.properties.security.protocol: SASL_SSL\n"))
    }

    @Test("lists are read from YAML and from comma-separated variables")
    func lists() throws {
        let settings = try Settings(yaml: "a: [x, y]\nb: 'p, q'", environment: ["SWITCHBOARD_C": "1,2"])
        #expect(settings.strings("a") == ["x", "y"])
        #expect(settings.strings("b") == ["p", "q"])
        #expect(settings.strings("c") == ["1", "2"])
        #expect(settings.strings("d", default: []) == [])
        try settings.finish()
        _ = settings.strings("e")
        _ = settings.string("a")
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.problems.map(\.key) == ["e", "a"])
    }

    @Test("a list of sections is read entry by entry and its keys are checked too")
    func sections() throws {
        let settings = try Settings(yaml: "routes:\n  - name: a\n    size: 1MiB\n  - name: b\n    sise: 2\n")
        let routes = settings.sections("routes").map { ($0.string("name"), $0.byteCount("size", default: 7, in: 0...(1 << 30))) }
        #expect(routes.map(\.0) == ["a", "b"])
        #expect(routes.map(\.1) == [1 << 20, 7])
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.description == "routes[1].sise: unknown key in configuration line 5; did you mean routes[1].size?")
    }

    @Test("the effective configuration reads back to the same values")
    func effective() throws {
        func read(_ settings: Settings) throws -> String {
            _ = settings.string("a", default: "yes: \"quoted\" \\ #\n")
            _ = settings.duration("b", default: .milliseconds(90_250), in: .zero ... .seconds(1000))
            _ = settings.byteCount("c", default: 8 << 20, in: 0...Int.max)
            _ = settings.strings("d", default: ["1", "two", "on"])
            _ = settings.url("e", default: "http://127.0.0.1:80/x?y")
            _ = settings.bool("f", default: false)
            _ = settings.string("g", default: "12")
            try settings.finish()
            return settings.effective
        }
        let first = try read(Settings(yaml: ""))
        #expect(try read(Settings(yaml: first)) == first)
    }

    @Test("values in messages are bounded and cannot break the line")
    func hostileValues() throws {
        let settings = try Settings(yaml: "a: \"x\\ny\\e[31m\"\nb: \(String(repeating: "z", count: 5000))")
        _ = settings.int("a", default: 1, in: 1...2)
        _ = settings.int("b", default: 1, in: 1...2)
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.problems[0].description == "a: x\\u{a}y\\u{1b}[31m is not allowed: an integer from 1 to 2")
        #expect((error?.problems[1].description.count ?? 1000) < 200)
    }
}

@Suite("Text forms of settings")
struct SettingsTextTests {
    @Test(
        "durations",
        arguments: [
            ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000), ("1h30m", 5_400_000),
            ("0s", 0),
        ])
    func durations(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
        #expect(DurationText.parse(DurationText.format(.milliseconds(milliseconds))) == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration",
        arguments: [
            "", "5", "s", "-5s", "1.5s", "5 s", "5sec", "1m1h", "1s1s", "99999999999999999999s", "1000000d", "٣s", "1h30",
        ])
    func noDurations(text: String) { #expect(DurationText.parse(text) == nil) }

    @Test(
        "sizes",
        arguments: [
            ("4096", 4096), ("0", 0), ("512KiB", 512 << 10), ("8MiB", 8 << 20), ("8 MiB", 8 << 20), ("1GiB", 1 << 30),
            ("10MB", 10_000_000), ("7B", 7),
        ])
    func sizes(text: String, bytes: Int) {
        #expect(ByteCountText.parse(text) == bytes)
        #expect(ByteCountText.parse(ByteCountText.format(bytes)) == bytes)
    }

    @Test("what is no size", arguments: ["", "MiB", "-1", "1.5MiB", "8mib", "9223372036854775807KiB", "1 2"])
    func noSizes(text: String) { #expect(ByteCountText.parse(text) == nil) }

    @Test(
        "URLs",
        arguments: [
            ("https://api.mypurecloud.com", true), ("http://127.0.0.1:8080/x", true), ("http://[::1]:80", true),
            ("HTTPS://x", true),
            ("api.mypurecloud.com", false), ("ftp://x", false), ("http://", false), ("http://x y", false),
            ("http://x:99999", false),
            ("http://x:abc", false), ("http://user:pass@x", false),
        ])
    func urls(text: String, isFine: Bool) {
        #expect((URLText.check(text, schemes: ["http", "https"]) == .fine) == isFine)
    }

    @Test("a URL with a password is refused without showing it")
    func urlWithPassword() throws {
        let settings = try Settings(yaml: "proxy: http://user:hunter2@host")
        #expect(settings.optionalURL("proxy") == nil)
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.description.contains("hunter2") == false)
    }
}
