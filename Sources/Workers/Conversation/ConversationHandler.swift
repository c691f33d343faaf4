public import Contracts
internal import Extraction
internal import Foundation
public import GenesysCloud
internal import Logging
public import ObjectStorage
internal import Records
public import WorkerKit

/// Does conversation jobs: a business day of conversations becomes objects of 100 records each, and a manifest.
public struct ConversationHandler: JobHandler {
    private let client: GenesysCloudClient
    private let store: any ObjectStore
    private let configuration: ConversationConfiguration

    /// A handler for the jobs of one OAuth client.
    public init(client: GenesysCloudClient, store: any ObjectStore, configuration: ConversationConfiguration) {
        self.client = client
        self.store = store
        self.configuration = configuration
    }

    /// Extracts the job's interval; a job whose manifest is there already is done.
    ///
    /// - Throws: a `ExtractionFailure`, which knows what should become of the job.
    public func handle(_ job: Job, _ context: JobContext) async throws -> Outcome {
        do {
            if job.parameters["task"]?.string == PrivacyRequests.task {
                return .done(
                    try await PrivacyRequests(client: client, store: store, layout: configuration.layout).run(job, context))
            }
            return .done(try await extract(job, context))
        } catch let error as GenesysCloudError {
            try Task.checkCancellation()
            throw ExtractionFailure(error)
        } catch let error as ObjectStorageError {
            // Every call of a cancelled task fails; that says nothing about vendor or lake.
            try Task.checkCancellation()
            throw ExtractionFailure(error)
        }
    }

    private func extract(_ job: Job, _ context: JobContext) async throws -> JobResult {
        let (day, interval, query) = try plan(job)
        let folder = configuration.layout.folder(source: job.source, dataset: job.dataset, day: day)
        let names = ObjectNames(folder: folder, dataset: job.dataset, day: day, interval: interval)
        let output = try JobOutput(store: store, job: job, folder: folder, prefix: names.prefix)
        if let manifest = try await output.present() {
            context.logger.info("already done", metadata: ["manifest": "\(output.manifestKey)"])
            return JobResult(
                manifest: output.manifestKey.text,
                figures: ["records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count])
        }
        let extraction = DayExtraction(
            client: client, query: query, limits: RecordLimits(recordBytes: configuration.maximumRecordBytes), store: store,
            options: PutOptions(contentType: NDJSON.contentType), concurrency: configuration.concurrency,
            maximumPasses: configuration.maximumPasses, key: { (number) throws(ObjectStorageError) in try names.key(number) },
            progress: { context.progressed($0) }, checkpoint: context.checkpoint, logger: context.logger)
        let result = try await extraction.run()
        if result.figures["unsettled"] == 1 {
            context.logger.warning(
                "pages kept shifting until the last pass; a later run of the day may find more",
                metadata: ["passes": "\(configuration.maximumPasses)"])
        }
        try await output.publish(result.objects)
        return JobResult(manifest: output.manifestKey.text, figures: result.figures)
    }

    private func plan(_ job: Job) throws(ExtractionFailure) -> (String, Interval, ConversationDetailsQuery) {
        guard let interval = job.interval, let day = job.day, interval.start < interval.end else {
            throw ExtractionFailure(
                reason: "bad-job", message: "a conversation job needs a day and an interval", advice: "publish it with both")
        }
        guard let range = QueryInterval(start: interval.start, end: interval.end) else {
            throw ExtractionFailure(
                reason: "bad-job", message: "the interval \(interval) can't be asked for", advice: "correct the job's interval")
        }
        do {
            let request = job.parameters["request"] ?? configuration.request
            guard let request else {
                return (day, interval, ConversationDetailsQuery(interval: range, pageSize: configuration.pageSize))
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(request), as: UTF8.self)
            return (
                day, interval, try ConversationDetailsQuery(interval: range, pageSize: configuration.pageSize, requestBody: text)
            )
        } catch {
            throw ExtractionFailure(
                reason: "bad-job", message: "\(error)", advice: "correct parameters.request or the interval of the schedule")
        }
    }
}
