public import Contracts
internal import Extraction
public import Foundation
public import GenesysCloud
internal import Logging
internal import Metrics
public import ObjectStorage
public import WorkerKit

/// Does user details jobs: a business day of presence and routing status, a snapshot of a lookup, or a look at what is open.
public struct UserDetailsHandler: JobHandler {
    private let client: GenesysCloudClient
    private let store: any ObjectStore
    private let configuration: UserDetailsConfiguration
    private let now: @Sendable () -> Date

    /// A handler for the jobs of one OAuth client.
    ///
    /// - Parameter now: the time of day, by which a day is over.
    public init(
        client: GenesysCloudClient, store: any ObjectStore, configuration: UserDetailsConfiguration,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.client = client
        self.store = store
        self.configuration = configuration
        self.now = now
    }

    /// Does what the job asks for; a job whose manifest is there already is done.
    ///
    /// - Throws: an `ExtractionFailure`, which knows what should become of the job.
    public func handle(_ job: Job, _ context: JobContext) async throws -> Outcome {
        try await Outcome.ofExtraction {
            let task = try UserDetailsTask(job, configuration)
            let result =
                switch task.action {
                case .extract(let method): try await extract(job, task, method, context)
                case .lookup(let lookup): try await look(up: lookup, job, task, context)
                case .complete(let dataset): try await sweep(job, task, dataset, context)
                }
            return .done(result)
        }
    }

    // MARK: A day

    private func extract(
        _ job: Job, _ task: UserDetailsTask, _ method: UserDetailsConfiguration.Method, _ context: JobContext
    ) async throws -> JobResult {
        let place = try Place(store: store, job: job, task: task, layout: configuration.layout)
        let states = DayStates(store: store, source: job.source, dataset: job.dataset, logger: context.logger)
        let home = HomeDays(
            store: store, layout: configuration.layout, job: job, day: task.day, start: task.interval.start)
        let follow = FollowUp(
            client: client, store: store, configuration: configuration, states: states, context: context, now: now())
        let found = try await place.output.find()
        // A rerun asks for no ends: the day's first run has, and every day's rerun asking for all would never come to rest.
        let asks = job.revision == 0
        if let found, found.isCurrent {
            // What follows a publication may not have been done; doing it twice does no harm.
            try await place.tidy()
            let own = try await states.all().first { $0.job.id == job.id } ?? DayState(job: job)
            var after = try await follow.after(own, found.manifest, crossing: [:], home: home, asks: asks)
            if !(try await states.learned(job)).isEmpty { try await follow.rerun(own.job, &after) }
            var result = Self.done(place, found.manifest, after)
            if own.isUnsettled, found.manifest.revision == job.revision { result.figures["unsettled"] = 1 }
            reread(job, found.manifest, &result, context)
            return result
        }
        try await wait(task, method, context)
        let known = try await states.all()
        let before = known.filter { state in
            state.job.id != job.id && (state.job.interval?.start ?? .distantFuture) < task.interval.start
        }
        var day = DayExtraction(
            client: client, store: store, configuration: configuration, range: task.range, home: home, before: before,
            ledger: place.ledger(after: found?.manifest, configuration), context: context)
        do {
            switch method {
            case .query: try await day.query(task.request)
            case .job: try await day.job(task.request)
            }
            let learned = try await states.learned(job)
            let completed = try await day.complete(learned)
            if let found { try await day.merge(found.manifest) }
            try await day.adopt()
            let objects = try await day.finish()
            var state = DayState(job: job)
            state.open = day.open
            state.adopted = day.adopted
            state.isUnsettled = day.figures["unsettled"] == 1
            let first = known.first { $0.job.id == job.id }
            state.since = first.map(\.since) ?? now()
            // The state before the manifest: who sees the manifest can see what the day holds.
            let isRemembered = !state.isEmpty || !states.isForgotten(job, at: now(), configuration)
            if isRemembered { try await states.write(state) }
            let manifest = try await place.output.publish(objects, after: found?.manifest)
            if !isRemembered { try await states.remove(job) }
            let hasMore = try await states.forget(learned, for: job)
            var after = try await follow.after(state, manifest, crossing: day.crossing, home: home, asks: asks)
            if hasMore { try await follow.rerun(state.job, &after) }
            var result = Self.done(place, manifest, after)
            for (name, figure) in day.figures { result.figures[name] = figure }
            if completed > 0 { result.figures["learned"] = completed }
            reread(job, manifest, &result, context)
            tell(result.figures, context)
            return result
        } catch {
            await day.abandon()
            throw error
        }
    }

    /// The vendor must have the whole day: no query touches now, no job goes beyond the availability date.
    private func wait(
        _ task: UserDetailsTask, _ method: UserDetailsConfiguration.Method, _ context: JobContext
    ) async throws {
        switch method {
        case .query:
            let due = task.interval.end.addingTimeInterval(configuration.settleMargin / .seconds(1))
            guard now() < due else { return }
            throw ExtractionFailure(
                until: due, reason: "not-settled", message: "the interval has not been over for long enough",
                advice: "wait; give the schedule a settle time of user-details.settle-margin or more")
        case .job:
            let available = try await client.dataAvailability(of: .users)
            guard let available, available >= task.range.endMilliseconds else {
                throw UserDetailsTask.notAvailable(
                    until: available, end: task.range.endMilliseconds, reason: "vendor-not-available", now: now())
            }
        }
    }

    private static func done(_ place: Place, _ manifest: Manifest, _ after: FollowUp.Result) -> JobResult {
        var figures = ["records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count]
        for (name, figure) in after.figures { figures[name] = figure }
        return JobResult(manifest: place.output.manifestKey.text, figures: figures, successors: after.reruns)
    }

    /// A listing that kept shifting until the last pass is read again, a few times.
    private func reread(_ job: Job, _ manifest: Manifest, _ result: inout JobResult, _ context: JobContext) {
        guard result.figures["unsettled"] == 1 else { return }
        guard !result.successors.contains(where: { $0.id == job.id }) else { return }
        guard let next = Rereading.next(of: job, after: manifest.revision, at: now()) else {
            context.logger.warning("pages kept shifting until the last pass of the last run; something may be missing")
            return
        }
        result.successors.append(next)
        result.figures["rereads"] = 1
        context.logger.notice("pages kept shifting until the last pass; the job is run again")
    }

    /// What the vendor did that it should not is counted.
    private func tell(_ figures: [String: Int], _ context: JobContext) {
        let names = [
            "duplicates", "truncated", "outside", "unidentified", "unsettled", "unknown-fields", "given-up", "repeated-pages",
            "missed", "unanswered",
        ]
        for name in names {
            guard let count = figures[name], count > 0 else { continue }
            Counter(label: "user_details_deviations", dimensions: [("kind", name)]).increment(by: count)
        }
    }

    // MARK: Lookups

    private func look(
        up lookup: LookupTable.Lookup, _ job: Job, _ task: UserDetailsTask, _ context: JobContext
    ) async throws -> JobResult {
        let place = try Place(store: store, job: job, task: task, layout: configuration.layout)
        let found = try await place.output.find()
        if let found, found.isCurrent {
            try await place.tidy()
            return Self.done(place, found.manifest, FollowUp.Result())
        }
        var snapshot = LookupSnapshot(
            client: client, query: lookup.query(configuration), configuration: configuration,
            ledger: place.ledger(after: found?.manifest, configuration), context: context)
        do {
            let (objects, figures) = try await snapshot.run()
            let manifest = try await place.output.publish(objects, after: found?.manifest)
            var result = Self.done(place, manifest, FollowUp.Result())
            for (name, figure) in figures { result.figures[name] = figure }
            reread(job, manifest, &result, context)
            tell(result.figures, context)
            return result
        } catch {
            await snapshot.abandon()
            throw error
        }
    }

    // MARK: The sweep

    private func sweep(
        _ job: Job, _ task: UserDetailsTask, _ dataset: String, _ context: JobContext
    ) async throws -> JobResult {
        let place = try Place(store: store, job: job, task: task, layout: configuration.layout)
        let states = DayStates(store: store, source: job.source, dataset: dataset, logger: context.logger)
        let follow = FollowUp(
            client: client, store: store, configuration: configuration, states: states, context: context, now: now())
        let swept = try await follow.sweep()
        if let manifest = try await place.output.present() { return Self.done(place, manifest, swept) }
        let former = try await place.output.find()?.manifest
        return Self.done(place, try await place.output.publish([], after: former), swept)
    }
}

/// Where a job's output goes.
private struct Place {
    let store: any ObjectStore
    let names: ObjectNames
    let output: JobOutput

    init(store: any ObjectStore, job: Job, task: UserDetailsTask, layout: LakeLayout) throws(ObjectStorageError) {
        let folder = layout.folder(source: job.source, dataset: job.dataset, day: task.day)
        self.store = store
        names = ObjectNames(folder: folder, dataset: job.dataset, day: task.day, interval: task.interval)
        output = try JobOutput(store: store, job: job, folder: folder, prefix: names.prefix)
    }

    /// Removes what a run that was ended after its manifest had no time to remove.
    func tidy() async throws(ObjectStorageError) { _ = try await output.present() }

    /// A ledger whose objects don't meet those of a manifest.
    func ledger(after manifest: Manifest?, _ configuration: UserDetailsConfiguration) -> RowLedger {
        RowLedger(
            store: store, names: names, firstNumber: output.firstFreeNumber(after: manifest),
            recordsPerObject: configuration.recordsPerObject)
    }
}
