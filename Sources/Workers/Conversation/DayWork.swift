internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// A job at work: what it asks for, whom it asks, and where its result goes.
struct DayWork: Sendable {
    let client: GenesysCloudClient
    let store: any ObjectStore
    let configuration: ConversationConfiguration
    let job: Job
    let request: ConversationRequest
    let context: JobContext
    /// The current time.
    let now: @Sendable () -> Date
    let names: ObjectNames
    let output: JobOutput

    init(
        _ job: Job, _ context: JobContext, client: GenesysCloudClient, store: any ObjectStore,
        configuration: ConversationConfiguration, now: @escaping @Sendable () -> Date
    ) throws {
        self.client = client
        self.store = store
        self.configuration = configuration
        self.job = job
        self.context = context
        self.now = now
        request = try ConversationRequest(job, configuration: configuration)
        let folder = configuration.layout.folder(source: job.source, dataset: job.dataset, day: request.day)
        names = ObjectNames(
            folder: folder, dataset: job.dataset, day: request.day, interval: request.interval,
            isPart: DayParts.whole(of: job.id) != job.id)
        output = try JobOutput(store: store, job: job, folder: folder, prefix: names.prefix)
    }

    var folder: String { names.folder }
    var limits: RecordLimits { RecordLimits(recordBytes: configuration.maximumRecordBytes) }

    /// The result of a job whose manifest is there already; what its attempt wanted to tell is in the checkpoint.
    func alreadyDone(_ manifest: Manifest) async -> Outcome {
        context.logger.info("already done", metadata: ["manifest": "\(output.manifestKey)"])
        var figures = await context.checkpoint.last?.figures ?? [:]
        for (name, figure) in ["records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count] {
            figures[name] = figure
        }
        return .done(JobResult(manifest: output.manifestKey.text, figures: figures))
    }

    /// Publishes a day: whoever finds the manifest finds the list of what hadn't ended too, and an attempt that follows on one that
    /// died here can tell what it would have told.
    ///
    /// - Parameters:
    ///   - former: the manifest that the run began from.
    ///   - open: the conversations that haven't ended, by id, and the number of the object that each is in.
    func publish(
        _ objects: [Manifest.Object], after former: Manifest?, open: [String: UInt32], figures: [String: Int]
    ) async throws -> JobResult {
        if former == nil {
            try await remember(open: open)
        } else {
            // What the former manifest named stays on the list until another one stands.
            let listed = try await OpenList.read(try ObjectKey(place(of: job.id).key), from: store)?.open ?? []
            try await remember(open: open.merging(listed.map { ($0.id, $0.object) }) { new, _ in new })
        }
        let newest = context.checkpoint.newest
        if newest != nil || former != nil {
            await context.checkpoint.save(
                step: newest?.step ?? "publishing", cursor: newest?.cursor ?? .null, figures: figures, forced: true)
        }
        try await output.publish(objects, after: former)
        if former != nil { try await remember(open: open) }
        return JobResult(manifest: output.manifestKey.text, figures: figures)
    }

    /// Throws, so that the job waits, while the instant lies ahead.
    func wait(until instant: Date, reason: String, message: String, advice: String) throws(ExtractionFailure) {
        guard instant > now() else { return }
        throw ExtractionFailure(until: instant, reason: reason, message: message, advice: advice)
    }
}
