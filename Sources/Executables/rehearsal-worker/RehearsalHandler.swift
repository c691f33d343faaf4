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
        if let trouble = task.trouble, let outcome = Self.outcome(of: trouble, job, context.attempt) { return outcome }
        switch task.work {
        case .fanOut: return .children(task.children(of: job))
        case .objects(let count, let bytes, let pause): return try await write(count, bytes, pause, task, job, context)
        }
    }

    private static func outcome(of trouble: RehearsalTask.Trouble, _ job: Job, _ attempt: Int) -> Outcome? {
        switch trouble {
        case .fails(let attempts):
            guard attempt <= attempts else { return nil }
            return .retry(JobEvent.Failure(reason: "rehearsed", message: "attempt \(attempt) fails"))
        case .vendorUnavailable(let attempts):
            guard attempt <= attempts else { return nil }
            return .retry(
                after: .seconds(1), JobEvent.Failure(reason: "vendor-unavailable", message: "503, come back in a second"))
        case .snoozes(let milliseconds):
            let ready = job.createdAt.addingTimeInterval(Double(milliseconds) / 1_000)
            guard Date() < ready else { return nil }
            return .snooze(until: ready, JobEvent.Failure(reason: "not-ready", message: "the export isn't ready"))
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
        if let manifest = try await output.present() { return Self.done(manifest, output) }
        var objects: [Manifest.Object] = []
        for number in 0..<count {
            if pause > 0 { try await askVendor(pause: .milliseconds(pause)) }
            let key = RehearsalContent.key(of: number, job: job)
            let (bytes, records) = RehearsalContent.object(number, of: job, task, bytes: size)
            let result = try await store.put(ObjectKey(key), bytes: bytes, options: PutOptions(contentType: "application/json"))
            objects.append(Manifest.Object(key: key, records: records, bytes: result.bytes, sha256: result.sha256))
            context.progressed(["objects": objects.count])
        }
        return Self.done(try await output.publish(objects), output)
    }

    /// Waits as long as a page of a real vendor takes, with a real request in it.
    private func askVendor(pause: Duration) async throws {
        try await Task.sleep(for: pause)
        guard let vendor else { return }
        let response = try await http.send(
            HTTPRequest(.get, vendor, limits: TransferLimits(connect: .seconds(5), total: .seconds(20))))
        _ = try await response.body.collect(upTo: 1 << 20)
    }

    private static func done(_ manifest: Manifest, _ output: JobOutput) -> Outcome {
        .done(
            JobResult(
                manifest: output.manifestKey.text,
                figures: ["objects": manifest.objects.count, "records": manifest.records, "bytes": manifest.bytes]))
    }
}
