import Contracts
import Foundation
import Glibc
import ObjectStorage
import Rehearsal
import Transfer
import WorkerKit

/// Does what a rehearsal job's parameters say.
struct RehearsalHandler: JobHandler {
    let store: any ObjectStore
    let http: HTTPClient
    /// What is asked before each object of a long job; nil: nothing.
    let vendor: String?

    func handle(_ job: Job, _ context: JobContext) async throws -> Outcome {
        guard let task = RehearsalTask(job.parameters) else {
            return .dead(JobEvent.Failure(reason: "malformed", message: "the parameters are no rehearsal"))
        }
        if let trouble = task.trouble, let outcome = Self.outcome(of: trouble, context.attempt) { return outcome }
        switch task.work {
        case .fanOut: return .children(task.children(of: job))
        case .objects(let count, let bytes, let pause): return try await write(count, bytes, pause, task, job, context)
        }
    }

    private static func outcome(of trouble: RehearsalTask.Trouble, _ attempt: Int) -> Outcome? {
        switch trouble {
        case .fails(let attempts):
            guard attempt <= attempts else { return nil }
            return .retry(JobEvent.Failure(reason: "rehearsed", message: "attempt \(attempt) fails"))
        case .vendorUnavailable(let attempts):
            guard attempt <= attempts else { return nil }
            return .retry(
                after: .seconds(1), JobEvent.Failure(reason: "vendor-unavailable", message: "503, come back in a second"))
        case .snoozes(let milliseconds):
            let now = Date()
            let closed = Double(milliseconds) / 1_000
            let phase = now.timeIntervalSince1970.truncatingRemainder(dividingBy: RehearsalTask.quotaWindow)
            guard phase < closed else { return nil }
            return .snooze(
                until: now.addingTimeInterval(closed - phase),
                JobEvent.Failure(reason: "not-ready", message: "the vendor's window is closed"))
        case .dies(let last):
            if attempt < last { return .retry(JobEvent.Failure(reason: "rehearsed", message: "attempt \(attempt) fails")) }
            return .dead(JobEvent.Failure(reason: "rehearsed", message: "it is given up", advice: "nothing: it is rehearsed"))
        case .crashes:
            // As the kernel does it when memory runs out: nothing is put in order, nobody is told.
            kill(getpid(), SIGKILL)
            return nil
        case .exhausts:
            return .retry(JobEvent.Failure(reason: "rehearsed", message: "every attempt fails"))
        }
    }

    private func write(
        _ count: Int, _ size: Int, _ pause: Int, _ task: RehearsalTask, _ job: Job, _ context: JobContext
    ) async throws -> Outcome {
        let output = try JobOutput(
            store: store, job: job, folder: RehearsalContent.folder(of: job), prefix: RehearsalContent.prefix(of: job))
        if let manifest = try await output.present() { return Self.done(manifest, output, resumed: 0) }
        let former = try await output.find()?.manifest
        // What a killed attempt wrote is as it must be: the next one goes on behind it.
        var objects = Self.objects(await context.checkpoint.last)
        let resumed = objects.count
        for number in objects.count..<max(count, objects.count) {
            if pause > 0 { try await askVendor(pause: .milliseconds(pause)) }
            objects.append(try await put(number, size, task, job))
            context.progressed(["objects": objects.count])
            if pause > 0 { await context.checkpoint.save(step: "write", cursor: Self.cursor(objects)) }
        }
        return Self.done(try await output.publish(objects, after: former), output, resumed: resumed)
    }

    private func put(_ number: Int, _ size: Int, _ task: RehearsalTask, _ job: Job) async throws -> Manifest.Object {
        let key = RehearsalContent.key(of: number, job: job)
        let writer = try await store.put(ObjectKey(key), options: PutOptions(contentType: "application/json"))
        do {
            var pieces = RehearsalContent.Pieces(number, of: job, task, bytes: size)
            while let piece = pieces.next() { try await writer.write(piece) }
            let result = try await writer.finish()
            return Manifest.Object(key: key, records: pieces.records, bytes: result.bytes, sha256: result.sha256)
        } catch {
            await writer.abandon()
            throw error
        }
    }

    // MARK: Checkpoint

    private static func cursor(_ objects: [Manifest.Object]) -> JSONValue {
        .array(
            objects.map { object in
                .array([
                    .string(object.key), .integer(Int64(object.records)), .integer(Int64(object.bytes)), .string(object.sha256),
                ])
            })
    }

    /// The objects of a checkpoint; none when it can't be read.
    private static func objects(_ checkpoint: Checkpoint?) -> [Manifest.Object] {
        guard let checkpoint, case .array(let entries) = checkpoint.cursor else { return [] }
        var objects: [Manifest.Object] = []
        for entry in entries {
            guard case .array(let values) = entry, values.count == 4, let key = values[0].string, let records = values[1].integer,
                let bytes = values[2].integer, let hash = values[3].string
            else { return [] }
            objects.append(Manifest.Object(key: key, records: Int(records), bytes: Int(bytes), sha256: hash))
        }
        return objects
    }

    /// Waits as long as a page of a real vendor takes, with a real request in it.
    private func askVendor(pause: Duration) async throws {
        try await Task.sleep(for: pause)
        guard let vendor else { return }
        let response = try await http.send(
            HTTPRequest(.get, vendor, limits: TransferLimits(connect: .seconds(5), total: .seconds(20))))
        _ = try await response.body.collect(upTo: 1 << 20)
    }

    private static func done(_ manifest: Manifest, _ output: JobOutput, resumed: Int) -> Outcome {
        .done(
            JobResult(
                manifest: output.manifestKey.text,
                figures: [
                    "objects": manifest.objects.count, "records": manifest.records, "bytes": manifest.bytes, "resumed": resumed,
                ]))
    }
}
