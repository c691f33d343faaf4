import Synchronization
import Transfer

/// A put into a bucket.
///
/// Bytes are gathered to a part; while a full part is uploaded the writer waits, so at most the part on its way and the one being
/// gathered are in memory. Invariants:
///   1. Only `finish` makes anything visible, by one PUT or by completing the upload.
///   2. An upload that was started is completed or aborted, also when the task is cancelled or the writer is dropped.
final class S3Writer: ObjectWriter {
    private struct State {
        /// Whether one call is at work.
        var isBusy = false
        var isOver = false
        var part: [UInt8] = []
        var hash = ContentHash()
        var bytes = 0
        var upload: String?
        var tags: [String] = []
    }

    /// S3's limit.
    private static let maximumParts = 10_000

    private let client: S3Client
    private let key: String
    private let options: PutOptions
    /// Stored with the object: tells whose put it was when an answer gets lost.
    private let identifier = Hexadecimal.text((0..<16).map { _ in UInt8.random(in: .min ... .max) })
    private let state = Mutex(State())
    private var uploads: S3Uploads { S3Uploads(client: client) }

    init(client: S3Client, key: String, options: PutOptions) {
        self.client = client
        self.key = key
        self.options = options
    }

    deinit {
        let upload = state.withLock { $0.isOver ? nil : $0.upload }
        guard let upload else { return }
        // A dropped writer can't wait, and the task that dropped it may be cancelled.
        Task { [client, key] in await S3Uploads(client: client).abort(key, upload: upload) }
    }

    func write(_ bytes: [UInt8]) async throws(ObjectStorageError) {
        try await exclusively { () throws(ObjectStorageError) in
            var rest = bytes[...]
            state.withLock { state in
                state.hash.update(bytes)
                state.bytes += bytes.count
            }
            while !rest.isEmpty {
                let full = state.withLock { state -> [UInt8]? in
                    let room = client.configuration.partBytes - state.part.count
                    if state.part.isEmpty, state.upload != nil { state.part.reserveCapacity(client.configuration.partBytes) }
                    state.part.append(contentsOf: rest.prefix(room))
                    rest = rest.dropFirst(room)
                    // A full part waits for more: what fits into one part needs no multipart upload.
                    guard state.part.count == client.configuration.partBytes, !rest.isEmpty else { return nil }
                    defer { state.part = [] }
                    return state.part
                }
                if let full { try await upload(full) }
            }
        }
    }

    func finish() async throws(ObjectStorageError) -> PutResult {
        try await exclusively { () throws(ObjectStorageError) in
            let (part, upload, result) = state.withLock { state in
                defer { state.part = [] }
                return (state.part, state.upload, PutResult(bytes: state.bytes, sha256: state.hash.finalize()))
            }
            if let upload {
                if !part.isEmpty { try await self.upload(part) }
                try await uploads.complete(
                    key, upload: upload, tags: state.withLock { $0.tags }, ifAbsent: options.ifAbsent, isDone: isOurs)
            } else {
                try await putAtOnce(part, sha256: result.sha256)
            }
            state.withLock { state in
                state.isOver = true
                state.upload = nil
            }
            return result
        }
    }

    func abandon() async { await giveUp() }

    // MARK: requests

    private func putAtOnce(_ bytes: [UInt8], sha256: String) async throws(ObjectStorageError) {
        var headers = metadata
        headers.append(("x-amz-meta-sha256", sha256))
        if options.ifAbsent { headers.append(("If-None-Match", "*")) }
        let call = S3Client.Call(method: .put, key: key, headers: headers, body: bytes)
        _ = try await client.send(call) { failure in
            guard failure.error.kind == .alreadyExists else { return false }
            return await isOurs()
        }
    }

    private func upload(_ part: [UInt8]) async throws(ObjectStorageError) {
        let (known, number) = state.withLock { ($0.upload, $0.tags.count + 1) }
        guard number <= Self.maximumParts else {
            throw ObjectStorageError(
                .tooLarge, store: client.location, key: key, message: "the object needs more than 10000 parts: use larger parts")
        }
        let upload: String
        if let known {
            upload = known
        } else {
            upload = try await uploads.create(key, headers: metadata)
            state.withLock { $0.upload = upload }
        }
        let tag = try await uploads.uploadPart(key, upload: upload, number: number, bytes: part)
        state.withLock { $0.tags.append(tag) }
    }

    private var metadata: [(name: String, value: String)] {
        var headers = [(name: "x-amz-meta-put-id", value: identifier)]
        if let contentType = options.contentType { headers.append(("Content-Type", contentType)) }
        return headers
    }

    /// Whether the object under the key is this put's: an earlier attempt may have succeeded and lost its answer.
    private func isOurs() async -> Bool {
        do throws(ObjectStorageError) {
            let response = try await client.send(S3Client.Call(method: .head, key: key))
            return response?.headers["x-amz-meta-put-id"] == identifier
        } catch {
            return false
        }
    }

    // MARK: one call at a time

    private func exclusively<Value>(
        _ work: () async throws(ObjectStorageError) -> Value
    ) async throws(ObjectStorageError) -> Value {
        let isFree = state.withLock { state in
            guard !state.isBusy, !state.isOver else { return false }
            state.isBusy = true
            return true
        }
        guard isFree else {
            throw ObjectStorageError(
                .misuse, store: client.location, key: key, message: "the put is over already, or used by two tasks at once")
        }
        do throws(ObjectStorageError) {
            if Task.isCancelled {
                throw ObjectStorageError(.cancelled, store: client.location, key: key, message: "the task was cancelled")
            }
            let value = try await work()
            // Abandoned from another task meanwhile: that call has left the upload to this one.
            let wasAbandoned = state.withLock { state in
                state.isBusy = false
                return state.isOver && state.upload != nil
            }
            if wasAbandoned { await abort() }
            return value
        } catch {
            state.withLock { state in
                state.isBusy = false
                state.isOver = true
                state.part = []
            }
            await abort()
            throw error
        }
    }

    private func giveUp() async {
        let isBusy = state.withLock { state in
            state.isOver = true
            if !state.isBusy { state.part = [] }
            return state.isBusy
        }
        // The call at work aborts when it is done.
        if !isBusy { await abort() }
    }

    /// Aborts in a task of its own, because a cancelled task can't send requests.
    private func abort() async {
        let upload = state.withLock { state in
            defer { state.upload = nil }
            return state.upload
        }
        guard let upload else { return }
        await Task { [client, key] in await S3Uploads(client: client).abort(key, upload: upload) }.value
    }
}
