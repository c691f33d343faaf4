import Contracts
import Foundation
import ObjectStorage
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("The task gdpr-requests", .timeLimit(.minutes(5)))
struct PrivacyRequestsTests {
    private static func job(day: String = "2026-03-02", revision: Int = 0) -> Job {
        let start = Timestamp.date("\(day)T00:00:00Z") ?? .distantPast
        return Job(
            id: "privacy-\(day)", kind: "conversation", source: "genesys/main", dataset: "gdpr_requests", day: day,
            interval: Interval(start: start, end: start.addingTimeInterval(86_400)), revision: revision, createdAt: start,
            parameters: .object(["task": .string("gdpr-requests")]))
    }

    private static let subject =
        #"{"name":"Ana Abad","userId":"0a1b2c3d-0000-4000-8000-00000000000a","phoneNumbers":["+639170000001"]}"#

    private func lines(_ store: any ObjectStore, day: String) async throws -> [String] {
        let folder = "genesys/gdpr_requests/\(day.replacing("-", with: "/"))"
        let manifest = try Manifest.decode(
            try await store.read(try ObjectKey("\(folder)/_manifest.privacy-\(day).json"), upTo: 1 << 20))
        var lines: [String] = []
        for object in manifest.objects {
            lines += String(decoding: try await store.read(try ObjectKey(object.key), upTo: 1 << 20), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        return lines
    }

    @Test("a day's snapshot has all requests over all pages; each is told once, changed ones again, and nobody is named")
    func snapshot() async throws {
        let day = SimulatedDay()
        try await day.run { running in
            for number in 1...130 {
                _ = try running.simulator.addPrivacyRequest(
                    #"{"requestType":"\#(number % 3 == 0 ? "GDPR_EXPORT" : "GDPR_DELETE")","subject":\#(Self.subject)}"#)
            }
            let first = try await running.done(Self.job())
            #expect(first.figures["records"] == 130 && first.figures["notices"] == 130 && first.figures["pages"] == 2)
            #expect(Set(first.notices.map(\.subject)).count == 130)
            let notice = try #require(first.notices.first)
            #expect(notice.topic == "gdpr-request" && notice.facts["status"] == "INITIATED")
            #expect(Set(notice.facts.keys) == ["requestType", "status", "createdDate", "userId"])
            let told = String(decoding: try JSONEncoder().encode(first.notices.map(\.facts)), as: UTF8.self)
            #expect(!told.contains("Ana") && !told.contains("9170"))
            let lines = try await lines(day.store, day: "2026-03-02")
            #expect(lines.count == 130 && lines.allSatisfy { $0.contains(#""name":"Ana Abad""#) })
            // The next day: nothing is new but one, and one has come further.
            let added = try running.simulator.addPrivacyRequest(#"{"requestType":"GDPR_UPDATE","subject":\#(Self.subject)}"#)
            running.simulator.executePrivacyRequest(notice.subject)
            let second = try await running.done(Self.job(day: "2026-03-03"))
            #expect(second.figures["records"] == 131)
            #expect(Set(second.notices.map(\.subject)) == [added, notice.subject])
            #expect(second.notices.first { $0.subject == notice.subject }?.facts["status"] == "COMPLETED")
            #expect(try await running.done(Self.job(day: "2026-03-04")).notices.isEmpty)
        }
    }

    @Test("an attempt after a crash tells the same again, with and without its manifest, and asks the vendor only without")
    func crash() async throws {
        let day = SimulatedDay()
        try await day.run { running in
            _ = try running.simulator.addPrivacyRequest(#"{"subject":\#(Self.subject)}"#)
            let first = try await running.done(Self.job())
            #expect(first.notices.count == 1)
            let asked = running.pages
            #expect(try await running.done(Self.job()).notices == first.notices)
            #expect(running.pages == asked)
            try await day.store.delete(try ObjectKey("genesys/gdpr_requests/2026/03/02/_manifest.privacy-2026-03-02.json"))
            #expect(try await running.done(Self.job()).notices == first.notices)
            #expect(running.pages > asked)
            // A rerun is another run: it was told already.
            #expect(try await running.done(Self.job(revision: 1)).notices.isEmpty)
        }
    }

    @Test(
        "a delete that the vendor carries out takes the conversation away there; its request names the customer by id or number")
    func execution() async throws {
        let day = SimulatedDay(conversationsPerDay: 20)
        try await day.run { running in
            let id = try #require(try running.truth().ids.first)
            let request = try running.simulator.addPrivacyRequest(#"{"conversations":["\#(id)"]}"#)
            _ = try await running.done(Self.job())
            let line = try #require(try await lines(day.store, day: "2026-03-02").first)
            #expect(line.contains("externalContactId") || line.contains("phoneNumbers"))
            #expect(running.simulator.executePrivacyRequest(request) == 1)
            #expect(try !running.truth().ids.contains(id))
            #expect(running.simulator.executePrivacyRequest("none") == nil)
        }
    }
}
