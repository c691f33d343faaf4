import Foundation
import Logging
import Transfer

/// The multipart uploads of a bucket.
struct S3Uploads {
    let client: S3Client

    /// Starts an upload and returns its id.
    func create(_ key: String, headers: [(name: String, value: String)]) async throws(ObjectStorageError) -> String {
        let call = S3Client.Call(method: .post, key: key, query: [("uploads", "")], headers: headers, body: [])
        let document = try S3Document.read(
            try await client.document(call, limit: S3Answer.maximumErrorBytes), root: "InitiateMultipartUploadResult",
            client: client)
        guard let id = document["UploadId"], !id.isEmpty else {
            throw S3Document.corrupt("the service didn't name the upload that it started", client)
        }
        return id
    }

    /// Uploads a part and returns its tag.
    func uploadPart(_ key: String, upload: String, number: Int, bytes: [UInt8]) async throws(ObjectStorageError) -> String {
        let call = S3Client.Call(
            method: .put, key: key, query: [("partNumber", String(number)), ("uploadId", upload)], body: bytes)
        guard let etag = try await client.send(call)?.headers["ETag"] else {
            throw S3Document.corrupt("the service didn't give the tag of an uploaded part", client)
        }
        return etag
    }

    /// Makes an object of the parts.
    ///
    /// - Parameter isDone: says whether the object is there after all, when a repeated attempt finds no upload any more.
    func complete(
        _ key: String, upload: String, tags: [String], ifAbsent: Bool, isDone: () async -> Bool
    ) async throws(ObjectStorageError) {
        let parts = tags.enumerated().map { index, tag in
            "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(Self.escaped(tag))</ETag></Part>"
        }
        let text =
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(parts.joined())</CompleteMultipartUpload>"
        let call = S3Client.Call(
            method: .post, key: key, query: [("uploadId", upload)], headers: ifAbsent ? [("If-None-Match", "*")] : [],
            body: Array(text.utf8))
        do throws(S3Client.Failure) {
            try await client.configuration.retry.run(clock: client.clock, judge: \.verdict) {
                (attempt) throws(S3Client.Failure) in
                do throws(S3Client.Failure) {
                    try await completeOnce(call)
                } catch {
                    let mayBeDone =
                        error.code == "NoSuchUpload" || error.error.kind == .alreadyExists || error.error.kind == .notFound
                    if attempt > 1, mayBeDone, await isDone() { return }
                    throw error
                }
            }
        } catch {
            throw error.error
        }
    }

    /// The service may send 200 before it knows the outcome, and then an error document.
    private func completeOnce(_ call: S3Client.Call) async throws(S3Client.Failure) {
        let document = try await client.documentOnce(call, limit: S3Answer.maximumErrorBytes)
        do throws(XMLReader.Refusal) {
            if try XMLReader.read(document).name == "CompleteMultipartUploadResult" { return }
        } catch {
            let error = S3Document.corrupt("the completed upload has no readable answer: \(error.reason)", client)
            throw S3Client.Failure(error: error, verdict: .transient(), code: nil)
        }
        throw S3Answer.failure(status: 500, headers: [:], document: document, client: client, call: call)
    }

    /// Gives an upload up; what can't be is left to `abort(startedBefore:)`.
    func abort(_ key: String, upload: String) async {
        do throws(ObjectStorageError) {
            _ = try await client.send(S3Client.Call(method: .delete, key: key, query: [("uploadId", upload)]))
        } catch  where error.kind == .notFound || error.message.contains("NoSuchUpload") {
            // It is gone already.
        } catch {
            client.logger.warning(
                "a multipart upload could not be aborted; removing abandoned puts will find it",
                metadata: ["store": "\(client.location)", "error": "\(error)"])
        }
    }

    /// Gives up all uploads below the prefix that were started before a time in seconds since 1970; returns how many.
    func abort(startedBefore limit: Int) async throws(ObjectStorageError) -> Int {
        let root = client.configuration.prefix
        var markers: [(name: String, value: String)] = []
        var aborted = 0
        while true {
            var call = S3Client.Call(method: .get, key: nil)
            call.query = [("uploads", ""), ("max-uploads", "1000"), ("prefix", root.isEmpty ? "" : root + "/")] + markers
            let document = try S3Document.read(
                try await client.document(call, limit: XMLReader.maximumBytes), root: "ListMultipartUploadsResult", client: client
            )
            for upload in document.all("Upload") {
                guard let key = upload["Key"], let id = upload["UploadId"],
                    let started = upload["Initiated"].flatMap(S3Document.date),
                    Int(started.timeIntervalSince1970) < limit
                else { continue }
                await abort(key, upload: id)
                aborted += 1
            }
            let next = (key: document["NextKeyMarker"] ?? "", upload: document["NextUploadIdMarker"] ?? "")
            guard document["IsTruncated"] == "true", !next.key.isEmpty,
                markers.first?.value != next.key || markers.last?.value != next.upload
            else { return aborted }
            markers = [("key-marker", next.key), ("upload-id-marker", next.upload)]
        }
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
