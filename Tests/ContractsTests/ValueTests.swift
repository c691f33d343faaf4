import Foundation
import Testing

@testable import Contracts

@Suite("Timestamps")
struct TimestampTests {
    @Test("every millisecond is written exactly and read back the same")
    func milliseconds() throws {
        for base in [1_772_380_800_000, 1_772_380_859_000, 0, -1000, 4_102_444_799_000] {
            for millisecond in 0..<1000 {
                let date = Date(timeIntervalSince1970: Double(base + millisecond) / 1000)
                let text = Timestamp.string(date)
                let digits = String(1000 + millisecond).dropFirst()
                #expect(text.hasSuffix(".\(digits)Z"), "\(text)")
                let back = try #require(Timestamp.date(text))
                #expect(Timestamp.string(back) == text)
                #expect(abs(back.timeIntervalSince(date)) < 0.0005)
            }
        }
    }

    @Test("fractions below a millisecond are stable after one writing")
    func stable() throws {
        var generator = SplitMix(seed: 5)
        for _ in 0..<2000 {
            let date = Date(timeIntervalSince1970: Double.random(in: 0...4e9, using: &generator))
            let once = Timestamp.string(date)
            #expect(Timestamp.string(try #require(Timestamp.date(once))) == once)
        }
    }

    @Test(
        "instants are read with and without milliseconds",
        arguments: [
            ("2026-03-01T16:00:00Z", 1_772_380_800.0), ("2026-03-01T16:00:00.000Z", 1_772_380_800),
            ("2026-03-01T16:00:00.250Z", 1_772_380_800.25),
            ("1970-01-01T00:00:00Z", 0), ("2024-02-29T23:59:59Z", 1_709_251_199),
        ])
    func reads(_ text: String, _ seconds: Double) {
        #expect(Timestamp.date(text)?.timeIntervalSince1970 == seconds)
    }

    @Test(
        "what is no instant is none",
        arguments: ["", "x", "2026-03-01", "16:00:00Z", "2026-03-01T16:00:00", "2026-03-01 16:00:00 nonsense", "\u{0}"])
    func refuses(_ text: String) {
        #expect(Timestamp.date(text) == nil)
    }

    @Test("20,000 almost-instants never end the program")
    func fuzz() {
        var generator = SplitMix(seed: 6)
        let characters = Array("0123456789-:TZ+. ")
        for _ in 0..<10_000 {
            let random = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                characters.randomElement(using: &generator) ?? "0"
            }
            if let date = Timestamp.date(String(random)) { _ = Timestamp.compact(date) }
            var almost = Array("2026-03-01T16:00:00.000Z")
            for _ in 0..<3 {
                almost[Int.random(in: 0..<almost.count, using: &generator)] = characters.randomElement(using: &generator) ?? "0"
            }
            if let date = Timestamp.date(String(almost)) { _ = Timestamp.string(date) }
        }
    }

    @Test("the compact form has no separators")
    func compact() {
        #expect(Timestamp.compact(Sample.date("2026-03-01T16:00:00.999Z")) == "20260301T160000Z")
    }
}

@Suite("Intervals")
struct IntervalTests {
    @Test("an interval has its start and not its end, and is written as vendors write it")
    func halfOpen() throws {
        let interval = try #require(Sample.interval("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"))
        #expect(interval.contains(interval.start) && !interval.contains(interval.end))
        #expect(interval.description == "2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z")
        #expect(Interval(start: interval.end, end: interval.start) == nil)
        let later = try #require(Sample.interval("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"))
        #expect(interval < later && !(later < interval))
    }
}

@Suite("Topic names")
struct TopicNamesTests {
    @Test("names carry the prefix")
    func prefix() {
        let topics = TopicNames(prefix: "prod.")
        #expect(topics.jobs("report") == "prod.jobs.report")
        #expect(topics.retry("report", after: .seconds(600)) == "prod.jobs.report.retry-10m")
        #expect(topics.dead("report") == "prod.jobs.report.dead")
        #expect(
            [topics.jobEvents, topics.alerts, topics.scheduleState] == ["prod.job.events", "prod.alerts", "prod.schedule.state"])
        #expect(TopicNames().jobEvents == "job.events")
    }

    @Test(
        "a delay is written in its largest whole unit",
        arguments: [
            (Duration.seconds(60), "1m"), (.seconds(600), "10m"), (.seconds(3600), "1h"), (.seconds(90), "90s"),
            (.milliseconds(250), "250ms"),
            (.milliseconds(1500), "1500ms"), (.seconds(5400), "90m"), (.seconds(86_400), "24h"), (.seconds(1), "1s"),
            (.zero, "0ms"),
        ])
    func delays(_ delay: Duration, _ text: String) {
        #expect(TopicNames.text(of: delay) == text)
    }
}

@Suite("Layout of the lake")
struct LakeLayoutTests {
    @Test(
        "templates that name data set and day give these folders",
        arguments: [
            (LakeLayout.standardDayFolder, "genesys/conversations/2026/03/01"),
            ("{source}/{dataset}/{day}", "genesys/main/conversations/2026-03-01"),
            ("{dataset}-{yyyy}{MM}{dd}", "conversations-20260301"),
            ("a/{day}/{dataset}/{day}", "a/2026-03-01/conversations/2026-03-01"),
            ("x.y/..{dataset}/{day}", "x.y/..conversations/2026-03-01"),
            ("ü/{dataset}/{day}", "ü/conversations/2026-03-01"),
        ])
    func folders(_ template: String, _ folder: String) throws {
        let layout = try #require(LakeLayout(dayFolder: template))
        #expect(layout.folder(source: "genesys/main", dataset: "conversations", day: "2026-03-01") == folder)
        #expect(LakeLayout.success(in: folder) == "\(folder)/_SUCCESS")
        #expect(LakeLayout.failure(in: folder) == "\(folder)/_FAILURE")
        #expect(LakeLayout.manifest(of: "a-1", in: folder) == "\(folder)/_manifest.a-1.json")
    }

    @Test(
        "templates without data set or day, with unknown fields, or that are no relative path are refused",
        arguments: [
            "", "genesys", "{dataset}", "{day}", "{dataset}/{yyyy}/{MM}", "{dataset}/{dd}", "/{dataset}/{day}",
            "{dataset}/{day}/", "{dataset}//{day}",
            "../{dataset}/{day}", "a/./{dataset}/{day}", "a/../{dataset}/{day}", ".../{dataset}/{day}", "{dataset}/{day}/{hour}",
            "{dataset}/{day",
            "{dataset/{day}", "{DATASET}/{day}", "{}/{dataset}/{day}", "a\u{0}/{dataset}/{day}", "a\n/{dataset}/{day}",
            ".tmp-a/{dataset}/{day}",
            "{dataset}/\u{338}../{day}\u{7f}", String(repeating: "a", count: 200) + "/{dataset}/{day}",
        ])
    func refusals(_ template: String) {
        #expect(LakeLayout(dayFolder: template) == nil)
    }
}
