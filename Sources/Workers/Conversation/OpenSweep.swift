internal import Contracts
internal import Extraction
internal import Foundation
internal import Logging
internal import ObjectStorage
internal import WorkerKit

/// `task: finish-open`: looks through the lists of conversations that hadn't ended when their day was read, and asks for a run
/// (`task: finish`) of each day of which some have ended since.
struct OpenSweep: Sendable {
    let work: DayWork

    func run() async throws -> Outcome {
        // Done or not, the reruns are asked for: a process that died after its manifest has published none.
        var figures = ["days": 0, "ended": 0, "still-open": 0, "given-up": 0]
        /// The interval and parameters of each run that is asked for, by its id.
        var wanted: [String: (list: OpenList, dataset: String)] = [:]
        for key in try await keys() {
            try Task.checkCancellation()
            guard let list = try await OpenList.read(key, from: work.store), Job.isIdentifier(list.job) else { continue }
            let root = DayParts.whole(of: list.job)
            // Of history that was extracted just now, too, is asked for as long.
            let since = max(list.interval.end, list.since ?? .distantPast)
            guard since.addingTimeInterval(work.configuration.openFor) > work.now() else {
                work.context.logger.notice(
                    "conversations that never ended are left as they are",
                    metadata: ["day": "\(list.day)", "conversations": "\(list.open.count)"])
                figures["given-up", default: 0] += list.open.count
                try await work.store.delete(key)
                continue
            }
            let ended = try await ended(list)
            figures["ended", default: 0] += ended
            figures["still-open", default: 0] += list.open.count - ended
            if ended > 0 { wanted[root] = (list, work.request.subject) }
            work.context.progressed(figures)
        }
        var successors: [Job] = []
        for (root, found) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let job = try await rerun(root, found.list) else { continue }
            successors.append(job)
        }
        figures["days"] = successors.count
        try await work.output.publish([], after: try await work.output.find()?.manifest)
        return .done(JobResult(manifest: work.output.manifestKey.text, figures: figures, successors: successors))
    }

    private func keys() async throws -> [ObjectKey] {
        let folder = OpenList.Place.folder(source: work.job.source, dataset: work.request.subject)
        var keys: [ObjectKey] = []
        for try await object in work.store.list(prefix: folder) where object.key.text.hasSuffix(".json") {
            keys.append(object.key)
        }
        return keys
    }

    private func ended(_ list: OpenList) async throws -> Int {
        let configuration = work.configuration
        let latest = LatestConversations(client: work.client, limits: work.limits, idsPerCall: configuration.idsPerCall)
        var ended = 0
        var rest = list.open[...]
        while !rest.isEmpty {
            // In groups, so that a long list is seen to go forward.
            let group = rest.prefix(configuration.idsPerCall * 10)
            rest = rest.dropFirst(group.count)
            let found = try await latest.ask(group.map(\.id), keepsRecords: false)
            ended += found.values.count { if case .ended = $0 { true } else { false } }
            work.context.progressed(["looked-at": list.open.count - rest.count])
        }
        return ended
    }

    /// The next run of a day; nil when the lake doesn't know the day any more.
    private func rerun(_ root: String, _ list: OpenList) async throws -> Job? {
        let folder = work.configuration.layout.folder(source: work.job.source, dataset: work.request.subject, day: list.day)
        let manifests = try await DayParts.manifests(in: folder, of: work.store, beginning: root) {
            $0 == root || DayParts.isPart($0, of: root)
        }
        // Of a day of which a part is missing nothing is corrected: its own jobs are still at it, or have failed.
        guard DayParts.isComplete(root, Set(manifests.map(\.job))), let revision = manifests.map(\.revision).max(),
            let interval = Interval(covering: manifests.compactMap(\.interval))
        else { return nil }
        var parameters: [String: JSONValue] = [:]
        if case .object(let given) = list.parameters { parameters = given }
        parameters["task"] = .string(ConversationRequest.Work.finish.rawValue)
        // For operators' reruns, which do the whole day again.
        parameters["correction"] = .bool(true)
        return Job(
            id: root, kind: work.job.kind, source: work.job.source, dataset: work.request.subject, day: list.day,
            interval: interval, revision: revision + 1, createdAt: work.now(), parameters: .object(parameters),
            traceparent: work.job.traceparent)
    }
}

extension Interval {
    /// From the first start to the last end; nil of none.
    init?(covering intervals: [Interval]) {
        guard let start = intervals.map(\.start).min(), let end = intervals.map(\.end).max() else { return nil }
        self.init(start: start, end: end)
    }
}
