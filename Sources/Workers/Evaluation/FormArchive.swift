internal import Contracts
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Keeps every version of a form that evaluations refer to: a published version never changes, so each is fetched once.
///
/// The vendor's list of forms has neither questions nor old versions; without them nobody could tell what old answers mean.
struct FormArchive: Sendable {
    let work: EvaluationWork

    struct Result: Sendable {
        /// Versions that weren't kept before.
        var fetched = 0
        /// Versions that the vendor doesn't have or doesn't give, or whose id can't be part of an object's name.
        var missing = 0
    }

    /// Sees to it that versions are kept.
    func keep(_ ids: Set<String>) async throws -> Result {
        var result = Result()
        var refusal: GenesysCloudError?
        var asked = 0
        var refused = 0
        var archived = 0
        let folder = "\(work.configuration.layout.folder(source: work.job.source, dataset: "evaluation_forms"))/versions"
        for id in ids.sorted() {
            try Task.checkCancellation()
            // The first day of a lake fetches hundreds of forms: a job that says nothing for long is taken for stuck.
            work.context.progressed(["forms-fetched": result.fetched, "forms-missing": result.missing])
            guard Job.isIdentifier(id) else {
                result.missing += 1
                continue
            }
            let key = try ObjectKey("\(folder)/\(id).json")
            guard try await work.store.head(key) == nil else {
                archived += 1
                continue
            }
            let form: [UInt8]
            asked += 1
            do {
                form = try await work.client.evaluationForm(id: id)
            } catch let error as GenesysCloudError where error.kind == .notFound {
                result.missing += 1
                work.logger.warning("evaluations refer to a form that the vendor doesn't have", metadata: ["form": "\(id)"])
                continue
            } catch let error as GenesysCloudError where error.isRefusal {
                result.missing += 1
                refused += 1
                refusal = error
                continue
            }
            var line: [UInt8] = []
            form.withUnsafeBytes { NDJSON.append($0, to: &line) }
            if try await work.store.putOnce(key, bytes: line, contentType: NDJSON.contentType) { result.fetched += 1 }
        }
        if let refusal {
            // All of them: the permission is missing, or the question is wrong.
            guard refused < asked || archived > 0 else { throw refusal }
            work.logger.warning("forms are refused", metadata: ["forms": "\(refused)", "error": "\(refusal)"])
        }
        return result
    }
}

extension ObjectStore {
    /// Puts an object unless there is one; false when another worker was faster.
    func putOnce(_ key: ObjectKey, bytes: [UInt8], contentType: String) async throws(ObjectStorageError) -> Bool {
        do throws(ObjectStorageError) {
            try await put(key, bytes: bytes, options: PutOptions(contentType: contentType, ifAbsent: true))
            return true
        } catch {
            guard error.kind == .alreadyExists else { throw error }
            return false
        }
    }
}
