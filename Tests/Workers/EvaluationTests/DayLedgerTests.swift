import Contracts
import Extraction
import Foundation
import ObjectStorage
import Records
import TestSupport
import Testing
import WorkerKit

@testable import Evaluation

@Suite("The ledger of a day")
struct DayLedgerTests {
    private static let names = ObjectNames(
        folder: "f", dataset: "evaluations", day: "2026-03-02", interval: SimulatedWeek.interval(0))

    private func record(_ id: Int, _ version: Int, change: Int, _ content: Int) -> [UInt8] {
        let changed = change == 0 ? "" : #","changedDate":"2026-03-02T00:00:0\#(change).000Z""#
        return Array(
            #"{"id":"e\#(id)","version":\#(version)\#(changed),"assignedDate":"2026-03-02T00:00:00Z","x":\#(content)}"#.utf8)
    }

    private func read(_ bytes: [UInt8]) -> EvaluationRecord {
        bytes.withUnsafeBytes { EvaluationRecord(RawRecord(bytes: $0), dates: ["assignedDate"]) }
    }

    private func lines(_ store: any ObjectStore, _ objects: [Manifest.Object]) async throws -> [String] {
        var lines: [String] = []
        for object in objects {
            try await ManifestRecords(store: store).read(object) { lines.append(String(decoding: $0, as: UTF8.self)) }
        }
        return lines
    }

    @Test("has each version once, its last content, whatever comes how often; and what the lake had besides", arguments: 1...40)
    func model(_ seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let store = MemoryObjectStore()
        var manifest: Manifest?
        var model: [String: String] = [:]
        for revision in 0..<3 {
            var job = SimulatedWeek.job(revision: revision)
            job.id = "j"
            let output = try JobOutput(store: store, job: job, folder: "f", prefix: Self.names.prefix)
            var ledger = DayLedger(
                store: store, names: Self.names, firstNumber: output.firstFreeNumber(after: manifest), recordsPerObject: 3)
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                let bytes = record(
                    Int.random(in: 0...6, using: &random), Int.random(in: 1...2, using: &random),
                    change: Int.random(in: 0...2, using: &random), Int.random(in: 0...2, using: &random))
                let record = read(bytes)
                try await ledger.take(bytes, record)
                model["\(record.id ?? "") \(record.version) \(record.changed)"] = String(decoding: bytes, as: UTF8.self)
            }
            if let manifest { _ = try await ledger.merge(manifest, dates: ["assignedDate"]) }
            manifest = try await output.publish(try await ledger.finish(), after: manifest)
            let kept = try await lines(store, manifest?.objects ?? [])
            #expect(kept.sorted() == model.values.sorted(), "seed \(seed), revision \(revision)")
            let present = try await store.list(prefix: Self.names.prefix).collect().map(\.key.text)
            #expect(Set(present) == Set(manifest?.objects.map(\.key) ?? []))
        }
    }

    @Test("a record without id, version or change is never lost and never doubled")
    func bare() async throws {
        let store = MemoryObjectStore()
        var ledger = DayLedger(store: store, names: Self.names, firstNumber: 1, recordsPerObject: 100)
        for text in [#"{"a":1}"#, #"{"a":2}"#, #"{"a":1}"#, #"{"id":"e"}"#, #"{"id":"e"}"#, #"{"id":"","a":3}"#] {
            try await ledger.take(Array(text.utf8), read(Array(text.utf8)))
        }
        let kept = try await lines(store, try await ledger.finish())
        #expect(kept == [#"{"a":1}"#, #"{"a":2}"#, #"{"id":"e"}"#, #"{"id":"","a":3}"#])
        #expect(ledger.unidentified == 3 && ledger.duplicates == 2)
    }

    @Test("what is looked at of a record is found whatever is around it, and odd values harm nothing")
    func record() {
        let text = #"""
            {"conversation":{"id":"c1"},"evaluationForm":{"name":"x","id":"f1"},"evaluator":null,"id":"e1","version":3.0,"status":"Pondered",
            "assignedDate":"2026-03-02T08:00:00+0800","changedDate":17,"redacted":true,"releaseDate":"","answers":{"id":"no","version":9}}
            """#
        let record = read(Array(text.utf8))
        #expect(record.id == "e1" && record.version == "3.0" && record.changed.isEmpty && record.status == "Pondered")
        #expect(record.date == 1_772_409_600_000 && record.form == "f1" && record.evaluator == nil)
        #expect(record.isRedacted && !record.isReleased && record.reference?.text == "c1/e1")
        #expect(read(Array(#"{"id":"e1","conversation":"c"}"#.utf8)).reference == nil)
        let second = Array(#"{"createdDate":"2026-03-02T00:00:00Z","assignedDate":"soon"}"#.utf8)
        let dated = second.withUnsafeBytes { EvaluationRecord(RawRecord(bytes: $0), dates: ["assignedDate", "createdDate"]) }
        #expect(dated.date == 1_772_409_600_000)
    }

    @Test("a version is the same however its number and its times are written, and another one isn't")
    func forms() {
        func record(_ version: String, _ changed: String, _ released: String) -> EvaluationRecord {
            read(Array(#"{"id":"e","version":\#(version),"changedDate":"\#(changed)","releaseDate":"\#(released)"}"#.utf8))
        }
        let plain = record("1", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")
        for other in [
            record("1.0", "2026-03-02T00:00:00.000Z", "2026-03-03T00:00:00.000000Z"),
            record("1", "2026-03-02T08:00:00+0800", "2026-03-03T00:00:00+00:00"),
            record(#""1""#, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"),
        ] {
            #expect(other.identity == plain.identity && other.signature == plain.signature)
        }
        for other in [record("2", plain.changed, ""), record("1", "2026-03-02T00:00:00.001Z", ""), record("1", "soon", "")] {
            #expect(other.identity != plain.identity && other.signature != plain.signature)
        }
    }

    @Test("what only the listing has of an evaluation stands behind the point read, whose bytes stay what they are")
    func joined() {
        func joined(_ point: String, _ listed: String) -> String {
            String(decoding: PointReads.joined(Array(point.utf8), Array(listed.utf8)), as: UTF8.self)
        }
        #expect(
            joined(#"{"a": 1.50, "b":{"x":[ ]} }"#, #"{"b":2,"agentTeam": {"id":"t"},"a":1,"c":1e2}"#)
                == #"{"a": 1.50, "b":{"x":[ ]} ,"agentTeam":{"id":"t"},"c":1e2}"#)
        for (point, listed) in [(#"{"a":1}"#, #"{"a":2}"#), ("{}", #"{"a":2}"#), ("[1]", #"{"a":2}"#), (#"{"a":1}"#, #"{"b"#)] {
            #expect(joined(point, listed) == point)
        }
    }

    @Test("the roles that are named instead of a missing one are those most like it")
    func near() {
        let names: Set = ["Admin", "quality evaluator", "Quality Admin", "Senior Quality Evaluator", "Telephony"]
        #expect(
            EvaluatorDirectory.near("Quality Evaluator", names) == [
                "quality evaluator", "Senior Quality Evaluator", "Quality Admin", "Admin", "Telephony",
            ])
    }
}
