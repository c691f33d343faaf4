import Contracts
import Foundation
import ObjectStorage
import TestSupport
import Testing

@testable import Extraction

@Suite("Records into objects, and back")
struct RecordObjectsTests {
    private static let names = ObjectNames(
        folder: "genesys/users/2026/03/02", dataset: "users", day: "2026-03-02",
        interval: Interval(start: Date(timeIntervalSince1970: 0), end: Date(timeIntervalSince1970: 86_400))
            ?? { preconditionFailure() }())

    private func record(_ number: Int, bytes: Int = 0) -> [UInt8] {
        Array(#"{"id":"\#(number)","text":"\#(String(repeating: "x", count: bytes))"}"#.utf8)
    }

    private func lines(_ store: any ObjectStore, _ objects: [Manifest.Object]) async throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for object in objects { try await ManifestRecords(store: store).read(object) { lines.append(Array($0)) } }
        return lines
    }

    @Test("what was written is read back, record by record, whatever the sizes", arguments: [1, 2, 3, 4])
    func roundTrip(_ seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let store = MemoryObjectStore()
        var objects = RecordObjects(
            store: store, names: Self.names, firstNumber: 7, recordsPerObject: Int.random(in: 1...40, using: &random),
            bytesPerObject: Int.random(in: 100...600_000, using: &random))
        let records = (0..<150).map { number in
            record(number, bytes: Int.random(in: 0...1, using: &random) == 0 ? 3 : Int.random(in: 0...90_000, using: &random))
        }
        for record in records { try await objects.append(record) }
        let written = try await objects.finish()
        #expect(try await lines(store, written) == records)
        #expect(written.map(\.records).reduce(0, +) == 150)
        #expect(written.map(\.key) == (0..<written.count).map { "\(Self.names.prefix)\(7 + $0).json" })
        #expect(try await store.list(prefix: "").collect().count == written.count)
    }

    @Test("an object ends at its number of records, and at its number of bytes")
    func rolls() async throws {
        let store = MemoryObjectStore()
        var byRecords = RecordObjects(store: store, names: Self.names, recordsPerObject: 3)
        for number in 0..<7 { try await byRecords.append(record(number)) }
        #expect(try await byRecords.finish().map(\.records) == [3, 3, 1])
        var byBytes = RecordObjects(store: store, names: Self.names, bytesPerObject: 200)
        for number in 0..<4 { try await byBytes.append(record(number, bytes: 100)) }
        #expect(try await byBytes.finish().map(\.records) == [2, 2], "the record that reaches the size is the last")
    }

    @Test("line breaks between tokens become blanks, nothing else changes")
    func lineBreaks() async throws {
        let store = MemoryObjectStore()
        var objects = RecordObjects(store: store, names: Self.names)
        try await objects.append(Array("{\n\"a\":\r\n1.0e400,\"b\":\"\\n\"}".utf8))
        let written = try await objects.finish()
        #expect(try await lines(store, written) == [Array("{ \"a\":  1.0e400,\"b\":\"\\n\"}".utf8)])
    }

    @Test("nothing written is no object; what is abandoned is none either")
    func nothing() async throws {
        let store = MemoryObjectStore()
        var empty = RecordObjects(store: store, names: Self.names)
        #expect(try await empty.finish().isEmpty)
        var abandoned = RecordObjects(store: store, names: Self.names)
        try await abandoned.append(record(1, bytes: 300_000))
        await abandoned.abandon()
        #expect(try await store.list(prefix: "").collect().isEmpty)
    }

    @Test(
        "an object that is not what its manifest says is refused",
        arguments: ["x", "{\"id\":\"2\"}\n", "", "{\"id\":\"1\"}\n{}\n"])
    func damaged(_ text: String) async throws {
        let store = MemoryObjectStore()
        var objects = RecordObjects(store: store, names: Self.names)
        try await objects.append(Array(#"{"id":"1"}"#.utf8))
        let written = try await objects.finish()
        try await store.put(ObjectKey(written[0].key), bytes: Array(text.utf8))
        let failure = await #expect(throws: ExtractionFailure.self) { try await lines(store, written) }
        #expect(failure?.description.contains("isn't what its manifest says") == true)
    }
}
