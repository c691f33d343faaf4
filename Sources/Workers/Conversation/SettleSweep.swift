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
        // Done or not, the reruns are asked for: a process that died after its manifest has published none.
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
        var missing = runs.isEmpty ? 1 : 0
        for (root, manifests) in runs.sorted(by: { $0.key < $1.key }) {
            guard DayParts.isComplete(root, Set(manifests.map(\.job))), let revision = manifests.map(\.revision).max(),
                let interval = Interval(covering: manifests.compactMap(\.interval))
            else {
                missing += 1
                continue
            }
            successors.append(
                Job(
                    id: root, kind: work.job.kind, source: work.job.source, dataset: work.request.subject, day: work.request.day,
                    interval: interval, revision: Self.revision(after: revision), createdAt: work.now(), parameters: parameters,
                    traceparent: work.job.traceparent))
        }
        if missing > 0 { try waitForExtract(folder) }
        try await work.output.publish([], after: try await work.output.find()?.manifest)
        return .done(
            JobResult(
                manifest: work.output.manifestKey.text, figures: ["days": successors.count, "missing": missing],
                successors: successors))
    }

    /// The next thousand: other corrections count by one, so one that overtakes this run doesn't make it look done.
    static func revision(after revision: Int) -> Int { (revision / 1000 + 1) * 1000 }

    /// Throws, so that the job waits, while the day may still be extracted.
    private func waitForExtract(_ folder: String) throws(ExtractionFailure) {
        guard work.now() < work.request.interval.end.addingTimeInterval(work.configuration.openFor) else {
            work.context.logger.warning("this day was never wholly extracted", metadata: ["folder": "\(folder)"])
            return
        }
        throw ExtractionFailure(
            until: work.now().addingTimeInterval(work.configuration.availabilityWait), reason: "not-extracted",
            message: "not all of \(folder) is in the lake yet",
            advice: "see what became of the day's jobs: `switchboard jobs list`")
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
