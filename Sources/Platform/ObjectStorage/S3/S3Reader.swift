import Synchronization
import Transfer

/// The reading of an object, continued over lost connections.
final class S3Reader: Sendable {
    private struct State {
        var body: ResponseBody
        var offset: Int
        /// Failures since the last byte.
        var failures = 0
    }

    let size: Int
    private let client: S3Client
    private let key: String
    private let end: Int
    private let etag: String?
    private let state: Mutex<State>

    /// Opens an object; nil: the range is past its end.
    static func open(_ client: S3Client, key: String, range: Range<Int>?) async throws(ObjectStorageError) -> S3Reader? {
        var call = S3Client.Call(method: .get, key: key)
        if let range { call.headers.append(("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")) }
        let response: HTTPResponse
        do throws(S3Client.Failure) {
            response = try await client.configuration.retry.run(clock: client.clock, judge: \.verdict) {
                (_) throws(S3Client.Failure) in try await client.attempt(call)
            }
        } catch {
            if range != nil, error.code == "InvalidRange" || error.status == 416 { return nil }
            throw error.error
        }
        guard let length = response.headers["Content-Length"].flatMap({ Int($0) }), range == nil || response.status == 206 else {
            throw ObjectStorageError(.corrupt, store: client.location, key: key, message: "the service didn't give the range")
        }
        return S3Reader(client: client, key: key, start: range?.lowerBound ?? 0, length: length, response: response)
    }

    private init(client: S3Client, key: String, start: Int, length: Int, response: HTTPResponse) {
        self.client = client
        self.key = key
        size = length
        end = start + length
        etag = response.headers["ETag"]
        state = Mutex(State(body: response.body, offset: start))
    }

    func next() async throws(ObjectStorageError) -> [UInt8]? {
        while true {
            let (body, offset) = state.withLock { ($0.body, $0.offset) }
            do throws(TransferError) {
                var iterator = body.makeAsyncIterator()
                guard let chunk = try await iterator.next() else { return nil }
                state.withLock { state in
                    state.offset += chunk.count
                    state.failures = 0
                }
                return chunk
            } catch {
                try await reopen(after: error, at: offset)
            }
        }
    }

    /// Goes on at an offset after a lost connection, if the object is still the same.
    private func reopen(after error: TransferError, at offset: Int) async throws(ObjectStorageError) {
        var call = S3Client.Call(method: .get, key: key)
        let failure = client.failure(error, call)
        let failures = state.withLock { state in
            state.failures += 1
            return state.failures
        }
        guard case .transient = failure.verdict, failures < client.configuration.retry.maximumAttempts, let etag, offset < end
        else {
            throw failure.error
        }
        call.headers = [("Range", "bytes=\(offset)-\(end - 1)"), ("If-Match", etag)]
        do throws(ObjectStorageError) {
            guard let response = try await client.send(call), response.status == 206 else { throw failure.error }
            state.withLock { $0.body = response.body }
        } catch  where error.kind == .alreadyExists || error.kind == .notFound {
            throw ObjectStorageError(
                .unavailable, store: client.location, key: key,
                message: "the object was replaced while it was read: read it again")
        }
    }
}
