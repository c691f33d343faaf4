public import Contracts
internal import Extraction
public import Foundation
public import GenesysCloud
internal import Logging
public import ObjectStorage
public import WorkerKit

/// Does evaluation jobs.
public struct EvaluationHandler: JobHandler {
    private let client: GenesysCloudClient
    private let store: any ObjectStore
    private let configuration: EvaluationConfiguration
    private let now: @Sendable () -> Date

    /// A handler for the jobs of one OAuth client.
    ///
    /// - Parameter now: the current time.
    public init(
        client: GenesysCloudClient, store: any ObjectStore, configuration: EvaluationConfiguration,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.client = client
        self.store = store
        self.configuration = configuration
        self.now = now
    }

    /// Does what the job's `parameters.task` says; a job whose manifest is there already is done.
    ///
    /// - Throws: an `ExtractionFailure`, which knows what should become of the job.
    public func handle(_ job: Job, _ context: JobContext) async throws -> Outcome {
        try await Outcome.ofExtraction {
            let work = try EvaluationWork(
                job: job, request: EvaluationRequest(job), context: context, client: client, store: store,
                configuration: configuration, now: now)
            let result =
                switch work.request.work {
                case .extract: try await DayExtract(work: work).run()
                case .sweep: try await EvaluationSweep(work: work).run()
                case .forms: try await FormSnapshot(work: work).run()
                }
            return .done(result)
        }
    }
}

/// A job with everything that it takes to do it.
struct EvaluationWork: Sendable {
    let job: Job
    let request: EvaluationRequest
    let context: JobContext
    let client: GenesysCloudClient
    let store: any ObjectStore
    let configuration: EvaluationConfiguration
    let now: @Sendable () -> Date
    let names: ObjectNames
    let output: JobOutput

    init(
        job: Job, request: EvaluationRequest, context: JobContext, client: GenesysCloudClient, store: any ObjectStore,
        configuration: EvaluationConfiguration, now: @escaping @Sendable () -> Date
    ) throws(ObjectStorageError) {
        self.job = job
        self.request = request
        self.context = context
        self.client = client
        self.store = store
        self.configuration = configuration
        self.now = now
        let folder = configuration.layout.folder(source: job.source, dataset: job.dataset, day: request.day)
        names = ObjectNames(folder: folder, dataset: job.dataset, day: request.day, interval: request.interval)
        output = try JobOutput(store: store, job: job, folder: folder, prefix: names.prefix)
    }

    var logger: Logger { context.logger }

    /// The manifest that a run before of this revision has left, as a result.
    func alreadyDone(_ manifest: Manifest) -> JobResult {
        logger.info("already done", metadata: ["manifest": "\(output.manifestKey)"])
        return JobResult(
            manifest: output.manifestKey.text,
            figures: ["records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count])
    }
}
