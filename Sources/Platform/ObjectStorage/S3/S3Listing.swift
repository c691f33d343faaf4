import Foundation
import Logging
import Synchronization
import Transfer

/// A listing of a bucket, page by page (ListObjectsV2), in the order that the service gives.
final class S3Listing: Sendable {
    private struct State {
        var token: String?
        var isOver = false
    }

    private let client: S3Client
    private let prefix: String
    private let state = Mutex(State())

    init(client: S3Client, prefix: String) {
        self.client = client
        self.prefix = prefix
    }

    func nextPage() async throws(ObjectStorageError) -> [ObjectInfo]? {
        let (token, isOver) = state.withLock { ($0.token, $0.isOver) }
        // Servers that keep objects in a file system resolve dots and empty segments, which are no part of any key.
        guard !isOver, ObjectKey.canBegin(with: prefix) else { return nil }
        let root = client.configuration.prefix
        var call = S3Client.Call(method: .get, key: nil)
        call.query = [
            ("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000"),
            ("prefix", root.isEmpty ? prefix : root + "/" + prefix),
        ]
        if let token { call.query.append(("continuation-token", token)) }
        let document = try S3Document.read(
            try await client.document(call, limit: XMLReader.maximumBytes), root: "ListBucketResult", client: client)
        let isEncoded = document["EncodingType"] == "url"
        var page: [ObjectInfo] = []
        for contents in document.all("Contents") {
            if let object = try object(contents, isEncoded: isEncoded, root: root) { page.append(object) }
        }
        let next = document["NextContinuationToken"]
        if document["IsTruncated"] == "true", next == nil || next == token {
            throw S3Document.corrupt("the listing has no next page though it is truncated", client)
        }
        state.withLock { state in
            state.token = next
            state.isOver = document["IsTruncated"] != "true"
        }
        return page
    }

    private func object(_ contents: XMLElement, isEncoded: Bool, root: String) throws(ObjectStorageError) -> ObjectInfo? {
        guard let listed = contents["Key"], let name = isEncoded ? PercentEncoding.decodeListed(listed) : listed,
            let size = contents["Size"].flatMap({ Int($0) })
        else { throw S3Document.corrupt("an object in the listing has no key or size", client) }
        let fullPrefix = root.isEmpty ? prefix : root + "/" + prefix
        // By bytes: a combining character at the beginning of a key makes one Character with the separator before it.
        guard name.utf8.starts(with: fullPrefix.utf8),
            let relative = String(root.isEmpty ? name.utf8[...] : name.utf8.dropFirst(root.utf8.count + 1))
        else { throw S3Document.corrupt("the listing holds an object outside of its prefix", client) }
        do throws(ObjectStorageError) {
            return ObjectInfo(
                key: try ObjectKey(relative), size: size, etag: contents["ETag"].map(Self.unquoted),
                modified: contents["LastModified"].flatMap(S3Document.date))
        } catch {
            // Folder markers of consoles and the like: no store has put them, and no key names them.
            client.logger.debug("an object that is no key is not listed", metadata: ["bucket": "\(client.configuration.bucket)"])
            return nil
        }
    }

    static func unquoted(_ etag: String) -> String { etag.filter { $0 != "\"" } }
}

/// Documents that the service answers with.
enum S3Document {
    static func read(_ bytes: [UInt8], root: String, client: S3Client) throws(ObjectStorageError) -> XMLElement {
        do throws(XMLReader.Refusal) {
            let element = try XMLReader.read(bytes)
            if element.name == root { return element }
        } catch {
            throw corrupt("the answer is no XML that can be read: \(error.reason)", client)
        }
        throw corrupt("the answer is another document than \(root)", client)
    }

    static func corrupt(_ message: String, _ client: S3Client) -> ObjectStorageError {
        ObjectStorageError(.corrupt, store: client.location, message: message)
    }

    /// Reads `2026-11-20T16:00:00.000Z`.
    static func date(_ text: String) -> Date? {
        // A service that writes its dates otherwise has none, as far as a caller is concerned.
        let withFraction = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        return withFraction ?? (try? Date(text, strategy: .iso8601))
    }
}
