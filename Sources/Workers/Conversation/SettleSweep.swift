internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import WorkerKit

/// `task: settle`: once the vendor's data of a day have settled, asks for a run of the day that extracts it again with a details
/// job, and replaces what is there.
///
/// The vendor corrects records that are at least 48 hours old, and its jobs leave out without a word what is newer than their
/// availability date: so the sweep waits for both.
struct SettleSweep: Sendable {
    let work: DayWork

    func run() async throws -> Outcome {
        if let manifest = try await work.output.present() { return work.alreadyDone(manifest) }
        let end = work.request.interval.end
        try work.wait(
            until: end.addingTimeInterval(work.configuration.settledAfter), reason: "not-settled",
            message: "the vendor may still correct this day",
            advice: "nothing to do; conversations.settled-after says how long to wait")
        try await work.waitForAvailability()
        let folder = work.configuration.layout.folder(
            source: work.job.source, dataset: work.request.subject, day: work.request.day)
        let manifests = try await DayParts.manifests(in: folder, of: work.store) { _ in true }
            .filter { $0.source == work.job.source && $0.dataset == work.request.subject }
        let runs = Dictionary(grouping: manifests) { DayParts.whole(of: $0.job) }
        var successors: [Job] = []
        for (root, manifests) in runs.sorted(by: { $0.key < $1.key }) {
            guard let revision = manifests.map(\.revision).max(),
                let interval = Interval(covering: manifests.compactMap(\.interval))
            else { continue }
            successors.append(
                Job(
                    id: root, kind: work.job.kind, source: work.job.source, dataset: work.request.subject, day: work.request.day,
                    interval: interval, revision: revision + 1, createdAt: work.now(), parameters: parameters,
                    traceparent: work.job.traceparent))
        }
        if successors.isEmpty {
            work.context.logger.warning("nothing of this day is in the lake", metadata: ["folder": "\(folder)"])
        }
        try await work.output.publish([])
        return .done(
            JobResult(
                manifest: work.output.manifestKey.text, figures: ["days": successors.count, "manifests": manifests.count],
                successors: successors))
    }

    /// The day is asked for as it was, but by a details job.
    private var parameters: JSONValue {
        var parameters = ["method": JSONValue.string(ConversationRequest.Method.job.rawValue)]
        parameters["request"] = work.job.parameters["request"]
        return .object(parameters)
    }
}

extension DayWork {
    /// Throws, so that the job waits, until the vendor guarantees that the interval's data are complete.
    func waitForAvailability() async throws {
        let available = try await client.dataAvailability(of: .conversations)
        guard available.map({ $0 < request.range.endMilliseconds }) ?? true else { return }
        let said = available.map { "up to \(VendorTime.format($0))" } ?? "up to no moment that the vendor names"
        throw ExtractionFailure(
            until: now().addingTimeInterval(configuration.availabilityWait), reason: "not-available",
            message: "the vendor's data are complete \(said), the interval ends \(Timestamp.string(request.interval.end))",
            advice: "nothing to do; it is asked again every \(Int(configuration.availabilityWait)) s")
    }
}
