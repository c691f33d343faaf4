import Kafka
import Testing

@testable import WorkerKit

/// The table behind a reference, because expectations can't call mutating methods.
private final class Subject {
    private var table: LaneTable

    init(slots: Int, window: Int, highMark: Int = 64) {
        table = LaneTable(slots: slots, window: window, highMark: highMark)
    }

    func assign(_ partitions: [TopicPartition], committed: [TopicPartition: CommittedOffset]?) -> [RunKey] {
        table.assign(partitions, committed: committed)
    }
    func revoke(_ partitions: [TopicPartition]) -> [RunKey] { table.revoke(partitions) }
    func suspend(_ partitions: [TopicPartition]) { table.suspend(partitions) }
    func receive(_ record: ConsumerRecord, due: Int64) { table.receive(record, due: due) }
    func start(now: Int64) -> [LaneTable.Start] { table.start(now: now) }
    func finish(_ run: RunKey, records: [ProducerRecord]?) -> Bool {
        table.finish(run, records.map { RunResult(records: $0) })
    }
    func takeBatch() -> CommitBatch? { table.takeBatch() }
    func putBack(_ batch: CommitBatch) { table.putBack(batch) }
    func flow() -> (pause: [TopicPartition], resume: [TopicPartition]) { table.flow() }
    func learn(_ committed: [TopicPartition: CommittedOffset], of partitions: [TopicPartition]) -> [RunKey] {
        table.learn(committed, of: partitions)
    }
    func reachedEnd(of partition: TopicPartition, offset: Int64) { table.reachedEnd(of: partition, offset: offset) }
    func committed(_ batch: CommitBatch) { table.committed(batch) }
    func headOfLine(of partition: TopicPartition) -> RunKey? { table.headOfLine(of: partition) }
    var unready: [TopicPartition] { table.unready }
    var idleOffsets: [TopicPartition: CommittedOffset] { table.idleOffsets }
    var startLimit: Int? {
        get { table.startLimit }
        set { table.startLimit = newValue }
    }
    func owns(_ run: RunKey) -> Bool { table.owns(run) }
}

@Suite("Lane table")
struct LaneTableTests {
    private func record(_ partition: Int32, _ offset: Int64, key: String? = nil) -> ConsumerRecord {
        ConsumerRecord(
            topic: "jobs", partition: partition, offset: offset, timestamp: 0, key: key.map { Array($0.utf8) }, value: [])
    }

    private func partition(_ number: Int32) -> TopicPartition { TopicPartition("jobs", number) }

    @Test("with a window of one a partition's jobs run one after another, in order")
    func order() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0)], committed: [:])
        for offset in Int64(0)..<5 { table.receive(record(0, offset), due: 0) }
        for offset in Int64(0)..<5 {
            let starts = table.start(now: 0)
            #expect(starts.map(\.run.offset) == [offset])
            #expect(table.start(now: 0).isEmpty)
            #expect(table.finish(try #require(starts.first).run, records: []))
        }
        #expect(table.takeBatch()?.offsets == [partition(0): CommittedOffset(5)])
    }

    @Test("a batch carries exactly the completions that its offsets cover")
    func batch() {
        let table = Subject(slots: 8, window: 10)
        _ = table.assign([partition(0)], committed: [partition(0): CommittedOffset(100)])
        for offset in Int64(100)..<105 { table.receive(record(0, offset), due: 0) }
        let starts = table.start(now: 0)
        #expect(starts.count == 5)
        for start in [starts[3], starts[1]] { _ = table.finish(start.run, records: []) }
        let first = table.takeBatch()
        #expect(first?.completions.map(\.run.offset) == [103, 101])
        #expect(first?.offsets[partition(0)]?.offset == 100)
        let again = AckWindow(base: 100, metadata: first?.offsets[partition(0)]?.metadata ?? "")
        #expect((Int64(100)..<105).map(again.isDone) == [false, true, false, true, false])
        _ = table.finish(starts[0].run, records: [])
        #expect(table.takeBatch()?.offsets[partition(0)]?.offset == 102)
        #expect(table.takeBatch()?.offsets == nil)
    }

    @Test("what a run of a lost assignment publishes counts for nothing")
    func epochs() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0)], committed: [:])
        table.receive(record(0, 0), due: 0)
        let old = try #require(table.start(now: 0).first)
        #expect(table.revoke([partition(0)]) == [old.run])
        _ = table.assign([partition(0)], committed: [:])
        table.receive(record(0, 0), due: 0)
        let new = try #require(table.start(now: 0).first)
        #expect(!table.finish(old.run, records: []))
        #expect(table.takeBatch()?.offsets == nil)
        #expect(table.finish(new.run, records: []))
        #expect(table.takeBatch()?.completions.count == 1)
    }

    @Test("completions that wait for a transaction are dropped with their partition, those of others stay")
    func revokeDropsPending() {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0), partition(1)], committed: [:])
        for number in Int32(0)..<2 { table.receive(record(number, 0), due: 0) }
        for start in table.start(now: 0) { _ = table.finish(start.run, records: []) }
        _ = table.revoke([partition(0)])
        #expect(table.takeBatch()?.offsets == [partition(1): CommittedOffset(1)])
    }

    @Test("an aborted batch is offered again, and again only where the partition is still ours")
    func putBack() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0), partition(1)], committed: [:])
        for number in Int32(0)..<2 { table.receive(record(number, 0), due: 0) }
        for start in table.start(now: 0) { _ = table.finish(start.run, records: []) }
        let batch = try #require(table.takeBatch())
        _ = table.revoke([partition(1)])
        table.putBack(batch)
        #expect(table.takeBatch()?.completions.map(\.run.partition) == [partition(0)])
    }

    @Test("a job that isn't due holds its partition's head and nobody else")
    func due() {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0), partition(1)], committed: [:])
        table.receive(record(0, 0), due: 1000)
        table.receive(record(1, 0), due: 0)
        #expect(table.start(now: 999).map(\.run.partition) == [partition(1)])
        #expect(table.start(now: 1000).map(\.run.partition) == [partition(0)])
    }

    @Test("a partition is paused at the high mark and resumed at half of it")
    func flow() throws {
        let table = Subject(slots: 1, window: 1, highMark: 4)
        _ = table.assign([partition(0)], committed: [:])
        for offset in Int64(0)..<4 { table.receive(record(0, offset), due: 0) }
        #expect(table.flow().pause == [partition(0)])
        for _ in 0..<2 {
            #expect(table.flow().resume.isEmpty)
            _ = table.finish(try #require(table.start(now: 0).first).run, records: [])
        }
        #expect(table.flow().resume == [partition(0)])
    }

    @Test("slots are shared: partitions take turns")
    func fairness() {
        let table = Subject(slots: 2, window: 8)
        _ = table.assign([partition(0), partition(1)], committed: [:])
        for number in Int32(0)..<2 { for offset in Int64(0)..<8 { table.receive(record(number, offset), due: 0) } }
        #expect(Set(table.start(now: 0).map(\.run.partition)) == [partition(0), partition(1)])
    }

    @Test("under an eager assignor runs of a partition that comes back go on; those of one that doesn't are cancelled")
    func eager() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0), partition(1)], committed: [:])
        for number in Int32(0)..<2 { table.receive(record(number, 0), due: 0) }
        let starts = table.start(now: 0)
        table.suspend([partition(0), partition(1)])
        #expect(starts.allSatisfy { !table.owns($0.run) })
        let cancelled = table.assign([partition(0)], committed: [:])
        #expect(cancelled.map(\.partition) == [partition(1)])
        let adopted = try #require(starts.first { $0.run.partition == partition(0) })
        // The record comes again, as it isn't committed, and is known.
        table.receive(record(0, 0), due: 0)
        #expect(table.start(now: 0).isEmpty)
        #expect(table.finish(adopted.run, records: []))
        #expect(table.takeBatch()?.offsets == [partition(0): CommittedOffset(1)])
    }

    @Test("under an eager assignor what waited is delivered again after a rebalance, and nothing of it is skipped")
    func eagerRedelivery() throws {
        let table = Subject(slots: 1, window: 1)
        _ = table.assign([partition(0)], committed: [partition(0): CommittedOffset(0)])
        for offset in Int64(0)..<5 { table.receive(record(0, offset), due: 0) }
        let first = try #require(table.start(now: 0).first)
        table.suspend([partition(0)])
        _ = table.finish(first.run, records: [])
        _ = table.assign([partition(0)], committed: [partition(0): CommittedOffset(0)])
        for offset in Int64(0)..<5 { table.receive(record(0, offset), due: 0) }
        #expect(table.takeBatch()?.offsets == [partition(0): CommittedOffset(1)])
        #expect(table.start(now: 0).map(\.run.offset) == [1])
    }

    @Test("under an eager assignor a partition whose offset somebody moved is begun anew, and its runs are cancelled")
    func eagerMoved() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0)], committed: [partition(0): CommittedOffset(0)])
        table.receive(record(0, 0), due: 0)
        let old = try #require(table.start(now: 0).first)
        table.suspend([partition(0)])
        #expect(table.assign([partition(0)], committed: [partition(0): CommittedOffset(7)]) == [old.run])
        #expect(!table.finish(old.run, records: []))
    }

    @Test("offsets that are done by the committed metadata are not run again")
    func skipsDone() {
        var window = AckWindow(base: 10)
        for offset in Int64(10)..<14 { _ = window.start(offset) }
        window.finish(12)
        let table = Subject(slots: 8, window: 8)
        _ = table.assign([partition(0)], committed: [partition(0): CommittedOffset(10, metadata: window.encode())])
        for offset in Int64(10)..<14 { table.receive(record(0, offset), due: 0) }
        #expect(table.start(now: 0).map(\.run.offset) == [10, 11, 13])
    }

    @Test("two records of one key never run at once, in whatever partitions they are; others pass")
    func keys() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0), partition(1), partition(2)], committed: [:])
        table.receive(record(0, 0, key: "a"), due: 0)
        table.receive(record(1, 0, key: "a"), due: 0)
        table.receive(record(2, 0, key: "b"), due: 0)
        let starts = table.start(now: 0)
        #expect(starts.count == 2)
        let first = try #require(starts.first { $0.record.key == Array("a".utf8) })
        _ = table.finish(first.run, records: [])
        #expect(table.start(now: 0).map(\.record.key) == [Array("a".utf8)])
    }

    @Test("a key stays busy until a run that was handed back has really ended, even if its partition comes back before")
    func keysOfHandedBack() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0)], committed: [:])
        table.receive(record(0, 0, key: "a"), due: 0)
        let old = try #require(table.start(now: 0).first)
        _ = table.revoke([partition(0)])
        _ = table.assign([partition(0)], committed: [:])
        table.receive(record(0, 0, key: "a"), due: 0)
        #expect(table.start(now: 0).isEmpty)
        _ = table.finish(old.run, records: nil)
        #expect(table.start(now: 0).count == 1)
    }

    @Test("nothing is started before it is known what is done; then only what isn't")
    func unready() {
        var window = AckWindow(base: 10)
        for offset in Int64(10)..<14 { _ = window.start(offset) }
        window.finish(12)
        let table = Subject(slots: 8, window: 8)
        _ = table.assign([partition(0)], committed: nil)
        for offset in Int64(10)..<14 { table.receive(record(0, offset), due: 0) }
        #expect(table.start(now: 0).isEmpty)
        #expect(table.unready == [partition(0)])
        let committed = [partition(0): CommittedOffset(10, metadata: window.encode())]
        #expect(table.learn(committed, of: [partition(0)]).isEmpty)
        #expect(table.unready.isEmpty)
        #expect(table.start(now: 0).map(\.run.offset) == [10, 11, 13])
    }

    @Test("a partition without a commit begins at the first record that it has, also when that is learnt late")
    func unreadyWithoutCommit() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0)], committed: nil)
        table.receive(record(0, 500), due: 0)
        _ = table.learn([:], of: [partition(0)])
        let start = try #require(table.start(now: 0).first)
        _ = table.finish(start.run, records: [])
        #expect(table.takeBatch()?.offsets == [partition(0): CommittedOffset(501)])
    }

    @Test("the limit of operators and circuit lowers what runs at a time; zero starts nothing")
    func limit() {
        let table = Subject(slots: 8, window: 8)
        _ = table.assign([partition(0)], committed: [:])
        for offset in Int64(0)..<8 { table.receive(record(0, offset), due: 0) }
        table.startLimit = 0
        #expect(table.start(now: 0).isEmpty)
        table.startLimit = 3
        #expect(table.start(now: 0).count == 3)
        table.startLimit = nil
        #expect(table.start(now: 0).count == 5)
    }

    @Test("an idle partition's commit goes past transaction markers, and not before everything is done")
    func markers() throws {
        let table = Subject(slots: 8, window: 1)
        _ = table.assign([partition(0)], committed: [partition(0): CommittedOffset(0)])
        table.receive(record(0, 0), due: 0)
        table.receive(record(0, 2), due: 0)
        table.reachedEnd(of: partition(0), offset: 4)
        #expect(table.idleOffsets.isEmpty)
        for _ in 0..<2 {
            _ = table.finish(try #require(table.start(now: 0).first).run, records: [])
            #expect(table.idleOffsets.isEmpty)
        }
        let batch = try #require(table.takeBatch())
        #expect(batch.offsets == [partition(0): CommittedOffset(4)])
        table.committed(batch)
        #expect(table.idleOffsets.isEmpty)
        table.reachedEnd(of: partition(0), offset: 5)
        #expect(table.idleOffsets == [partition(0): CommittedOffset(5)])
    }

    @Test("a partition whose window is full of what is done behind one job names that job")
    func headOfLine() throws {
        let table = Subject(slots: 40, window: 40)
        _ = table.assign([partition(0)], committed: [:])
        for offset in Int64(0)..<40 { table.receive(record(0, offset), due: 0) }
        let starts = table.start(now: 0)
        #expect(table.headOfLine(of: partition(0)) == nil)
        for start in starts.dropFirst() { _ = table.finish(start.run, records: []) }
        #expect(table.headOfLine(of: partition(0)) == starts[0].run)
    }
}
