import Glibc
import Logging
import Transfer

/// Signed requests to one bucket, repeated where that helps, with errors in this module's words.
struct S3Client: Sendable {
    /// One request; `key` is nil for the bucket itself.
    struct Call: Sendable {
        var method: HTTPMethod
        var key: String?
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var body: [UInt8]?
    }

    /// A failed attempt and what it says about the next.
    struct Failure: Error {
        let error: ObjectStorageError
        let verdict: RetryPolicy.Verdict
        /// The service's code, such as `NoSuchUpload`; nil: no answer came.
        let code: String?
        /// The status of the answer; nil: none came.
        var status: Int?
    }

    let configuration: S3Configuration
    let endpoint: S3Endpoint
    let location: String
    let credentials: @Sendable () async throws -> S3Credentials
    let transport: any HTTPTransport
    let clock: any Clock<Duration>
    /// Seconds since 1970 UTC.
    let now: @Sendable () -> Int
    let logger: Logger

    /// Sends a call until it succeeds or fails for good.
    ///
    /// - Parameter accepts: looks at a failure that an earlier, lost attempt may have caused; true: that attempt did the work.
    func send(
        _ call: Call, accepts: (Failure) async -> Bool = { _ in false }
    ) async throws(ObjectStorageError) -> HTTPResponse? {
        do throws(Failure) {
            return try await configuration.retry.run(clock: clock, judge: \.verdict) { (attempt) throws(Failure) in
                do throws(Failure) {
                    return try await self.attempt(call)
                } catch {
                    if attempt > 1, await accepts(error) { return nil }
                    throw error
                }
            }
        } catch {
            throw error.error
        }
    }

    /// Sends a call and reads the whole answer.
    func document(_ call: Call, limit: Int) async throws(ObjectStorageError) -> [UInt8] {
        // The body is part of the attempt: it is repeated when it breaks off.
        do throws(Failure) {
            return try await configuration.retry.run(clock: clock, judge: \.verdict) { (_) throws(Failure) in
                try await self.documentOnce(call, limit: limit)
            }
        } catch {
            throw error.error
        }
    }

    /// One attempt whose whole answer is read.
    func documentOnce(_ call: Call, limit: Int) async throws(Failure) -> [UInt8] {
        let response = try await attempt(call)
        do throws(TransferError) {
            return try await response.body.collect(upTo: limit)
        } catch {
            throw failure(error, call)
        }
    }

    /// The signed URL of a call.
    func presigned(_ call: Call, expiresSeconds: Int) async throws(ObjectStorageError) -> String {
        let signer = SignatureV4(credentials: try await currentCredentials(), region: configuration.region, time: now())
        return endpoint.url(signer.presigned(request(of: call), expiresSeconds: expiresSeconds))
    }

    /// One attempt; any status but 2xx is a failure.
    func attempt(_ call: Call) async throws(Failure) -> HTTPResponse {
        let request: HTTPRequest
        do throws(ObjectStorageError) {
            request = try await signed(call)
        } catch {
            throw Failure(error: error, verdict: .permanent, code: nil)
        }
        let response: HTTPResponse
        do throws(TransferError) {
            response = try await transport.send(request)
        } catch {
            throw failure(error, call)
        }
        guard !response.isSuccess else { return response }
        let document: [UInt8]
        do throws(TransferError) {
            document = try await response.body.collect(upTo: S3Answer.maximumErrorBytes)
        } catch {
            // The status says enough.
            document = []
        }
        throw S3Answer.failure(
            status: response.status, headers: response.headers, document: document, client: self, call: call)
    }

    func failure(_ error: TransferError, _ call: Call) -> Failure {
        let kind: ObjectStorageError.Kind =
            switch error.kind {
            case .cancelled, .clientShutDown: .cancelled
            case .unusable, .tls: .misconfigured
            case .bodyTooLarge, .headersTooLarge, .badResponse: .corrupt
            default: .unavailable
            }
        return Failure(
            error: ObjectStorageError(kind, store: location, key: call.key, message: error.description),
            verdict: RetryPolicy.Verdict(error), code: nil)
    }

    /// The name of an object in the bucket.
    func name(of key: ObjectKey) -> String {
        configuration.prefix.isEmpty ? key.text : configuration.prefix + "/" + key.text
    }

    private func signed(_ call: Call) async throws(ObjectStorageError) -> HTTPRequest {
        let signer = SignatureV4(credentials: try await currentCredentials(), region: configuration.region, time: now())
        let hash =
            endpoint.isTLS && !configuration.signsPayloadOverTLS && call.body != nil
            ? SignatureV4.unsignedPayload : ContentHash.of(call.body ?? [])
        let signed = signer.signed(request(of: call), payloadHash: hash)
        var headers = HTTPHeaders()
        // libcurl sends the same host as the URL names.
        for header in signed.headers where header.name != "Host" { headers.add(header.name, header.value) }
        return HTTPRequest(
            call.method, endpoint.url(signed), headers: headers, body: call.body.map { .bytes($0) }, limits: configuration.limits)
    }

    private func request(of call: Call) -> SignatureV4.Request {
        SignatureV4.Request(
            method: call.method.rawValue, path: endpoint.path(of: call.key), query: call.query,
            headers: [("Host", endpoint.host)] + call.headers)
    }

    private func currentCredentials() async throws(ObjectStorageError) -> S3Credentials {
        do {
            return try await credentials()
        } catch {
            throw ObjectStorageError(.wrongCredentials, store: location, message: "no credentials could be had: \(error)")
        }
    }
}
