import Foundation
import Testing

@testable import GenesysCloud

@Suite("Query intervals")
struct QueryIntervalTests {
    @Test(
        "times are read in all three forms of the vendor, and in others that mean one moment",
        arguments: [
            ("2026-03-01T08:00:00Z", 1_772_352_000_000), ("2026-03-01T08:00:00.123Z", 1_772_352_000_123),
            ("2026-03-01T08:00:00+0000", 1_772_352_000_000), ("2026-03-01T08:00:00.5Z", 1_772_352_000_500),
            ("2026-03-01T16:00:00.000+08:00", 1_772_352_000_000), ("2026-03-01T08:00:00.1239999Z", 1_772_352_000_123),
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("2026-03-01T08:00:00", 1_772_352_000_000), ("2026-03-01 08:00:00Z", 1_772_352_000_000),
            ("2026-03-01t08:00:00z", 1_772_352_000_000), ("2026-03-01T08:00Z", 1_772_352_000_000),
            ("2026-03-01T08:00:00,5Z", 1_772_352_000_500), ("2026-03-01T16:00:00+08", 1_772_352_000_000),
            ("2026-03-01T08:00:60Z", 1_772_352_060_000),
        ])
    func times(text: String, milliseconds: Int64) { #expect(VendorTime.parse(text) == milliseconds) }

    @Test(
        "what is no time",
        arguments: [
            "", "2026-03-01", "2026-03-01T08", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z",
            "2026-03-01T08:00:61Z", "2026-03-01_08:00:00Z", "2026-03-01T08:00:00.Z", "2026-03-01T08:00:00+0",
            "2026-03-01T08:00:", "2026-03-01T08:00:0Z", "2026-03-01T08:00:00Y",
            "2026-03-01T08:00:00ZZ",
            "2026-03-01T08:00:00+00:0", "0000-03-01T08:00:00Z", "2026-3-01T08:00:00ZZ", "2026-03-01T08:00:00+0:000",
            "２026-03-01T08:00:00Z",
        ])
    func noTimes(text: String) { #expect(VendorTime.parse(text) == nil) }

    @Test("formatting agrees with Foundation and reads back")
    func roundTrip() {
        let formatter = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for milliseconds in stride(from: Int64(-62_135_596_800_000), to: 253_402_300_799_999, by: 86_400_000 * 397 + 12_345_678) {
            let text = VendorTime.format(milliseconds)
            #expect(VendorTime.parse(text) == milliseconds)
            if milliseconds > -2_000_000_000_000 {
                let date = Date(timeIntervalSince1970: Double(milliseconds - milliseconds % 1000) / 1000)
                #expect(date.formatted(formatter).prefix(19) == VendorTime.format(milliseconds - milliseconds % 1000).prefix(19))
            }
        }
    }

    @Test("an interval is written half-open with milliseconds, and split without gap or overlap")
    func intervals() throws {
        let interval = try #require(QueryInterval("2026-03-01T16:00:00Z/2026-03-02T16:00:00Z"))
        #expect(interval.description == "2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z")
        #expect(
            QueryInterval(start: Date(timeIntervalSince1970: 1_772_380_800), end: Date(timeIntervalSince1970: 1_772_467_200))
                == interval)
        let (first, second) = try #require(interval.halves)
        #expect(first.description == "2026-03-01T16:00:00.000Z/2026-03-02T04:00:00.000Z")
        #expect(second.startMilliseconds == first.endMilliseconds && second.endMilliseconds == interval.endMilliseconds)
        #expect(QueryInterval(startMilliseconds: 5, endMilliseconds: 6)?.halves == nil)
        #expect(QueryInterval(startMilliseconds: 5, endMilliseconds: 5) == nil)
        #expect(QueryInterval(start: .distantFuture, end: .distantPast) == nil)
        #expect(QueryInterval("2026-03-01T16:00:00Z") == nil)
    }
}

@Suite("Conversation details query")
struct ConversationDetailsQueryTests {
    private func body(_ extra: String) throws -> String {
        let interval = try #require(QueryInterval("2026-03-01T16:00:00Z/2026-03-01T17:00:00Z"))
        let query = try ConversationDetailsQuery(
            interval: interval, pageSize: 1000, order: .descending, orderBy: .segmentEnd, requestBody: extra)
        return String(decoding: query.body(page: 2), as: UTF8.self)
    }

    private static let head =
        #"{"interval":"2026-03-01T16:00:00.000Z/2026-03-01T17:00:00.000Z","order":"desc","orderBy":"segmentEnd","paging":{"pageSize":100,"pageNumber":2}"#

    @Test(
        "additional fields are sent as they are",
        arguments: [
            ("{}", ""), (" { } ", ""),
            (
                #"{"segmentFilters":[{"type":"or","predicates":[{"dimension":"mediaType","value":"voice"}]}]}"#,
                #","segmentFilters":[{"type":"or","predicates":[{"dimension":"mediaType","value":"voice"}]}]"#
            ),
            (#"{"a":1e400,"b":"}"}"#, #","a":1e400,"b":"}""#),
        ])
    func fields(extra: String, expected: String) throws { #expect(try body(extra) == Self.head + expected + "}") }

    @Test(
        "what would break the request is refused with what is allowed",
        arguments: [
            ("", "ends too early"), ("[]", "JSON object"), ("null", "JSON object"), (#"{"a":}"#, "JSON object"),
            (#"{"a":1}}"#, "JSON object"),
            (#"{"interval":"x"}"#, "interval is set by Switchboard itself"), (#"{"paging":{}}"#, "paging is set"),
            (#"{"p\u0061ging":{}}"#, "paging is set"),
            ("{\"a\":\"\(String(repeating: "x", count: 512_000))\"}", "at most 510976 bytes"),
        ])
    func refused(extra: String, reason: String) {
        let error = #expect(throws: ConversationDetailsQuery.InvalidFields.self) {
            try ConversationDetailsQuery.check(requestBody: extra)
        }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test(
        "regions are domains",
        arguments: [
            ("mypurecloud.com", true), ("euw2.pure.cloud", true), ("mypurecloud.com.au", true), ("edee1.eusc-pure.cloud", true),
            ("https://api.mypurecloud.com", false), ("api.mypurecloud.com", false), ("localhost", false), ("My.cloud", false),
            ("a..b", false),
            ("a.b/", false), ("", false), ("-a.b", false), ("a.b:80", false),
        ])
    func domains(domain: String, isFine: Bool) {
        #expect((GenesysCloudConfiguration.problem(withDomain: domain) == nil) == isFine)
    }
}
