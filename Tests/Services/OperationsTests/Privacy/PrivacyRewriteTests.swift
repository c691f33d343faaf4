import Contracts
import Foundation
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import Operations

@Suite("Privacy: rewriting the lake")
struct PrivacyRewriteTests {
    private struct Killed: Error {}

    private func isSubjects(_ line: String) -> Bool {
        line.contains(PrivacyLake.contact) || line.contains(#""ani":"tel:+639170000001""#)
            || line.contains(#""ani":"sip:+639170000001@edge""#)
    }

    /// Random days: a third of the records are the subject's, in several forms; some objects have none, some nothing else.
    private func lake(seed: UInt64) async throws -> (lake: PrivacyLake, days: [String: [String]]) {
        var random = SplitMix(seed: seed)
        let lake = PrivacyLake()
        var days: [String: [String]] = [:]
        var number = 0
        for day in 1...3 {
            var objects: [[String]] = []
            for object in 0..<Int.random(in: 1...5, using: &random) {
                var records: [String] = []
                for _ in 0..<Int.random(in: 1...20, using: &random) {
                    number += 1
                    let kind = object == 0 ? 0 : Int.random(in: 0..<6, using: &random)
                    switch kind {
                    case 0: records.append(PrivacyLake.record(number, contact: PrivacyLake.contact))
                    case 1: records.append(PrivacyLake.record(number, ani: "tel:+639170000001"))
                    case 2: records.append(PrivacyLake.record(number, ani: "sip:+639170000001@edge"))
                    // Near misses: a part of a text, a field's name, another number, the name alone.
                    case 3: records.append(PrivacyLake.record(number, note: "call \(PrivacyLake.phone) \\u00e9"))
                    default: records.append(PrivacyLake.record(number, ani: "tel:+6391700000011"))
                    }
                }
                objects.append(records)
            }
            days[PrivacyLake.day(day)] = objects.flatMap { $0 }
            try await lake.write(PrivacyLake.day(day), objects, revision: day)
        }
        return (lake, days)
    }

    @Test(
        "a delete leaves exactly the other records, byte for byte and in their order, under tags and manifests that are true",
        arguments: 1...20)
    func delete(_ seed: Int) async throws {
        let (lake, days) = try await lake(seed: UInt64(seed))
        let before = try await lake.contents()
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        let plan = try await lake.plan(subject)
        #expect(plan.concerned == days.values.joined().count(where: isSubjects))
        #expect(try await lake.contents() == before, "a plan changed something")
        let told = Mutex<[String: Int]>([:])
        let rewrite = lake.rewrite(tell: { manifest, key in told.withLock { $0[key.text] = manifest.revision } })
        for finding in plan.findings { _ = try await rewrite.apply(finding, subject) }
        for (day, records) in days {
            let kept = records.filter { !isSubjects($0) }
            #expect(Set(try await lake.lines(day)) == Set(kept))
            #expect(try await lake.lines(day).count == kept.count)
            #expect(try await lake.taggedLines(day).sorted() == kept.sorted())
        }
        #expect(try await lake.strays().isEmpty)
        #expect(
            told.withLock { $0 }
                == Dictionary(uniqueKeysWithValues: plan.findings.map { ($0.key.text, $0.manifest.revision + 1) }))
        #expect(try await lake.plan(subject).findings.isEmpty, "a second run finds something")
        #expect(try await lake.contents().keys.contains { $0.hasPrefix(StateLayout.privacyPending) } == false)
    }

    @Test("objects without a concerned record keep their names and are not touched")
    func untouched() async throws {
        let lake = PrivacyLake()
        let others = (1...3).map { PrivacyLake.record($0) }
        try await lake.write(
            "2026-03-01", [others, [PrivacyLake.record(4, contact: PrivacyLake.contact)], [PrivacyLake.record(5)]])
        let before = try await lake.contents()
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        let finding = try #require(try await lake.plan(subject).findings.first)
        #expect(finding.objects.map(\.ids) == [[PrivacyLake.id(4)]])
        let done = try await lake.rewrite().apply(finding, subject)
        #expect(done.records == 1 && done.objects == 1 && done.revision == 1)
        let after = try await lake.contents()
        let folder = "genesys/conversations/2026/03/01/genesys_conversations_20260301_"
        #expect(after["\(folder)1.json"] == before["\(folder)1.json"] && after["\(folder)3.json"] == before["\(folder)3.json"])
        #expect(after["\(folder)2.json"] == nil && after["\(folder)4.json"] == nil, "an object without a record is none")
    }

    @Test(
        "killed between any two steps, readers see the old day or the new one, and the next run brings it to its end",
        arguments: PrivacyRewrite.Step.allCases)
    func killed(_ step: PrivacyRewrite.Step) async throws {
        let (lake, days) = try await lake(seed: 7)
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        let first = try #require(try await lake.plan(subject).findings.first)
        let day = try #require(first.manifest.day)
        let old = try #require(days[day])
        let new = old.filter { !isSubjects($0) }
        let told = Mutex(0)
        let tell: @Sendable (Manifest, ObjectKey) async throws -> Void = { _, _ in told.withLock { $0 += 1 } }
        await #expect(throws: Killed.self) {
            _ = try await lake.rewrite(tell: tell, step: { if $0 == step { throw Killed() } }).apply(first, subject)
        }
        let seen = try await lake.lines(day).sorted()
        #expect(seen == old.sorted() || seen == new.sorted(), "a mixture after \(step)")
        // The next run: what was begun first, then the rest.
        let rewrite = lake.rewrite(tell: tell)
        let recovered = try await rewrite.recover()
        let wasSwitched =
            PrivacyRewrite.Step.allCases.firstIndex(of: step)! >= PrivacyRewrite.Step.allCases.firstIndex(of: .switched)!
        #expect(recovered.count == (wasSwitched ? 1 : 0))
        for finding in try await lake.plan(subject).findings { _ = try await rewrite.apply(finding, subject) }
        for (day, records) in days {
            let kept = records.filter { !isSubjects($0) }.sorted()
            #expect(try await lake.lines(day).sorted() == kept)
            #expect(try await lake.taggedLines(day).sorted() == kept)
        }
        #expect(try await lake.strays().isEmpty)
        #expect(try await rewrite.recover().isEmpty)
        #expect(told.withLock { $0 } >= 3, "a day's new revision was not told")
    }

    @Test("a manifest that a job has written meanwhile is left alone, and nothing of ours stays")
    func changedMeanwhile() async throws {
        let lake = PrivacyLake()
        let records = [PrivacyLake.record(1, contact: PrivacyLake.contact), PrivacyLake.record(2)]
        try await lake.write("2026-03-01", [records])
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        let finding = try #require(try await lake.plan(subject).findings.first)
        var manifest = finding.manifest
        manifest.revision = 5
        let newer = manifest.encoded()
        // The job's manifest comes when all is written and the switch is announced.
        let store = RacingStore(lake.store, key: finding.key, bytes: newer)
        let racing = PrivacyRewrite(
            store: store, announcer: PrivacyRewrite.Announcer { _, _ in Issue.record("it was told") }, operatorName: "ops@host")
        await #expect(throws: PrivacyProblem.self) { _ = try await racing.apply(finding, subject) }
        #expect(try await lake.store.read(finding.key, upTo: 1 << 20) == newer)
        #expect(try await lake.lines("2026-03-01") == records)
        #expect(try await lake.strays().isEmpty)
        #expect(try await racing.recover().isEmpty)
        #expect(try await lake.contents().keys.allSatisfy { !$0.hasPrefix(StateLayout.privacyPending) })
    }

    @Test("an update replaces whole texts in the subject's records, keeps the form of a number, and nothing else")
    func update() async throws {
        let lake = PrivacyLake()
        let mine = PrivacyLake.record(1, contact: PrivacyLake.contact, ani: "tel:+639170000001;ext=7", note: "Ana Abad called")
        let other = PrivacyLake.record(2)
        try await lake.write("2026-03-01", [[mine, other]])
        let terms =
            #"[{"type":"NAME","existingValue":"Ana Abad","updatedValue":"B \"C\""},{"type":"PHONE","existingValue":"+639170000001","updatedValue":"+15550100"}]"#
        let subject = try PrivacyLake.subject(PrivacyLake.request("GDPR_UPDATE", terms: terms))
        let plan = try await lake.plan(subject)
        #expect(plan.concerned == 1)
        for finding in plan.findings { _ = try await lake.rewrite().apply(finding, subject) }
        let expected =
            mine.replacing(#""participantName":"Ana Abad""#, with: #""participantName":"B \"C\"""#)
            .replacing(#""tel:+639170000001;ext=7""#, with: #""tel:+15550100;ext=7""#)
        #expect(try await lake.lines("2026-03-01") == [expected, other], "another Ana Abad, or a part of a text, was changed")
        #expect(try await lake.plan(subject).concerned == 0)
    }

    @Test("conversations named by their ids go with what belongs to them; those that only mention them stay")
    func conversations() async throws {
        let lake = PrivacyLake()
        let mention = #"{"conversationId":"\#(PrivacyLake.id(2))","associatedConversationId":"\#(PrivacyLake.id(1))"}"#
        try await lake.write("2026-03-01", [[PrivacyLake.record(1), mention]])
        let evaluation = #"{"id":"e-1","conversation":{"id":"\#(PrivacyLake.id(1))"}}"#
        try await lake.write("2026-03-01", [[evaluation, #"{"id":"e-2"}"#]], dataset: "evaluations")
        let subject = try PrivacySubject(conversations: [PrivacyLake.id(1)])
        var scope = PrivacyScope()
        scope.datasets = ["conversations"]
        #expect(try await lake.plan(subject, scope).concerned == 1)
        let plan = try await lake.plan(subject)
        #expect(plan.concerned == 2)
        for finding in plan.findings { _ = try await lake.rewrite().apply(finding, subject) }
        #expect(try await lake.lines("2026-03-01") == [mention])
        #expect(try await lake.lines("2026-03-01", dataset: "evaluations") == [#"{"id":"e-2"}"#])
    }

    @Test("an export changes nothing; days outside of the scope are not looked at; the requests themselves only when asked for")
    func scope() async throws {
        let (lake, _) = try await lake(seed: 3)
        try await lake.write("2026-03-02", [[PrivacyLake.request()]], dataset: PrivacyScope.requests)
        #expect(try await lake.plan(try PrivacyLake.subject(PrivacyLake.request("GDPR_EXPORT"))).findings.isEmpty)
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        var scope = PrivacyScope()
        scope.from = "2026-03-02"
        scope.to = "2026-03-02"
        let plan = try await lake.plan(subject, scope)
        #expect(plan.manifests == 1 && plan.findings.allSatisfy { $0.manifest.day == "2026-03-02" })
        scope.source = "genesys/other"
        #expect(try await lake.plan(subject, scope).manifests == 0, "another account's data are another's")
        scope.source = "genesys/main"
        scope.datasets = [PrivacyScope.requests]
        #expect(try await lake.plan(subject, scope).concerned == 1)
    }

    @Test("open conversations that go are taken off the lists that a sweep completes, so that they don't come back")
    func openLists() async throws {
        let lake = PrivacyLake()
        try await lake.write("2026-03-01", [[PrivacyLake.record(1, contact: PrivacyLake.contact), PrivacyLake.record(2)]])
        let key = try ObjectKey(
            "_switchboard/conversation/open/genesys/main/conversations/2026-03-01/conversations-2026-03-01.json")
        let list =
            #"{"day":"2026-03-01","open":[{"id":"\#(PrivacyLake.id(1))","object":1},{"id":"\#(PrivacyLake.id(2))","object":1}],"version":1}"#
        try await lake.store.put(key, bytes: Array(list.utf8))
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        for finding in try await lake.plan(subject).findings { _ = try await lake.rewrite().apply(finding, subject) }
        let left = String(decoding: try await lake.store.read(key, upTo: 1 << 20), as: UTF8.self)
        #expect(left == #"{"day":"2026-03-01","open":[{"id":"\#(PrivacyLake.id(2))","object":1}],"version":1}"#)
    }

    @Test("a manifest out of its place, or that names what isn't beside it, is told and left alone")
    func unfit() async throws {
        let lake = PrivacyLake()
        let record = PrivacyLake.record(1, contact: PrivacyLake.contact)
        try await lake.write("2026-03-01", [[record]])
        let place = "genesys/conversations/2026/03/01/_manifest.conversations-2026-03-01.json"
        var manifest = try Manifest.decode(try await lake.store.read(try ObjectKey(place), upTo: 1 << 20))
        let bytes = manifest.encoded()
        try await lake.store.put(
            try ObjectKey("genesys/conversations/2026/03/02/_manifest.conversations-2026-03-01.json"), bytes: bytes)
        manifest.objects[0].key = "elsewhere/secret_1.json"
        try await lake.store.put(try ObjectKey(place), bytes: manifest.encoded())
        try await lake.store.put(try ObjectKey("genesys/conversations/2026/03/03/_manifest.x.json"), bytes: Array("{".utf8))
        let plan = try await lake.plan(try PrivacyLake.subject(PrivacyLake.request()))
        #expect(plan.findings.isEmpty && plan.unfit.count == 3)
        #expect(plan.unfit.allSatisfy { !$0.contains(PrivacyLake.phone) })
    }

    @Test("what was done is kept beside the lake, and listed, without anything of the person")
    func notes() async throws {
        let (lake, _) = try await lake(seed: 5)
        try await lake.write(
            "2026-03-04",
            [[PrivacyLake.request(), PrivacyLake.request("GDPR_EXPORT", id: "ee2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d12")]],
            dataset: PrivacyScope.requests)
        let book = PrivacyBook(store: lake.store, layout: lake.layout)
        let (subject, source) = try await book.subject(of: "5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11")
        #expect(source == "genesys/main")
        #expect(subject.action == .delete && subject.findsRecords)
        #expect(try await book.entries().entries.allSatisfy { $0.applied == nil })
        let rewrite = lake.rewrite()
        let plan = try await lake.plan(subject)
        var done: [PrivacyRewrite.Done] = []
        for finding in plan.findings { done.append(try await rewrite.apply(finding, subject)) }
        try await rewrite.remember(subject, done)
        let entries = try await book.entries().entries
        #expect(entries.map(\.type) == ["GDPR_DELETE", "GDPR_EXPORT"])
        #expect(entries.first?.records == plan.concerned && entries.first?.by == "ops@host" && entries.last?.applied == nil)
        for (key, bytes) in try await lake.contents() where key.hasPrefix(StateLayout.privacy) {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(!text.contains("Abad") && !text.contains("917") && !text.contains(PrivacyLake.contact))
        }
        let shown =
            PrivacyReport.text(entries) + PrivacyReport.text(plan, subject)
            + (try JSONReport.document(PrivacyReport(plan, subject)))
        #expect(!shown.contains("Abad") && !shown.contains("+6391") && !shown.contains(PrivacyLake.contact))
        await #expect(throws: PrivacyProblem.self) { _ = try await book.subject(of: "none") }
    }
}
