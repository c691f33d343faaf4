public import Contracts
internal import Crypto
internal import Foundation
public import ObjectStorage

/// Reads what was written for a data set's business day, as a consumer of the lake would.
public struct LakeFolder: Sendable {
    /// The folder's key below the lake's root.
    public let folder: String

    private let store: any ObjectStore

    /// The folder of a business day.
    public init(_ store: any ObjectStore, layout: LakeLayout = .standard, source: String, dataset: String, day: String) {
        self.store = store
        folder = layout.folder(source: source, dataset: dataset, day: day)
    }

    /// Everything in the folder, sorted by key.
    public func objects() async throws -> [ObjectInfo] { try await store.list(prefix: "\(folder)/").collect() }

    /// The names of everything in the folder, sorted.
    public func names() async throws -> [String] { try await objects().map { String($0.key.text.dropFirst(folder.count + 1)) } }

    /// The tag `_SUCCESS`, which is the day's manifest; nil when there is none.
    public func success() async throws -> Manifest? {
        guard let bytes = try await read(LakeLayout.success(in: folder)) else { return nil }
        return try Manifest.decode(bytes)
    }

    /// The text of the tag `_FAILURE`; nil when there is none.
    public func failure() async throws -> String? {
        try await read(LakeLayout.failure(in: folder)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The pages in the order of their parts of the day and of their numbers: all objects that are no tag and no manifest.
    public func pages() async throws -> [ObjectInfo] {
        try await objects().filter { !Self.name(of: $0).hasPrefix("_") }
            .map { (part: Self.name(of: $0).split(separator: "_").dropLast().joined(), number: Self.number(of: $0), object: $0) }
            .sorted { ($0.part, $0.number) < ($1.part, $1.number) }.map(\.object)
    }

    /// All records, in the order of the pages.
    public func records() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for page in try await pages() {
            for try await chunk in try await store.get(page.key) { bytes += chunk }
        }
        return bytes
    }

    /// The short form of all records, in the order of the pages.
    public func digest() async throws -> ContentDigest {
        var hash = SHA256()
        var digest = ContentDigest(records: 0, bytes: 0, sha256: "")
        for page in try await pages() {
            for try await chunk in try await store.get(page.key) {
                hash.update(data: chunk)
                let lines = chunk.count { $0 == UInt8(ascii: "\n") }
                digest.records += lines
                digest.bytes += chunk.count - lines
            }
        }
        digest.sha256 = hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
        return digest
    }

    private func read(_ key: String) async throws -> [UInt8]? {
        let key = try ObjectKey(key)
        guard try await store.head(key) != nil else { return nil }
        return try await store.read(key, upTo: Manifest.maximumBytes)
    }

    private static func name(of object: ObjectInfo) -> Substring { object.key.text.split(separator: "/").last ?? "" }

    private static func number(of object: ObjectInfo) -> Int {
        name(of: object).prefix { $0 != "." }.split(separator: "_").last.flatMap { Int($0) } ?? 0
    }
}
