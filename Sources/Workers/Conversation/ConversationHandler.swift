public import Contracts
internal import Extraction
public import Foundation
public import GenesysCloud
public import ObjectStorage
public import WorkerKit

/// Does conversation jobs: a business day of conversations becomes objects of 100 records each, and a manifest.
public struct ConversationHandler: JobHandler {
    private let client: GenesysCloudClient
    private let store: any ObjectStore
    private let configuration: ConversationConfiguration
    private let now: @Sendable () -> Date

    /// A handler for the jobs of one OAuth client.
    ///
    /// - Parameter now: the current time.
    public init(
        client: GenesysCloudClient, store: any ObjectStore, configuration: ConversationConfiguration,
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
            let work = try DayWork(job, context, client: client, store: store, configuration: configuration, now: now)
            return switch (work.request.work, work.request.method) {
            case (.extract, .query): try await QueryExtract(work: work).run()
            case (.extract, .job): try await DetailsJobExtract(work: work).run()
            case (.finish, _): try await OpenFinish(work: work).run()
            case (.finishOpen, _): try await OpenSweep(work: work).run()
            case (.settle, _): try await SettleSweep(work: work).run()
            case (.privacyRequests, _): .done(try await PrivacyRequests(work: work).run())
            }
        }
    }
}
