import Contracts
import Kafka
import Testing

@testable import WorkerKit

@Suite("Book of starts")
struct StartBookTests {
    private static func place(_ offset: Int64, partition: Int32 = 0) -> StartPlace {
        StartPlace(partition: TopicPartition("jobs.test", partition), offset: offset)
    }

    /// Workers that share deliveries through stored ledgers, as the store would see them.
    private struct World {
        var stored: [[StartPlace: StartEntry]]
        var books: [StartBook]

        init(workers: Int) {
            stored = Array(repeating: [:], count: workers)
            books = Array(repeating: StartBook(), count: workers)
        }

        mutating func store(_ worker: Int) { stored[worker] = books[worker].entries }

        mutating func recover(_ worker: Int) {
            let complete = books[worker].learn(stored.indices.filter { $0 != worker }.map { stored[$0] })
            #expect(complete)
        }

        mutating func kill(_ worker: Int) {
            books[worker] = StartBook()
            books[worker].adopt(stored[worker])
        }
    }

    @Test(
        "random starts, ends, hand-backs, checkpoints and kills: a delivery's count is its starts without an end since it last went forward, whoever asks",
        arguments: 0..<200)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var world = World(workers: 3)
        var crashes: [StartPlace: Int] = [:]
        var running: [StartPlace: Int] = [:]
        for step in 0..<300 {
            let place = Self.place(Int64.random(in: 0..<6, using: &random))
            let job = "job-\(place.offset)"
            guard let worker = running[place] else {
                let worker = Int.random(in: 0..<3, using: &random)
                world.recover(worker)
                let expected = crashes[place, default: 0] + 1
                #expect(world.books[worker].starts(of: place) == expected - 1)
                #expect(world.books[worker].next(place, job: job) == expected)
                let start = world.books[worker].begin(place, job: job, now: Int64(step))
                #expect(start == expected, "seed \(seed), step \(step)")
                world.store(worker)
                running[place] = worker
                continue
            }
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                let isChanged = world.books[worker].end(place, handedBack: false)
                #expect(isChanged)
                crashes[place] = 0
                running[place] = nil
            case 1, 2:
                let isChanged = world.books[worker].end(place, handedBack: true)
                #expect(isChanged)
                running[place] = nil
            case 3:
                let isChanged = world.books[worker].progressed(place)
                #expect(isChanged)
                // What comes counts from this run on.
                crashes[place] = 0
            case 4: world.books[worker].prune(now: Int64(step))
            default:
                world.kill(worker)
                for (place, owner) in running where owner == worker {
                    crashes[place, default: 0] += 1
                    running[place] = nil
                }
            }
            world.store(worker)
        }
    }

    @Test("another job at the same place, as after a topic was made anew, begins at 1")
    func otherJob() {
        var book = StartBook()
        book.adopt([Self.place(7): StartEntry(job: "old", count: StartCount(resets: 0, starts: 2), at: 0)])
        let start = book.begin(Self.place(7), job: "new", now: 1)
        #expect(start == 1)
    }

    @Test("a run that ended by itself after crashes counts as none, though ledgers of others still have the crashes")
    func endAfterCrashes() {
        var world = World(workers: 3)
        let place = Self.place(1)
        world.stored[1] = [place: StartEntry(job: "a", count: StartCount(resets: 0, starts: 2), at: 0)]
        world.recover(0)
        #expect(world.books[0].next(place, job: "a") == 3)
        _ = world.books[0].begin(place, job: "a", now: 1)
        _ = world.books[0].end(place, handedBack: false)
        world.store(0)
        world.recover(2)
        #expect(world.books[2].next(place, job: "a") == 1)
    }

    @Test("a job without crashes leaves nothing in the ledger")
    func leavesNothing() {
        var book = StartBook()
        _ = book.begin(Self.place(1), job: "a", now: 0)
        _ = book.end(Self.place(1), handedBack: false)
        _ = book.begin(Self.place(2), job: "b", now: 0)
        let isChanged = book.end(Self.place(2), handedBack: true)
        #expect(isChanged && book.entries.isEmpty)
        let isChangedAgain = book.end(Self.place(2), handedBack: true)
        #expect(!isChangedAgain, "an end that was noted already changes nothing")
    }

    @Test("what is committed is forgotten, for it is never delivered again; what runs isn't")
    func committed() {
        var book = StartBook()
        let crashed = StartEntry(job: "j", count: StartCount(resets: 0, starts: 1), at: 0)
        book.adopt([Self.place(1): crashed, Self.place(5): crashed, Self.place(1, partition: 1): crashed])
        _ = book.begin(Self.place(2), job: "running", now: 0)
        #expect(book.idlePartitions == [TopicPartition("jobs.test", 0), TopicPartition("jobs.test", 1)])
        let isChanged = book.committed([TopicPartition("jobs.test", 0): 5])
        #expect(isChanged && Set(book.entries.keys) == [Self.place(2), Self.place(5), Self.place(1, partition: 1)])
        let isChangedAgain = book.committed([TopicPartition("jobs.test", 0): 5, TopicPartition("other", 0): 100])
        #expect(!isChangedAgain)
    }

    @Test("what is kept is bounded in age and number; what runs is never forgotten")
    func bounds() {
        var book = StartBook()
        _ = book.begin(Self.place(0), job: "running", now: 0)
        let count = StartCount(resets: 0, starts: 1)
        book.adopt(
            Dictionary(
                uniqueKeysWithValues: (1...3000).map { (Self.place($0), StartEntry(job: "j", count: count, at: $0)) }))
        book.prune(now: 3000)
        #expect(book.entries.count == StartBook.maximumKept + 1)
        #expect(book.entries[Self.place(3000)] != nil && book.entries[Self.place(1)] == nil)
        book.prune(now: 3001 + StartBook.retention)
        #expect(Array(book.entries.keys) == [Self.place(0)])
    }

    @Test("whatever a job is called, the ledger says it back")
    func names() throws {
        for name in ["", "a\"b\\c", "\u{0}\u{1f}\n", "ä€😀", "j-1_2.3"] {
            var book = StartBook()
            _ = book.begin(Self.place(5, partition: 3), job: name, now: 77)
            let entry = StartEntry(job: name, count: StartCount(resets: 0, starts: 1), at: 77)
            #expect(try StartBook.decode(book.encoded()) == [Self.place(5, partition: 3): entry])
        }
        #expect(try StartBook.decode(StartBook().encoded()).isEmpty)
    }

    @Test("bytes that are no ledger are refused, entries that make no sense left out")
    func hostile() throws {
        for text in ["", "x", "[]", "{}", #"{"version":1}"#, #"{"version":1,"starts":{}}"#, #"{"version":"1","starts":[]}"#] {
            #expect(throws: ContractError.self) { try StartBook.decode(Array(text.utf8)) }
        }
        #expect(throws: ContractError.unknownVersion(2)) { try StartBook.decode(Array(#"{"version":2,"starts":[]}"#.utf8)) }
        #expect(throws: ContractError.self) {
            try StartBook.decode(Array(repeating: UInt8(ascii: "["), count: 100_000))
        }
        let good = #"{"topic":"t","partition":1,"offset":2,"job":"j","starts":1,"resets":0,"at":3}"#
        let wrong = [
            "null", "1", "{}", good.replacing("\"partition\":1", with: "\"partition\":-1"),
            good.replacing("\"partition\":1", with: "\"partition\":4294967296"), good.replacing(":2,", with: ":-2,"),
            good.replacing("\"starts\":1", with: "\"starts\":9223372036854775807"),
            good.replacing("\"at\":3", with: "\"at\":1e30"),
            good.replacing("\"job\":\"j\"", with: "\"job\":\"\(String(repeating: "x", count: 400))\""),
        ]
        let text = #"{"version":1,"starts":["# + (wrong + [good]).joined(separator: ",") + "]}"
        #expect(try StartBook.decode(Array(text.utf8)).count == 1)
    }

    @Test("mutated ledgers are read or refused, never fatal", arguments: 0..<10)
    func mutated(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var book = StartBook()
        for offset in 0..<5 { _ = book.begin(Self.place(Int64(offset)), job: "job-\(offset)", now: 1) }
        let original = book.encoded()
        for _ in 0..<50 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(ContractError) {
                let entries = try StartBook.decode(bytes)
                var other = StartBook()
                other.adopt(entries)
                _ = other.learn([entries])
                for place in entries.keys { _ = other.begin(place, job: "job-0", now: 1) }
            } catch {
                continue
            }
        }
    }
}
