import Contracts
import Foundation
import Kafka
import ObjectStorage
import TestSupport
import Testing

@testable import WorkerKit

@Suite("Ledger of starts", .timeLimit(.minutes(5)))
struct StartLedgerTests {
    private let store = FaultyStore()
    private let time = ManualClock()

    private var clock: WorkerClock {
        WorkerClock(now: { ContinuousClock.now }, date: { Date() }, sleep: { [time] in try await time.sleep(for: $0) })
    }

    private func ledger(_ instance: String = "0", limit: Int = 3) -> StartLedger {
        StartLedger(store: store, kind: "test", instance: instance, limit: limit, clock: clock, logger: .quiet)
    }

    private func place(_ offset: Int64) -> StartPlace { StartPlace(partition: TopicPartition("jobs.test", 0), offset: offset) }

    private func stored(_ instance: String = "0") async throws -> [StartPlace: StartEntry]? {
        let key = try ObjectKey("_switchboard/test/starts/\(instance).json")
        guard try await store.head(key) != nil else { return nil }
        return try StartBook.decode(try await store.read(key, upTo: 1 << 20))
    }

    @Test("a start is in the store before its run begins")
    func durable() async throws {
        let ledger = ledger()
        #expect(try await ledger.begin(place(4), job: "a") == 1)
        #expect(try await stored()?[place(4)]?.count == StartCount(resets: 0, starts: 1))
    }

    @Test("killed and started again: the third start is told before its run, and isn't counted further")
    func crashLoop() async throws {
        #expect(try await ledger().begin(place(4), job: "a") == 1)
        #expect(try await ledger().begin(place(4), job: "a") == 2)
        let third = ledger()
        #expect(try await third.begin(place(4), job: "a") == 3)
        #expect(try await third.begin(place(4), job: "a") == 3)
        #expect(try await stored()?[place(4)]?.count.starts == 2)
    }

    @Test("crashes on different workers add up")
    func otherWorkers() async throws {
        #expect(try await ledger("a").begin(place(4), job: "x") == 1)
        #expect(try await ledger("b").begin(place(4), job: "x") == 2)
        let other = ledger("c")
        try await other.recover()
        #expect(other.starts(of: place(4)) == 2)
        #expect(try await other.begin(place(4), job: "x") == 3)
    }

    @Test("starts that come while a write is under way share the next one")
    func groupCommit() async throws {
        let ledger = ledger()
        try await ledger.recover()
        store.hold()
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await ledger.begin(place(0), job: "0") }
            await store.waitForPuts(1)
            for number in 1...50 { group.addTask { try await ledger.begin(place(Int64(number)), job: "\(number)") } }
            while ledger.waiting < 51 { await Task.yield() }
            store.release()
            for try await start in group { #expect(start == 1) }
        }
        #expect(store.puts == 2)
        #expect(try await stored()?.count == 51)
    }

    @Test("a hand-back is no crash, and is in the store before it returns, though its task is cancelled")
    func handBack() async throws {
        let first = ledger("a")
        #expect(try await first.begin(place(1), job: "x") == 1)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await first.handBack(place(1))
        }
        await task.value
        let second = ledger("b")
        #expect(try await second.begin(place(1), job: "x") == 1)
    }

    @Test("a hand-back and the end don't wait for ever for a store that hangs")
    func handBackHangs() async throws {
        let ledger = ledger()
        _ = try await ledger.begin(place(1), job: "x")
        store.hold()
        let task = Task {
            await ledger.handBack(place(1))
            await ledger.close()
        }
        for _ in 0..<2 {
            await time.waitForSleepers()
            time.advance(by: StartLedger.patience)
        }
        await task.value
        store.release()
    }

    @Test("a hand-back after crashes leaves the crashes counted")
    func handBackAfterCrash() async throws {
        #expect(try await ledger("a").begin(place(1), job: "x") == 1)
        let second = ledger("b")
        #expect(try await second.begin(place(1), job: "x") == 2)
        await second.handBack(place(1))
        #expect(try await ledger("c").begin(place(1), job: "x") == 2)
    }

    @Test("a new checkpoint lets the count begin again, on whichever worker the next start is")
    func progress() async throws {
        #expect(try await ledger("a").begin(place(1), job: "x") == 1)
        let second = ledger("b")
        #expect(try await second.begin(place(1), job: "x") == 2)
        second.progressed(place(1))
        while try await stored("b")?[place(1)]?.count != StartCount(resets: 1, starts: 1) { await Task.yield() }
        #expect(try await ledger("c").begin(place(1), job: "x") == 2, "the run that went forward crashed as well")
    }

    @Test("ends cost no write of their own; an idle worker's ledger is tidied after a while with one write")
    func tidies() async throws {
        let ledger = ledger()
        for number in 0..<10 { _ = try await ledger.begin(place(Int64(number)), job: "\(number)") }
        for number in 0..<10 { ledger.end(place(Int64(number))) }
        #expect(store.puts == 10)
        #expect(try await stored()?.count == 10)
        await time.waitForSleepers()
        time.advance(by: StartLedger.tidyDelay)
        while try await stored()?.isEmpty == false { await Task.yield() }
        #expect(store.puts == 11)
    }

    @Test("what is committed leaves the ledger without a write of its own")
    func committed() async throws {
        _ = try await ledger().begin(place(1), job: "x")
        let again = ledger()
        try await again.recover()
        #expect(again.idlePartitions == [TopicPartition("jobs.test", 0)])
        again.committed([TopicPartition("jobs.test", 0): 2])
        #expect(again.idlePartitions.isEmpty && store.puts == 1)
        await time.waitForSleepers()
        time.advance(by: StartLedger.tidyDelay)
        while try await stored()?.isEmpty == false { await Task.yield() }
        #expect(again.starts(of: place(1)) == 0)
    }

    @Test("when the store is down a start throws and doesn't count; afterwards it does")
    func storeDown() async throws {
        let ledger = ledger()
        try await ledger.recover()
        store.isDown = true
        await #expect(throws: ObjectStorageError.self) { _ = try await ledger.begin(place(1), job: "x") }
        #expect(ledger.starts(of: place(1)) == 0)
        store.isDown = false
        #expect(try await ledger.begin(place(1), job: "x") == 1)
    }

    @Test("without knowing what was started before, nothing is started")
    func unknownPast() async throws {
        _ = try await ledger("a").begin(place(1), job: "x")
        store.isDown = true
        let second = ledger("b")
        await #expect(throws: ObjectStorageError.self) { _ = try await second.begin(place(1), job: "x") }
        #expect(try await stored("b") == nil)
    }

    @Test("a start that is cancelled while it waits throws at once and doesn't count")
    func cancelledStart() async throws {
        let ledger = ledger()
        try await ledger.recover()
        store.hold()
        let task = Task { try await ledger.begin(place(1), job: "x") }
        await store.waitForPuts(1)
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        store.release()
        await ledger.close()
        #expect(try await ledger2Begins() == 1)
    }

    private func ledger2Begins() async throws -> Int { try await ledger("b").begin(place(1), job: "x") }

    @Test("at a clean stop the object goes, unless it says something that others must know")
    func close() async throws {
        let first = ledger("a")
        _ = try await first.begin(place(1), job: "x")
        first.end(place(1))
        await first.close()
        #expect(try await stored("a") == nil)

        _ = try await ledger("b").begin(place(2), job: "y")
        let again = ledger("b")
        try await again.recover()
        await again.close()
        #expect(try await stored("b")?[place(2)]?.count.starts == 1, "a crash of its former process")

        let idle = ledger("c")
        try await idle.recover()
        await idle.close()
        #expect(try await stored("c") == nil)
    }

    @Test("ledgers that make no sense or come from a newer version are ignored")
    func foreign() async throws {
        for (number, text) in ["x", "{\"version\":2}", String(repeating: "[", count: 100_000)].enumerated() {
            try await store.put(ObjectKey("_switchboard/test/starts/bad-\(number).json"), bytes: Array(text.utf8))
        }
        try await store.put(
            ObjectKey("_switchboard/test/starts/huge.json"), bytes: Array(repeating: 32, count: StartBook.maximumBytes + 1))
        try await store.put(ObjectKey("_switchboard/test/starts/0.json"), bytes: Array("}".utf8))
        try await store.put(ObjectKey("_switchboard/test/starts/README.md"), bytes: Array("hello".utf8))
        let ledger = ledger()
        try await ledger.recover()
        #expect(try await ledger.begin(place(1), job: "x") == 1)
        #expect(try await stored()?.count == 1)
    }

    @Test("ledgers of workers that don't come back are removed after a week")
    func oldLedgers() async throws {
        _ = try await ledger("gone").begin(place(1), job: "x")
        let later = WorkerClock(
            now: { ContinuousClock.now }, date: { Date().addingTimeInterval(StartLedger.retention + 60) },
            sleep: { [time] in try await time.sleep(for: $0) })
        let ledger = StartLedger(store: store, kind: "test", instance: "0", limit: 3, clock: later, logger: .quiet)
        try await ledger.recover()
        #expect(try await stored("gone") == nil)
        #expect(ledger.starts(of: place(1)) == 0)
    }

    @Test("instances with names that can't be part of a key have ledgers of their own")
    func names() async throws {
        let names = ["", ".", "..", ".tmp-a", "a/b", "a%2fb", "ä", "A\nB", String(repeating: "x", count: 500)]
        for (number, name) in names.enumerated() { _ = try await ledger(name).begin(place(Int64(number)), job: "x") }
        #expect(try await store.list(prefix: "_switchboard/").collect().count == names.count)
        let reader = ledger("reader")
        try await reader.recover()
        for number in names.indices { #expect(reader.starts(of: place(Int64(number))) == 1) }
    }

    @Test("in a directory it works as in memory")
    func directory() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try FileObjectStore(directory: folder.path)
        func ledger(_ instance: String) -> StartLedger {
            StartLedger(store: files, kind: "test", instance: instance, limit: 3, logger: .quiet)
        }
        #expect(try await ledger("a").begin(place(1), job: "x") == 1)
        let second = ledger("b")
        #expect(try await second.begin(place(1), job: "x") == 2)
        second.end(place(1))
        await second.close()
        #expect(try await ledger("a").begin(place(1), job: "x") == 1)
    }
}
