internal import Contracts
internal import Crypto
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Extracts an interval with a details job: for history, and for a day whose data have settled.
///
/// The job's results are a picture of one moment; the cursor is kept in the checkpoint, so that another attempt goes on where this
/// one ends. Where the day is in the lake already, the new objects are written beside the old ones and take their place with the
/// manifest; how much has changed is told.
struct DetailsJobExtract: Sendable {
    let work: DayWork

    private var request: ConversationRequest { work.request }
    private var configuration: ConversationConfiguration { work.configuration }

    func run() async throws -> Outcome {
        let found = try await work.output.find()
        if found?.isCurrent == true, let manifest = try await work.output.present() {
            try await work.removeParts()
            return await work.alreadyDone(manifest)
        }
        if found == nil {
            // A day that was divided is extracted again part by part, so that each part's manifest takes the place of its own.
            if let parts = try await work.completeParts() { return .children(parts) }
        }
        let query = try query()
        try await work.waitForAvailability()
        do {
            return .done(try await extract(query, former: found?.manifest))
        } catch let error as GenesysCloudError where error.kind == .badRequest(.intervalTooLong) {
            // What stands isn't taken away for parts that may fail.
            guard found == nil, let halves else { throw error }
            return try await divide(into: halves, because: "interval")
        } catch let error as TooManyResults {
            guard let halves else { throw error }
            return try await divide(into: halves, because: "results")
        }
    }

    /// More conversations than are kept in mind at a time, and the interval can be divided.
    private struct TooManyResults: Error {}

    private var halves: [Job]? {
        DayParts.halves(of: work.job, range: request.range, least: configuration.leastWindow)
    }

    private func divide(into halves: [Job], because reason: String) async throws -> Outcome {
        work.context.logger.info("dividing the interval", metadata: ["reason": "\(reason)", "interval": "\(request.interval)"])
        try await work.context.checkpoint.discard()
        try await work.output.discard()
        try await OpenList.remove(work.place(of: work.job.id), from: work.store)
        return .children(halves, figures: ["divided-by-\(reason)": 1])
    }

    private func query() throws(ExtractionFailure) -> DetailsJobQuery {
        do throws(InvalidRequestFields) {
            return try DetailsJobQuery(.conversations, interval: request.range, requestBody: request.fields)
        } catch {
            throw ExtractionFailure(
                reason: "bad-job", message: "\(error)", advice: "correct parameters.request of the schedule")
        }
    }

    // MARK: Reading

    /// What an attempt has so far.
    private struct State {
        var progress = DetailsJobRun.Progress()
        var ledger = PageLedger()
        var pages = WrittenPages()
    }

    private func extract(_ query: DetailsJobQuery, former: Manifest?) async throws -> JobResult {
        let base = work.output.firstFreeNumber(after: former) - 1
        let names = work.names
        let key = { @Sendable (page: UInt32) throws(ObjectStorageError) in try names.key(base + page) }
        let digest = SHA256.hash(data: query.body + Array(" \(base)".utf8)).text
        var state = try await resume(digest: digest, key: key)
        let context = work.context
        let run = DetailsJobRun(
            client: work.client, query: query, pageSize: configuration.jobPageSize, limits: work.limits,
            patience: DetailsJobPatience(
                firstPause: configuration.jobPause, longestPause: configuration.jobPause * 10,
                submissions: configuration.jobResubmissions + 1),
            waiting: { _ in context.progressed([:]) })
        while true {
            let page = state.progress.pages + 1
            let step = try await run.next(&state.progress) { answer in
                try await write(answer, page: page, base: base, key: key)
            }
            switch step {
            case .submitted:
                await save(state, digest: digest, forced: true)
            case .lost(let lost):
                work.context.logger.notice("the vendor lost the details job; asking for another", metadata: ["state": "\(lost)"])
                state.ledger = PageLedger()
                state.pages = WrittenPages()
            case .page(_, let answer):
                _ = state.ledger.merge(answer)
                _ = state.pages.add(
                    answer.page, sha256: answer.object?.result.sha256 ?? WrittenPages.nothing, bytes: answer.bytes, total: nil)
                context.progressed(state.ledger.figures)
                if former == nil, state.ledger.index.count > configuration.splitJobsAbove, halves != nil {
                    throw TooManyResults()
                }
                await save(state, digest: digest)
            case .end:
                return try await finish(state, former: former, key: key)
            }
        }
    }

    private func write(
        _ body: RecordAnswer, page: Int, base: UInt32, key: @escaping @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey
    ) async throws -> (RecordPage, PageAnswer) {
        let range = request.range
        let keepsAll = configuration.keepsOutside
        var sink = PageSink(
            store: work.store, options: PutOptions(contentType: NDJSON.contentType),
            key: { (number) throws(ObjectStorageError) in try key(number - base) },
            content: { ConversationRecord.settledHash(of: $0) }, number: { base + UInt32(clamping: page) },
            isOwned: { keepsAll || ConversationRecord.starts($0, in: range) }, isKnown: { _, _ in false })
        do {
            var answer = body.makeReader()
            while try await answer.next({ sink.add($0) }) {
                if sink.wantsFlush { try await sink.flush() }
            }
            let read = try answer.finish()
            let written = try await sink.finish()
            return (
                read,
                PageAnswer(
                    page: page, sequence: page, records: read.recordCount, total: nil, bytes: read.bytes,
                    entries: written.entries, known: 0, unidentified: sink.unidentified, outside: sink.outside,
                    object: written.object)
            )
        } catch {
            await sink.abandon()
            throw error
        }
    }

    // MARK: Checkpoints

    private func save(_ state: State, digest: String, forced: Bool = false) async {
        var pages = state.pages.cursor(query: digest, at: work.now())
        pages.outside = state.ledger.outside.count + state.ledger.outsideBefore
        let cursor = DetailsJobCursor(progress: state.progress, query: digest, pages: pages)
        await work.context.checkpoint.save(step: DetailsJobCursor.step, cursor: cursor.value, forced: forced)
    }

    private func resume(
        digest: String, key: @escaping @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey
    ) async throws -> State {
        guard let last = await work.context.checkpoint.last else { return State() }
        if last.step == DetailsJobCursor.step, let cursor = DetailsJobCursor(last.cursor), cursor.query == digest {
            let reader = PageReader(
                store: work.store, concurrency: configuration.concurrency, maximumRecordBytes: configuration.maximumRecordBytes,
                content: { ConversationRecord.settledHash(of: $0) }, key: key)
            let context = work.context
            if cursor.pages.pages == 0 { return State(progress: cursor.progress) }
            if let (ledger, pages) = try await reader.read(cursor.pages, progress: { context.progressed($0) }) {
                context.logger.info(
                    "going on where a former attempt stopped", metadata: ["pages": "\(cursor.pages.pages)"])
                return State(progress: cursor.progress, ledger: ledger, pages: pages)
            }
        }
        work.context.logger.notice("what a former attempt wrote is old or has changed; beginning anew")
        try await work.context.checkpoint.discard()
        return State()
    }

    // MARK: End

    private func finish(
        _ state: State, former: Manifest?, key: (UInt32) throws(ObjectStorageError) -> ObjectKey
    ) async throws -> JobResult {
        if let available = state.progress.dataAvailability, available < request.range.endMilliseconds {
            // A job that ran before the data were complete leaves out the rest without a word.
            try await work.context.checkpoint.discard()
            throw ExtractionFailure(
                until: work.now().addingTimeInterval(configuration.availabilityWait), reason: "truncated",
                message: "the details job's data end at \(VendorTime.format(available))",
                advice: "nothing to do; it is asked again")
        }
        let ledger = state.ledger
        var comparison: DayComparison?
        if let former { comparison = try await DayComparison(former, with: ledger, work: work) }
        let names = work.names
        var objects = try await ledger.tidied(
            in: work.store, options: PutOptions(contentType: NDJSON.contentType),
            key: { (number) throws(ObjectStorageError) in try names.key(number) }, progress: { work.context.progressed($0) })
        var open = ledger.openObjects
        if let former, let comparison { try await keep(comparison, of: former, in: &objects, &open) }
        var figures = ledger.figures
        figures.merge(state.progress.figures) { _, new in new }
        if let comparison { figures.merge(comparison.figures) { _, new in new } }
        figures["objects"] = objects.count
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["records"] = objects.reduce(0) { $0 + $1.records }
        figures["open"] = open.count
        figures["unidentified"] = ledger.unidentified
        figures["submissions"] = state.progress.submissions
        if ledger.resumed > 0 { figures["resumed-pages"] = ledger.resumed }
        let published = try await work.publish(objects, after: former, open: open, figures: figures)
        // Once the whole stands: whoever dies in between finds it current and comes by again.
        try await work.removeParts()
        return published
    }

    /// Keeps what the lake knows better than the vendor's job.
    private func keep(
        _ comparison: DayComparison, of former: Manifest, in objects: inout [Manifest.Object], _ open: inout [String: UInt32]
    ) async throws {
        let kept = try await comparison.copyKept(
            from: former, work: work, firstNumber: work.output.firstFreeNumber(after: Manifest(of: work.job, objects: objects)))
        objects += kept.objects
        open.merge(kept.open) { new, _ in new }
        guard !comparison.ended.isEmpty else { return }
        var editor = DayEditor(work: work, manifest: Manifest(of: work.job, objects: objects))
        let hints = Set(comparison.ended.compactMap { open[$0.value.id] })
        try await editor.replace(comparison.ended.mapValues(\.line), lookingFirstIn: hints)
        objects = editor.objects
        for (_, record) in comparison.ended { open[record.id] = nil }
        open = open.mapValues { editor.currentNumber(of: $0) }
    }
}

/// Where an attempt with a details job stands.
struct DetailsJobCursor: Sendable {
    /// The step of the checkpoint.
    static let step = "details-job"

    var progress: DetailsJobRun.Progress
    /// A digest of what is asked for, and where it is written to.
    var query: String
    /// What is in the lake.
    var pages: PageCursor

    init(progress: DetailsJobRun.Progress, query: String, pages: PageCursor) {
        self.progress = progress
        self.query = query
        self.pages = pages
    }

    /// Reads a cursor; nil when it is none.
    init?(_ value: JSONValue) {
        guard let query = value["query"]?.string, let submissions = value["submissions"]?.integer,
            (0...1_000_000).contains(submissions), let isAtEnd = value["isAtEnd"]?.bool
        else { return nil }
        let job = value["job"]?.string
        let pages = value["pages"].flatMap { PageCursor($0, allowsNone: true) }
        guard let pages, job.map({ (1...200).contains($0.utf8.count) }) ?? true else { return nil }
        var figures: [String: Int] = [:]
        if case .object(let given)? = value["figures"] {
            for (name, figure) in given { figures[name] = figure.integer.flatMap { Int(exactly: $0) } }
        }
        progress = DetailsJobRun.Progress(
            job: job, cursor: value["cursor"]?.string, pages: pages.pages, submissions: Int(submissions), isAtEnd: isAtEnd,
            dataAvailability: value["dataAvailability"]?.integer, figures: figures)
        self.query = query
        self.pages = pages
    }

    /// The cursor as checkpoints keep it.
    var value: JSONValue {
        .object([
            "query": .string(query), "submissions": .integer(Int64(progress.submissions)), "isAtEnd": .bool(progress.isAtEnd),
            "job": progress.job.map { .string($0) } ?? .null, "cursor": progress.cursor.map { .string($0) } ?? .null,
            "dataAvailability": progress.dataAvailability.map { .integer($0) } ?? .null, "pages": pages.value,
            "figures": .object(progress.figures.mapValues { .integer(Int64($0)) }),
        ])
    }
}
