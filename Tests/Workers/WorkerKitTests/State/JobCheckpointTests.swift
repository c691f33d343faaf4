import Contracts
import Foundation
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import WorkerKit

@Suite("Checkpoint of a job", .timeLimit(.minutes(5)))
struct JobCheckpointTests {
    private let store = FaultyStore()
    private let time = ManualClock()
    private let epoch = ContinuousClock.now

    private var clock: WorkerClock {
        WorkerClock(
            now: { [time, epoch] in epoch + time.now.elapsed }, date: { Date() },
            sleep: { [time] in try await time.sleep(for: $0) })
    }

    private func job(_ id: String = "a", revision: Int = 0) -> Job {
        Job(id: id, kind: "test", source: "x/y", dataset: "d", revision: revision, createdAt: Date())
    }

    /// The checkpoint of a new attempt.
    private func attempt(_ job: Job? = nil, wentForward: @escaping @Sendable () -> Void = {}) -> JobCheckpoint {
        JobCheckpoint(
            store: store, kind: "test", job: job ?? self.job(), clock: clock, logger: .quiet, wentForward: wentForward)
    }

    private func key(_ name: String = "a.0") throws -> ObjectKey { try ObjectKey("_switchboard/test/checkpoints/\(name).json") }

    private func exists(_ name: String = "a.0") async throws -> Bool { try await store.head(key(name)) != nil }

    @Test("the next attempt finds what the one before left when it ended without a result")
    func resumes() async throws {
        let first = attempt()
        #expect(await first.last == nil)
        await first.save(step: "pages", cursor: .object(["page": .integer(7), "token": .string("x\"\\\n")]), figures: ["n": 3])
        #expect(store.puts == 0, "a short attempt writes nothing while it runs")
        await first.flush()
        let expected = Checkpoint(
            step: "pages", cursor: .object(["page": .integer(7), "token": .string("x\"\\\n")]), figures: ["n": 3])
        #expect(await attempt().last == expected)
    }

    @Test("it is written once in an interval, with what is newest then")
    func throttled() async throws {
        let checkpoint = attempt()
        for number in 0..<100 { await checkpoint.save(step: "pages", cursor: .integer(Int64(number))) }
        await time.waitForSleepers()
        #expect(store.puts == 0)
        time.advance(by: .seconds(10))
        await store.waitForPuts(1)
        while try await !exists() { await Task.yield() }
        #expect(await attempt().last?.cursor == .integer(99))
        for number in 100..<200 { await checkpoint.save(step: "pages", cursor: .integer(Int64(number))) }
        await time.waitForSleepers()
        time.advance(by: .seconds(9))
        #expect(store.puts == 1)
        await checkpoint.save(step: "pages", cursor: .integer(200), forced: true)
        #expect(store.puts == 2)
        #expect(await attempt().last?.cursor == .integer(200))
        time.advance(by: .seconds(100))
        await checkpoint.save(step: "pages", cursor: .integer(201))
        #expect(await attempt().last?.cursor == .integer(201), "after a longer time it is written at once")
    }

    @Test("a hand-back writes what is newest, though the task is cancelled")
    func handBack() async throws {
        let checkpoint = attempt()
        await checkpoint.save(step: "pages", cursor: .integer(1))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await checkpoint.flush()
        }
        await task.value
        #expect(await attempt().last?.cursor == .integer(1))
    }

    @Test("a hand-back doesn't wait for a store that hangs longer than it may")
    func handBackHangs() async throws {
        let checkpoint = attempt()
        await checkpoint.save(step: "pages", cursor: .integer(1))
        store.hold()
        let task = Task { await checkpoint.flush(within: .seconds(5)) }
        await store.waitForPuts(1)
        await time.waitForSleepers()
        time.advance(by: .seconds(5))
        // The store's put is cancelled; here it ends when it is let go, as a real one does by itself.
        store.release()
        await task.value
        #expect(try await !exists())
    }

    @Test("a write that fails doesn't fail the job, and is made again")
    func storeDown() async throws {
        let checkpoint = attempt()
        store.isDown = true
        await checkpoint.save(step: "pages", cursor: .integer(1), forced: true)
        #expect(store.puts == 1)
        store.isDown = false
        await time.waitForSleepers()
        time.advance(by: .seconds(10))
        while try await !exists() { await Task.yield() }
        store.isDown = true
        await checkpoint.save(step: "pages", cursor: .integer(2), forced: true)
        store.isDown = false
        await checkpoint.flush()
        #expect(await attempt().last?.cursor == .integer(2))
    }

    @Test("after acceptance the object is gone, and nothing is written any more")
    func removed() async throws {
        let checkpoint = attempt()
        await checkpoint.save(step: "pages", cursor: .integer(1), forced: true)
        #expect(try await exists())
        await checkpoint.save(step: "pages", cursor: .integer(2))
        await checkpoint.remove()
        await checkpoint.save(step: "pages", cursor: .integer(3), forced: true)
        time.advance(by: .seconds(100))
        #expect(try await !exists())
    }

    @Test("a job that neither found nor left anything costs the store nothing")
    func unused() async throws {
        let checkpoint = attempt()
        await checkpoint.remove()
        await attempt().flush()
        #expect(store.puts == 0 && store.deletes == 0)
    }

    @Test("an attempt that found a checkpoint and needed no other removes it")
    func removesFound() async throws {
        await attempt().save(step: "pages", cursor: .integer(1), forced: true)
        let second = attempt()
        #expect(await second.last != nil)
        await second.remove()
        #expect(try await !exists())
    }

    @Test("what is taken back isn't found again")
    func discarded() async throws {
        await attempt().save(step: "pages", cursor: .integer(1), forced: true)
        let second = attempt()
        _ = await second.last
        await second.save(step: "pages", cursor: .integer(2))
        try await second.discard()
        #expect(await second.last == nil)
        await second.flush()
        #expect(await attempt().last == nil)
    }

    @Test("what can't be taken back makes the handler know")
    func discardFails() async throws {
        let failing = MemoryObjectStore { operation, _ in
            operation == .delete ? ObjectStorageError(.unavailable, store: "m", message: "down") : nil
        }
        let checkpoint = JobCheckpoint(store: failing, kind: "test", job: job(), clock: clock, logger: .quiet, wentForward: {})
        await checkpoint.save(step: "pages", cursor: .null, forced: true)
        await #expect(throws: ObjectStorageError.self) { try await checkpoint.discard() }
    }

    @Test("a rerun and another job find nothing of it")
    func bound() async throws {
        await attempt().save(step: "pages", cursor: .integer(1), forced: true)
        #expect(await attempt(job(revision: 1)).last == nil)
        #expect(await attempt(job("a.0.json")).last == nil)
        // Content that came under the wrong name, as by a copy.
        let bytes = try await store.read(key(), upTo: 1 << 20)
        try await store.put(key("b.0"), bytes: bytes)
        #expect(await attempt(job("b")).last == nil)
    }

    @Test(
        "content that makes no sense is ignored",
        arguments: [
            "", "x", "[]", "{\"version\":2}", #"{"version":1,"job":"a","revision":0}"#,
            #"{"version":1,"job":"a","revision":0,"step":1,"cursor":null}"#, String(repeating: "[", count: 60_000),
            String(repeating: " ", count: 70_000),
        ])
    func hostile(text: String) async throws {
        try await store.put(key(), bytes: Array(text.utf8))
        let checkpoint = attempt()
        #expect(await checkpoint.last == nil)
        await checkpoint.save(step: "pages", cursor: .integer(1), forced: true)
        #expect(await attempt().last?.cursor == .integer(1))
    }

    @Test("a checkpoint that is too large, or that JSON can't say, isn't written; the one before stays")
    func tooLarge() async throws {
        let checkpoint = attempt()
        await checkpoint.save(step: "pages", cursor: .integer(1), forced: true)
        let large = JSONValue.string(String(repeating: "x", count: Checkpoint.maximumBytes))
        await checkpoint.save(step: "pages", cursor: large, forced: true)
        await checkpoint.save(step: "pages", cursor: .number(.nan), forced: true)
        #expect(await attempt().last?.cursor == .integer(1))
    }

    @Test("only a new checkpoint of an attempt that goes on from the last one counts as going forward")
    func progress() async throws {
        let count = Counter()
        let first = attempt { count.add() }
        _ = await first.last
        await first.save(step: "pages", cursor: .integer(1), forced: true)
        #expect(count.value == 1)
        let same = attempt { count.add() }
        _ = await same.last
        await same.save(step: "pages", cursor: .integer(1), forced: true)
        #expect(count.value == 1, "it stands where the one before stood")
        await same.save(step: "pages", cursor: .integer(2), forced: true)
        #expect(count.value == 2)
        let blind = attempt { count.add() }
        await blind.save(step: "pages", cursor: .integer(1), forced: true)
        #expect(count.value == 2, "it never looked")
        let anew = attempt { count.add() }
        _ = await anew.last
        try await anew.discard()
        await anew.save(step: "pages", cursor: .integer(2), forced: true)
        #expect(count.value == 2, "it began anew")
        let after = attempt { count.add() }
        _ = await after.last
        await after.save(step: "pages", cursor: .integer(3), forced: true)
        #expect(count.value == 2, "one before it began anew: who knows how far the first had come")
        store.isDown = true
        let down = attempt { count.add() }
        await down.save(step: "pages", cursor: .integer(9), forced: true)
        #expect(count.value == 2, "nothing was written")
    }

    @Test("without a store it works in memory")
    func memory() async throws {
        let checkpoint = JobCheckpoint(last: Checkpoint(step: "pages", cursor: .integer(4)))
        #expect(await checkpoint.last?.cursor == .integer(4))
        await checkpoint.save(step: "pages", cursor: .integer(5), forced: true)
        #expect(checkpoint.newest?.cursor == .integer(5))
        await checkpoint.flush()
        await checkpoint.remove()
        try await checkpoint.discard()
        #expect(await checkpoint.last == nil)
    }

    @Test("housekeeping removes what is old and nothing else")
    func housekeeping() async throws {
        await attempt().save(step: "pages", cursor: .integer(1), forced: true)
        try await store.put(ObjectKey("_switchboard/test/starts/x.json"), bytes: [1])
        try await store.put(ObjectKey("\(StateLayout.switches)/x.json"), bytes: [1])
        let tomorrow = Date().addingTimeInterval(StateHousekeeping.switchRetention + 60)
        #expect(try await StateHousekeeping.sweep(store, kind: "other", now: Date(), logger: .quiet) == 0)
        #expect(try await StateHousekeeping.sweep(store, kind: "other", now: tomorrow, logger: .quiet) == 1)
        #expect(try await StateHousekeeping.sweep(store, kind: "test", now: Date(), logger: .quiet) == 0)
        let later = Date().addingTimeInterval(StateHousekeeping.checkpointRetention + 60)
        #expect(try await StateHousekeeping.sweep(store, kind: "other", now: later, logger: .quiet) == 0)
        #expect(try await StateHousekeeping.sweep(store, kind: "test", now: later, logger: .quiet) == 1)
        #expect(try await store.list(prefix: "").collect().map(\.key.text) == ["_switchboard/test/starts/x.json"])
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
