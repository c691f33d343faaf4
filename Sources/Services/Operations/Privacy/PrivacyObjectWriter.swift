internal import Contracts
internal import Extraction
internal import ObjectStorage
internal import Records

/// Copies one object under another name, without the subject's records or with its terms replaced.
///
/// Memory holds a piece of the source and what became of it, whatever the object's size.
final class PrivacyObjectWriter {
    private let store: any ObjectStore
    private let key: ObjectKey
    private var writer: (any ObjectWriter)?
    private var lines: [UInt8] = []
    /// The conversations that went.
    private(set) var removed: Set<String> = []

    init(store: any ObjectStore, key: ObjectKey) {
        self.store = store
        self.key = key
    }

    /// Copies an object. Nothing is visible under the new name unless the source was read whole and is what the manifest says.
    ///
    /// - Returns: the new object, nil when no record is left, and how many records went or changed.
    func copy(_ object: Manifest.Object, _ matcher: PrivacyMatcher) async throws -> (object: Manifest.Object?, changed: Int) {
        var kept = 0
        var changed = 0
        try await ManifestRecords(store: store).read(object) { line in
            switch matcher.verdict(line) {
            case .keep:
                kept += 1
                append(line)
            case .remove:
                changed += 1
                if let id = PrivacyMatcher.conversation(of: line) { removed.insert(id) }
            case .replace(let new):
                kept += 1
                changed += 1
                new.withUnsafeBytes { append($0) }
            }
        } pause: {
            try await self.write()
        }
        guard let writer else { return (nil, changed) }
        let result = try await writer.finish()
        self.writer = nil
        return (Manifest.Object(key: key.text, records: kept, bytes: result.bytes, sha256: result.sha256), changed)
    }

    private func append(_ line: UnsafeRawBufferPointer) {
        lines.append(contentsOf: line)
        lines.append(UInt8(ascii: "\n"))
    }

    private func write() async throws {
        guard !lines.isEmpty else { return }
        if writer == nil { writer = try await store.put(key, options: PutOptions(contentType: NDJSON.contentType)) }
        try await writer?.write(lines)
        lines.removeAll(keepingCapacity: true)
    }

    /// Gives up what is being written.
    func abandon() async {
        await writer?.abandon()
        writer = nil
    }
}
