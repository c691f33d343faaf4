import Contracts
import Foundation
import Records
import TestSupport
import Testing

@testable import Operations

@Suite("Privacy: whose record it is")
struct PrivacyMatcherTests {
    private func concerns(_ record: String, _ request: String = PrivacyLake.request()) throws -> Bool {
        let matcher = PrivacyMatcher(try PrivacyLake.subject(request))
        return Array(record.utf8).withUnsafeBytes { matcher.concerns($0) }
    }

    @Test(
        "a number is found in all its forms",
        arguments: [
            "+639170000001", "tel:+639170000001", "TEL:+63 917 000-0001", "tel:+639170000001;ext=12",
            "sip:+639170000001@edge.example",
            "sips:+639170000001;user=phone@x", "+63 (917) 000.0001", "\\u002b639170000001", "tel:\\u002B639170000001",
            "639170000001", "00639170000001", "tel:639170000001",
        ])
    func numbers(_ text: String) throws {
        #expect(try concerns(#"{"a":[{"b":"\#(text)"}]}"#))
    }

    @Test(
        "what only resembles the subject's texts isn't the subject's",
        arguments: [
            #"{"a":"+6391700000012"}"#, #"{"a":"x+639170000001"}"#, #"{"+639170000001":"a"}"#, #"{"a":639170000001}"#,
            #"{"a":"call +639170000001"}"#, #"{"a":"Ana Abad"}"#, #"{"a":"tel:"}"#, #"{"a":"sip:"}"#, #"{"a":"\ud800"}"#,
            #"{"a":"c0ffee00-1111-4222-8333-44445555666"}"#, #"{"c0ffee00-1111-4222-8333-444455556666":1}"#,
            #"{"a":"+639170000001"#,
            #"{}"#, "", #"{"a":"2026-03-01T16:00:00.000Z"}"#,
        ])
    func nearMisses(_ record: String) throws {
        #expect(try !concerns(record))
    }

    @Test("every id and address of a subject counts, mail addresses whatever their case")
    func ids() throws {
        let request = PrivacyLake.request(
            subject: #"""
                {"userId":"u-0001-aaaa","externalContactId":"x-0002-bbbb","dialerContactId":{"id":"d-0003-cccc","contactListId":"list"},
                "journeyCustomer":{"type":"cookie","id":"j-0004"},"socialHandle":{"type":"TWITTER","value":"@ana_a"},
                "emailAddresses":["Ana@Example.org"],"addresses":["1 Main Street"]}
                """#)
        for text in [
            "u-0001-aaaa", "x-0002-bbbb", "d-0003-cccc", "j-0004", "@ana_a", "ana@example.ORG", "1 Main Street", "1 main street",
        ] {
            #expect(try concerns(#"{"a":"\#(text)"}"#, request), "\(text)")
        }
        for text in ["list", "cookie", "TWITTER", "U-0001-AAAA"] {
            #expect(try !concerns(#"{"a":"\#(text)"}"#, request), "\(text)")
        }
    }

    @Test("a subject known by name alone finds nothing, and says so")
    func nameAlone() throws {
        #expect(try !PrivacyLake.subject(PrivacyLake.request(subject: #"{"name":"Ana Abad"}"#)).findsRecords)
        let terms = #"[{"type":"NAME","existingValue":"Ana Abad","updatedValue":"B"}]"#
        #expect(try !PrivacyLake.subject(PrivacyLake.request("GDPR_UPDATE", subject: "{}", terms: terms)).findsRecords)
        #expect(try PrivacyLake.subject(PrivacyLake.request()).findsRecords)
    }

    @Test(
        "requests that are none, or of an unknown type, are refused",
        arguments: ["{}", "[]", #"{"id":"a/b","requestType":"GDPR_DELETE"}"#, #"{"id":"r-1","requestType":"GDPR_FORGET"}"#])
    func refused(_ json: String) throws {
        #expect(PrivacySubject(try JSONValue.decode(Array(json.utf8), upTo: 1 << 20)) == nil)
    }

    @Test("random records: what is found is what a decoder finds among all values", arguments: 1...200)
    func random(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let terms = ["tel:+639170000001", PrivacyLake.contact, "\u{e9}\"x\\", "none", "+63917", "", " tel:+639170000001"]
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 4 ? 4 : 6), using: &random) {
            case 0: .string(terms.randomElement(using: &random) ?? "")
            case 1: .integer(Int64.random(in: -9...9, using: &random))
            case 2: .string("x")
            case 3: .bool(true)
            case 4: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth + 1) })
            default:
                .object(
                    Dictionary(
                        (0..<Int.random(in: 0...3, using: &random)).map { _ in
                            (terms.randomElement(using: &random) ?? "", value(depth + 1))
                        }
                    ) { first, _ in first })
            }
        }
        func texts(_ value: JSONValue) -> [String] {
            switch value {
            case .string(let text): [text]
            case .array(let elements): elements.flatMap(texts)
            case .object(let fields): fields.values.flatMap(texts)
            default: []
            }
        }
        let record = value(0)
        let bytes = try #require(record.encoded())
        var found: [String] = []
        bytes.withUnsafeBytes { buffer in
            RecordTexts.forEach(in: buffer) { text in
                found.append(String(decoding: text.decoded ?? [], as: UTF8.self))
                return true
            }
        }
        #expect(found.sorted() == texts(record).sorted())
        let wanted: Set = ["tel:+639170000001", PrivacyLake.contact]
        #expect(try concerns(String(decoding: bytes, as: UTF8.self)) == texts(record).contains { wanted.contains($0) })
    }
}
