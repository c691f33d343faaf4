public import Contracts
internal import Crypto
public import ObjectStorage
internal import Records

/// The records of objects that a manifest names, read back line by line.
public struct ManifestRecords: Sendable {
    private let store: any ObjectStore
    private let maximumLineBytes: Int

    /// A reader of the lake.
    ///
    /// - Parameter maximumLineBytes: a longer line is refused.
    public init(store: any ObjectStore, maximumLineBytes: Int = 256 << 20) {
        self.store = store
        self.maximumLineBytes = maximumLineBytes
    }

    /// Hands over each line of an object, without its end; the bytes are valid during the call only.
    ///
    /// - Parameter pause: called now and then between lines, for what must be awaited.
    /// - Throws: `ExtractionFailure` (reason `lake-damaged`) when the object isn't what the manifest says, after its lines were
    ///   handed over: what came of them must not be kept then.
    public func read(
        _ object: Manifest.Object, _ line: (UnsafeRawBufferPointer) throws -> Void, pause: () async throws -> Void = {}
    ) async throws {
        var hash = SHA256()
        var bytes = 0
        var records = 0
        var rest: [UInt8] = []
        for try await chunk in try await store.get(try ObjectKey(object.key)) {
            hash.update(data: chunk)
            bytes += chunk.count
            guard bytes <= object.bytes else { throw Self.damaged(object) }
            var begin = 0
            while let end = chunk[begin...].firstIndex(of: UInt8(ascii: "\n")) {
                records += 1
                if rest.isEmpty {
                    try chunk.withUnsafeBytes { try line(UnsafeRawBufferPointer(rebasing: $0[begin..<end])) }
                } else {
                    rest += chunk[begin..<end]
                    try rest.withUnsafeBytes { try line($0) }
                    rest.removeAll(keepingCapacity: true)
                }
                begin = end + 1
            }
            rest += chunk[begin...]
            guard rest.count <= maximumLineBytes else { throw Self.damaged(object) }
            try await pause()
        }
        guard rest.isEmpty, records == object.records, bytes == object.bytes, hash.finalize().text == object.sha256 else {
            throw Self.damaged(object)
        }
    }

    private static func damaged(_ object: Manifest.Object) -> ExtractionFailure {
        ExtractionFailure(
            retryBecause: "lake-damaged", message: "\(object.key) isn't what its manifest says",
            advice: "rerun the day: `switchboard jobs rerun`; find out what else writes into the lake")
    }
}

extension SHA256.Digest {
    /// Lower-case hexadecimal.
    package var text: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
