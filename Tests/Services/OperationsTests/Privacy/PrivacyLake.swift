import Contracts
import Foundation
import ObjectStorage
import TestSupport

@testable import Operations

/// A lake, in memory unless said otherwise, with days of conversations, and whoever reads it by manifests.
struct PrivacyLake: Sendable {
    var store: any ObjectStore = MemoryObjectStore()
    let layout = LakeLayout.standard

    static let contact = "c0ffee00-1111-4222-8333-444455556666"
    static let phone = "+639170000001"

    /// A request of the vendor's, as its snapshot has it.
    static func request(
        _ type: String = "GDPR_DELETE", id: String = "5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11", subject: String? = nil,
        terms: String = "[]"
    ) -> String {
        let subject = subject ?? #"{"name":"Ana Abad","externalContactId":"\#(contact)","phoneNumbers":["\#(phone)"]}"#
        return
            #"{"id":"\#(id)","requestType":"\#(type)","status":"COMPLETED","createdDate":"2026-03-05T10:00:00.000Z","subject":\#(subject),"replacementTerms":\#(terms)}"#
    }

    static func subject(_ json: String) throws -> PrivacySubject {
        let value = try JSONValue.decode(Array(json.utf8), upTo: 1 << 20)
        guard let subject = PrivacySubject(value) else { throw Missing(what: "a subject") }
        return subject
    }

    struct Missing: Error { let what: String }

    static func id(_ number: Int) -> String {
        let text = String(number, radix: 16)
        return "6a1f0c52-0b7e-4c53-8f0e-" + String(repeating: "0", count: 12 - text.count) + text
    }

    /// A conversation with spellings that a decoder would not give back.
    static func record(_ number: Int, contact: String? = nil, ani: String = "tel:+639990000000", note: String = "") -> String {
        let customer = contact.map { #","externalContactId":"\#($0)""# } ?? ""
        return
            #"{"conversationId":"\#(id(number))", "mos":4.880,"big":12345678901234567890,"note":"\#(note)","participants":[{"purpose":"customer","participantName":"Ana Abad"\#(customer),"sessions":[{"ani":"\#(ani)","tel:+639170000001":1}]}]}"#
    }

    static func day(_ number: Int) -> String { "2026-03-0\(number)" }

    /// Writes a day as a job would, and its tag as the monitor would.
    func write(
        _ day: String, _ objects: [[String]], job: String? = nil, dataset: String = "conversations", revision: Int = 0,
        tagged: Bool = true
    ) async throws {
        let folder = layout.folder(source: "genesys/main", dataset: dataset, day: day)
        let job = job ?? "\(dataset)-\(day)"
        var named: [Manifest.Object] = []
        let part = job.hasSuffix(".h1") ? "h1_" : job.hasSuffix(".h2") ? "h2_" : ""
        for (index, records) in objects.enumerated() {
            let key = "\(folder)/genesys_\(dataset)_\(day.filter { $0 != "-" })_\(part)\(index + 1).json"
            let bytes = Array(records.map { $0 + "\n" }.joined().utf8)
            let result = try await store.put(try ObjectKey(key), bytes: bytes)
            named.append(Manifest.Object(key: key, records: records.count, bytes: result.bytes, sha256: result.sha256))
        }
        let manifest = Manifest(
            of: Job(
                id: job, kind: "conversation", source: "genesys/main", dataset: dataset, day: day, revision: revision,
                createdAt: Date(timeIntervalSince1970: 0)), objects: named)
        try await store.put(try ObjectKey(LakeLayout.manifest(of: job, in: folder)), bytes: manifest.encoded())
        if tagged { try await store.put(try ObjectKey(LakeLayout.success(in: folder)), bytes: manifest.encoded()) }
    }

    /// What a reader that follows manifests has of a day: the lines of all objects, each checked.
    func lines(_ day: String, dataset: String = "conversations") async throws -> [String] {
        let folder = layout.folder(source: "genesys/main", dataset: dataset, day: day)
        var lines: [String] = []
        for try await info in store.list(prefix: "\(folder)/_manifest.") { lines += try await read(info.key) }
        return lines
    }

    /// What a reader that follows a day's tag has.
    func taggedLines(_ day: String) async throws -> [String] {
        try await read(
            try ObjectKey(LakeLayout.success(in: layout.folder(source: "genesys/main", dataset: "conversations", day: day))))
    }

    private func read(_ manifest: ObjectKey) async throws -> [String] {
        let manifest = try Manifest.decode(try await store.read(manifest, upTo: 1 << 20))
        var lines: [String] = []
        for object in manifest.objects {
            let bytes = try await store.read(try ObjectKey(object.key), upTo: 1 << 20)
            let all = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            guard bytes.count == object.bytes, PrivacyDigest.text(bytes) == object.sha256, all.count == object.records else {
                throw Missing(what: "\(object.key) as its manifest says")
            }
            lines += all
        }
        guard manifest.records == lines.count else { throw Missing(what: "as many records as the manifest says") }
        return lines
    }

    /// All keys and contents.
    func contents() async throws -> [String: [UInt8]] {
        var all: [String: [UInt8]] = [:]
        for try await info in store.list(prefix: "") { all[info.key.text] = try await store.read(info.key, upTo: 1 << 24) }
        return all
    }

    /// Objects of data that no manifest names.
    func strays() async throws -> [String] {
        var named: Set<String> = []
        var present: [String] = []
        for (key, bytes) in try await contents() where !key.hasPrefix("_switchboard/") {
            if key.contains("/_manifest.") {
                named.formUnion(try Manifest.decode(bytes).objects.map(\.key))
            } else if key.hasSuffix(".json") {
                present.append(key)
            }
        }
        return present.filter { !named.contains($0) }.sorted()
    }

    func rewrite(
        at instant: Date = Date(timeIntervalSince1970: 1_772_000_000),
        tell: @escaping @Sendable (Manifest, ObjectKey) async throws -> Void = { _, _ in },
        step: @escaping @Sendable (PrivacyRewrite.Step) throws -> Void = { _ in }
    ) -> PrivacyRewrite {
        PrivacyRewrite(
            store: store, announcer: PrivacyRewrite.Announcer(tell: tell), operatorName: "ops@host", now: { instant }, step: step)
    }

    func plan(_ subject: PrivacySubject, _ scope: PrivacyScope = PrivacyScope()) async throws -> PrivacyPlan {
        try await PrivacyScan(store: store, layout: layout).plan(subject, in: scope)
    }
}
