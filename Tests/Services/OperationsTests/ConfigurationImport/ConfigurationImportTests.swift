import Contracts
import Conversation
import Evaluation
import Foundation
import GenesysCloudSettings
import Kafka
import Messaging
import Scheduler
import Service
import TestSupport
import Testing
import Transfer
import UserDetails

@testable import Operations

@Suite("config import")
struct ConfigurationImportTests {
    private static let golden = Repository.root.appending(path: "Tests/Services/Golden/ConfigurationImport")

    private func imported(_ json: String, _ options: ConfigurationImport.Options = ConfigurationImport.Options()) throws
        -> ConfigurationImport
    {
        try ConfigurationImport(Array(json.utf8), options: options)
    }

    /// Reads everything back with the readers of the programs.
    private func expectReadable(_ result: ConfigurationImport) async throws -> [ScheduleDefinition] {
        var schedules: [ScheduleDefinition] = []
        for file in result.files {
            guard file.name != "schedules.yaml" else {
                schedules = try ScheduleFile.parse(yaml: file.text)
                continue
            }
            let environment = [
                "GENESYS_CLIENT_SECRET": "a", "LAKE_ACCESS_KEY": "b", "LAKE_SECRET_KEY": "c", "HTTP_PROXY_PASSWORD": "d",
            ]
            let settings = try Settings(yaml: file.text, fileName: file.name, environment: environment)
            _ = KafkaConfiguration(settings, client: "test")
            _ = GenesysCloudSettings(settings)
            _ = LakeSettings(settings)
            _ = LakeLayout(settings)
            _ = HTTPClientConfiguration(settings)
            switch file.name {
            case "conversation-worker.yaml": _ = ConversationConfiguration(settings)
            case "evaluation-worker.yaml": _ = EvaluationConfiguration(settings)
            default: _ = UserDetailsConfiguration(settings)
            }
            _ = settings.scoped("log").string("level", default: "info")
            try settings.finish()
        }
        return schedules
    }

    @Test("the files of the scripts become these files and lines", arguments: ["conversations", "all-reports"])
    func golden(_ name: String) async throws {
        let bytes = Array(try Data(contentsOf: Self.golden.appending(path: "\(name).json")))
        let result = try ConfigurationImport(bytes)
        let text = result.report + result.files.map { "\n# ---- \($0.name)\n\($0.text)" }.joined()
        let place = Self.golden.appending(path: "\(name).txt")
        if ProcessInfo.processInfo.environment["WRITE_GOLDEN"] != nil { try Data(text.utf8).write(to: place) }
        #expect(
            text == String(decoding: try Data(contentsOf: place), as: UTF8.self), "write it anew with WRITE_GOLDEN=1 and look")
        for secret in ["s3cr3t", "PRIVATE", "AAAA", "abcdef-123456", "hooks.example"] {
            #expect(!text.contains(secret), "\(secret) is in the output")
        }
        _ = try await expectReadable(result)
    }

    @Test("what a schedule publishes is what the script asked for")
    func meaning() async throws {
        let bytes = Array(try Data(contentsOf: Self.golden.appending(path: "conversations.json")))
        let schedules = try await expectReadable(try ConfigurationImport(bytes))
        let schedule = try #require(schedules.first)
        // The script of 2026-03-03 asked for 2026-03-01T16:00Z to 2026-03-02T15:59:59Z.
        #expect(schedule.zone.name == "Etc/GMT-8" && schedule.lag == 1 && "\(schedule.window)" == "1d")
        let window = try #require(schedule.window(around: Timestamp.date("2026-03-02T08:00:00Z") ?? .distantPast))
        #expect("\(window)" == "2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z")
        #expect(schedule.parameters["request"]?["segmentFilters"] != nil && schedule.parameters["request"]?["paging"] == nil)
        let named = try await expectReadable(
            try ConfigurationImport(
                bytes, options: ConfigurationImport.Options(source: "genesys/two", zone: "Asia/Manila", cron: "@daily")))
        #expect(named.first?.zone.name == "Asia/Manila" && named.first?.source == "genesys/two")
    }

    @Test(
        "of a request's filters only the condition that conversations have ended is left out, and that is told",
        arguments: [
            (#"[{"type":"and","predicates":[{"dimension":"conversationEnd","operator":"exists"}]}]"#, "null", true),
            (
                #"[{"type":"and","predicates":[{"dimension":"conversationEnd","operator":"exists"},{"dimension":"divisionId","value":"d"}]}]"#,
                #"[{"predicates":[{"dimension":"divisionId","value":"d"}],"type":"and"}]"#, true
            ),
            (
                #"[{"type":"or","predicates":[{"dimension":"conversationEnd","operator":"exists"},{"dimension":"divisionId","value":"d"}]}]"#,
                #"[{"predicates":[{"dimension":"conversationEnd","operator":"exists"},{"dimension":"divisionId","value":"d"}],"type":"or"}]"#,
                false
            ),
            (
                #"[{"type":"or","predicates":[{"dimension":"conversationEnd","operator":"exists"}],"clauses":[{"type":"and"}]}]"#,
                #"[{"predicates":[{"dimension":"conversationEnd","operator":"exists"}],"type":"or","clauses":[{"type":"and"}]}]"#,
                false
            ),
            (
                #"[{"type":"and","predicates":[{"dimension":"conversationEnd","operator":"notExists"}]}]"#,
                #"[{"predicates":[{"dimension":"conversationEnd","operator":"notExists"}],"type":"and"}]"#, false
            ),
        ])
    func endFilter(_ filters: String, _ left: String, _ isTold: Bool) async throws {
        let result = try imported(
            #"{"gcs_report":"conversations","request_body":{"conversationFilters":\#(filters),"aggregations":[]}}"#)
        let request = try #require(try await expectReadable(result).first).parameters["request"]
        let expected = try JSONValue.decode(Array(left.utf8), upTo: 1 << 16)
        #expect((request?["conversationFilters"] ?? .null) == expected, "\(result.report)")
        #expect(request?["aggregations"] == nil && result.report.contains("aggregates can be made of them"))
        #expect(result.report.contains("left out that conversationEnd exists") == isTold)
        #expect(result.report.contains("still has a condition on conversationEnd") == left.contains(#""exists""#))
    }

    @Test("a secret among a request's filters is left out with them, also where the request is text")
    func secretFilter() throws {
        let body = #"{"conversationFilters":[{"client_secret":"s3cr3t-of-filters"}]}"#
        for value in [body, "\"\(body.replacing("\"", with: "\\\""))\""] {
            let result = try imported(#"{"gcs_report":"conversations","request_body":\#(value)}"#)
            #expect(result.files.allSatisfy { !$0.text.contains("s3cr3t") } && !result.report.contains("s3cr3t"), "\(value)")
        }
    }

    @Test("sizes and switches are read as the scripts read them, and what is neither is told")
    func spellings() throws {
        let pages = try imported(#"{"gcs_report":"conversations","request_body":{"paging":{"pageSize":"50"}}}"#)
        #expect(pages.report.contains("conversations.page-size: 50"))
        #expect(
            try imported(#"{"gcs_report":"conversations","request_body":{"pageSize":"many"}}"#).report.contains("no whole number")
        )
        for (text, told) in [("1", "true"), (#""1""#, "true"), ("0", "false"), (#""False""#, "false")] {
            let answers = try imported(#"{"gcs_report":"evaluations","request_body":{"expandAnswerTotalScores":\#(text)}}"#)
            #expect(answers.report.contains("evaluations.expand-answer-total-scores: \(told)"), "\(text)")
        }
        let neither = try imported(#"{"gcs_report":"evaluations","request_body":{"expandAnswerTotalScores":"yes"}}"#)
        #expect(neither.report.contains("neither true nor false"))
        #expect(try imported(#"{"gcs_report":"users","page_size":500}"#).report.contains("lookups.page-size: 100, which"))
    }

    @Test(
        "days and times become lag, window and zone",
        arguments: [
            (#""start_date":-1,"end_date":-1"#, 1, "1d", "UTC"),
            (#""start_date":-1,"end_date":0"#, 1, "1d", "UTC"),
            (#""start_date":1,"end_date":0"#, 1, "1d", "UTC"),
            (#""start_date":2,"end_date":2,"start_time":"00:00:00","end_time":"23:59:59.999Z""#, 2, "1d", "UTC"),
            (#""start_date":-2,"end_date":-1,"start_time":"16:00:00Z","end_time":"16:00:00Z""#, 1, "1d", "Etc/GMT-8"),
            (#""start_date":-3,"end_date":-2,"start_time":"16:00:00Z","end_time":"16:00:00Z""#, 2, "1d", "Etc/GMT-8"),
            (#""start_date":-1,"end_date":0,"start_time":"05:00Z","end_time":"04:59:59Z""#, 1, "1d", "Etc/GMT+5"),
            (#""start_date":-2,"end_date":-1,"start_time":"18:30:00Z","end_time":"18:29:59Z""#, 1, "1d", "Asia/Kolkata"),
            (#""start_date":"T-2","end_date":"2 days ago","start_time":"00:00+08:00""#, 2, "1d", "Etc/GMT-8"),
            (#""start_date":-7,"end_date":0"#, 1, "1d", "UTC"),
            (#""start_date":0,"end_date":0,"start_time":"00:00","end_time":"06:00""#, 0, "6h", "UTC"),
            (#""startDate":"yesterday","endDate":"today","timezone":"Asia/Manila""#, 1, "1d", "Asia/Manila"),
            (#""start_date":-1,"end_date":-5"#, 1, "1d", "UTC"),
            (#""start_date":"?","end_date":99999999999"#, 1, "1d", "UTC"),
        ])
    func times(_ fields: String, _ lag: Int, _ window: String, _ zone: String) async throws {
        let result = try imported(#"{"gcs_report":"conversations",\#(fields)}"#)
        let schedules = try await expectReadable(result)
        let schedule = try #require(schedules.first)
        #expect(schedule.lag == lag && "\(schedule.window)" == window && schedule.zone.name == zone, "\(result.report)")
    }

    @Test(
        "fixed dates become start and end; where the script's end falls on a midnight the day behind it isn't part of it",
        arguments: [
            (#""end_date":"2026-03-02","start_time":"00:00:00.000Z","end_time":"00:00:00.000Z""#, "2026-03-01", "2026-03-01"),
            (#""end_date":"2026-03-02","start_time":"00:00","end_time":"23:59:59.999Z""#, "2026-03-01", "2026-03-02"),
            (#""end_date":"2026-03-02","start_time":"00:00","end_time":"12:00""#, "2026-03-01", "2026-03-02"),
            (#""end_date":"2026-03-02","start_time":"16:00:00Z","end_time":"16:00:00Z""#, "2026-03-02", "2026-03-02"),
            (#""end_date":"2026-03-02","start_time":"16:00:00Z","end_time":"15:59:59Z""#, "2026-03-02", "2026-03-02"),
            (#""end_date":"2026-03-05","start_time":"05:00Z","end_time":"05:00Z""#, "2026-03-01", "2026-03-04"),
            (#""end_date":"2026-03-02""#, "2026-03-01", "2026-03-02"),
            (#""end_date":"2026-03-01""#, "2026-03-01", "2026-03-01"),
            (#""end_date":"2026-03-01","start_time":"00:00","end_time":"00:00""#, "2026-03-01", nil),
        ])
    func dates(_ fields: String, _ start: String, _ end: String?) async throws {
        let result = try imported(#"{"gcs_report":"conversations","start_date":"2026-03-01",\#(fields)}"#)
        let schedule = try #require(try await expectReadable(result).first)
        #expect(schedule.start.map { "\($0)" } == start && schedule.end.map { "\($0)" } == end, "\(result.report)")
    }

    @Test(
        "lists of what there is now are a snapshot a day, whatever days the script names; none of the past is published",
        arguments: ["users", "queues", "evaluation_forms"])
    func snapshots(_ report: String) async throws {
        for fields in [
            #""start_date":"2024-01-01","end_date":"2024-12-31""#, #""start_date":-7,"end_date":-1"#, #""page_size":100"#,
        ] {
            let result = try imported(#"{"gcs_report":"\#(report)",\#(fields)}"#)
            let schedule = try #require(try await expectReadable(result).first)
            #expect(schedule.catchUp == .latest && schedule.lag == 0 && schedule.start == nil && schedule.end == nil)
            #expect(result.notes.contains { $0.key == "start_date" && $0.outcome == .changed }, "\(result.report)")
        }
    }

    @Test("several roles are several roles")
    func roles() async throws {
        func roles(_ json: String) throws -> String? {
            let result = try imported(#"{"gcs_report":"evaluations","roles":\#(json)}"#)
            return result.files.first { $0.name == "evaluation-worker.yaml" }?.text
                .firstMatch(of: /\ \ roles:\n(?:\ \ \ \ -\ .*\n)+/).map { String($0.output) }
        }
        let two = "  roles:\n    - \"Quality Evaluator\"\n    - \"Team Lead\"\n"
        #expect(try roles(#"["Quality Evaluator"," Team Lead "]"#) == two)
        #expect(try roles(#""Quality Evaluator""#) == "  roles:\n    - \"Quality Evaluator\"\n")
        for refused in ["[]", #"["a",1]"#, #"["a",""]"#, "[[]]"] { #expect(try roles(refused) == nil) }
        _ = try await expectReadable(try imported(#"{"gcs_report":"evaluations","roles":["A","B"]}"#))
    }

    @Test("file-name patterns become the day's folder, where a layout can say it")
    func fileNames() throws {
        func folder(_ pattern: String) throws -> String? {
            let text = JSONValue.string(pattern).encoded().map { String(decoding: $0, as: UTF8.self) } ?? ""
            let result = try imported(#"{"gcs_report":"conversations","gcs_filename":\#(text)}"#)
            let line = result.files.last?.text.split(separator: "\n").first { $0.contains("day-folder") }
            return line.map { String($0).replacing("  day-folder: ", with: "").replacing("\"", with: "") }
        }
        #expect(try folder("lake/%Y/%m/%d/conversations_%Y%m%d.json") == "{dataset}/lake/{yyyy}/{MM}/{dd}")
        #expect(
            try folder("raw/{report}/dt={date:%Y-%m-%d}/x.json") == "raw/{dataset}/dt={day}/x.json".replacing("/x.json", with: "")
        )
        #expect(try folder("gs://bucket/conversations/{year}/{month}/{day}/p_{page:04d}.json") == "{dataset}/{yyyy}/{MM}/{dd}")
        #expect(try folder("conversations_{date}.json") == nil)
        #expect(try folder("../../etc/{date}/x") == nil)
        #expect(try folder("a/{hour}/x") == nil)
    }

    @Test("every key of a file is named in a note, known or not, at any depth")
    func nothingSilently() throws {
        let json =
            #"{"gcs_report":"users","alpha":1,"beta":{"gamma":[1,2],"delta":{"epsilon":"x"}},"client_secret":"abcdefgh","start_date":null}"#
        let keys = Set(try imported(json).notes.map(\.key))
        for key in ["gcs_report", "alpha", "beta.gamma", "beta.delta.epsilon", "client_secret", "start_date"] {
            #expect(keys.contains(key), "\(key)")
        }
    }

    @Test("a secret's value is nowhere, whatever else has it for a value")
    func secrets() throws {
        let secret = "Zq9-very-secret"
        let json = """
            {"gcs_report":"conversations","password":"\(secret)","name":"\(secret)","role":"\(secret)","gcs_filename":"a/\(secret)/%Y/%m/%d/x.json",
             "bucket":"\(secret)","region":"\(secret)","client_id":"\(secret)","cron":"\(secret)","proxy":"http://u:\(secret)@proxy.example:3128",
             "request_body":{"filter":"\(secret)"},"base_url":"https://u:\(secret)@api.example.org/\(secret)","unknown":"\(secret)",
             "nested":{"api_key":{"deep":["\(secret)"]}},"timezone":"\(secret)","log_level":"\(secret)"}
            """
        let result = try imported(json)
        let text = result.report + result.files.map(\.text).joined() + (try JSONReport.document(result.files))
        #expect(!text.contains(secret) && !text.lowercased().contains("zq9"))
    }

    @Test(
        "what is no configuration is refused in one line",
        arguments: ["", "{", "null x", #"{"a":1e999}"#, String(repeating: "[", count: 1000), "\u{0}"])
    func refused(_ text: String) {
        #expect(throws: UsageProblem.self) { _ = try imported(text) }
    }

    @Test(
        "nothing that is no report makes a file",
        arguments: ["[]", "{}", "3", #""x""#, #"{"reports":[]}"#, #"[1,2]"#, #"{"gcs_report":{"a":1}}"#])
    func nothing(_ text: String) throws {
        let result = try imported(text)
        #expect(result.files.isEmpty && result.asksForWork)
    }

    @Test("too large and hostile files end in bounded time")
    func hostile() throws {
        let many = "[" + Array(repeating: #"{"gcs_report":"users"}"#, count: 5000).joined(separator: ",") + "]"
        let result = try imported(many)
        #expect(try ScheduleFile.parse(yaml: try #require(result.files.first).text).count == ImportedDocument.maximumReports)
        #expect(throws: UsageProblem.self) { _ = try imported("\"" + String(repeating: "x", count: 2 << 20) + "\"") }
        let deep = String(repeating: #"{"predicates":["#, count: 30) + "1" + String(repeating: "]}", count: 30)
        let body = try imported(#"{"gcs_report":"conversations","request_body":\#(deep)}"#)
        #expect(try ScheduleFile.parse(yaml: try #require(body.files.first).text).first?.parameters["request"] == nil)
    }

    @Test("random values survive the way through YAML", arguments: 1...100)
    func yaml(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let texts = [
            "", "yes", "null", "1", "0x10", "1e3", "- a", "a: b", "#x", "\u{e9}\n\t\"\\", "{", "2026-03-01", "~", " a ",
            "a\u{2028}b", "12:30", "1_000", ".5", "NaN",
        ]
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 3 ? 5 : 7), using: &random) {
            case 0: .string(texts.randomElement(using: &random) ?? "")
            case 1: .integer(Int64.random(in: .min ... .max, using: &random))
            case 2: .number([0.5, -1.25e-9, 1e25, 3.0e100].randomElement(using: &random) ?? 0.5)
            case 3: .bool(.random(using: &random))
            case 4: .null
            case 5: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth + 1) })
            default:
                .object(
                    Dictionary(
                        (0..<Int.random(in: 0...3, using: &random)).map { _ in
                            (texts.randomElement(using: &random) ?? "", value(depth + 1))
                        }
                    ) { first, _ in first })
            }
        }
        let parameters = JSONValue.object(["request": value(0)])
        let yaml =
            "schedules:\n  - name: a\n    kind: b\n    dataset: c\n    source: d/e\n    cron: \"0 6 * * *\"\n    zone: UTC\n"
            + YAMLText.entry("parameters", parameters, indent: 4)
        let read = try ScheduleFile.parse(yaml: yaml)
        #expect(read.first?.parameters == parameters, "\(yaml)")
    }
}
