internal import ObjectStorage

/// Takes lines out of a written object, streaming: the new object replaces the old one at once.
struct ObjectEditor: Sendable {
    let store: any ObjectStore

    /// Writes the object again without these lines (from 0).
    ///
    /// - Returns: the new object; nil when no line was left and the object was deleted.
    func remove(_ lines: Set<UInt32>, from key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> (
        result: PutResult, records: Int
    )? {
        let body = try await store.get(key)
        let writer = try await store.put(key, options: options)
        do throws(ObjectStorageError) {
            let records = try await copy(body, to: writer, without: lines)
            guard records > 0 else {
                await writer.abandon()
                try await store.delete(key)
                return nil
            }
            return (try await writer.finish(), records)
        } catch {
            await writer.abandon()
            throw error
        }
    }

    private func copy(
        _ body: ObjectBody, to writer: any ObjectWriter, without lines: Set<UInt32>
    ) async throws(ObjectStorageError) -> Int {
        var line: UInt32 = 0
        var kept = 0
        var isInLine = false
        var out: [UInt8] = []
        for try await chunk in body {
            var begin = 0
            while begin < chunk.count {
                let end = chunk[begin...].firstIndex(of: UInt8(ascii: "\n"))
                let stop = end.map { $0 + 1 } ?? chunk.count
                if !lines.contains(line) {
                    out.append(contentsOf: chunk[begin..<stop])
                    if !isInLine { kept += 1 }
                }
                isInLine = end == nil
                if end != nil { line += 1 }
                begin = stop
            }
            if out.count >= 1 << 18 {
                try await writer.write(out)
                out.removeAll(keepingCapacity: true)
            }
        }
        if !out.isEmpty { try await writer.write(out) }
        return kept
    }
}
