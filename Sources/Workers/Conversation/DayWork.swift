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

    /// The result of a job whose manifest is there already.
    func alreadyDone(_ manifest: Manifest) -> Outcome {
        context.logger.info("already done", metadata: ["manifest": "\(output.manifestKey)"])
        return .done(
            JobResult(
                manifest: output.manifestKey.text,
                figures: ["records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count]))
    }

    /// Throws, so that the job waits, while the instant lies ahead.
    func wait(until instant: Date, reason: String, message: String, advice: String) throws(ExtractionFailure) {
        guard instant > now() else { return }
        throw ExtractionFailure(until: instant, reason: reason, message: message, advice: advice)
    }

    /// Checks that nobody has published another result of this job meanwhile: two corrections of a day may wait in different
    /// topics, and whoever comes second begins anew from what the first one left.
    func checkUnchanged(since former: Manifest?) async throws {
        guard try await output.find()?.manifest.revision == former?.revision else {
            try await context.checkpoint.discard()
            throw ExtractionFailure(
                retryBecause: "superseded", message: "another run of this job has published its result meanwhile",
                advice: "nothing to do; it is done again on what is there now")
        }
    }
}
