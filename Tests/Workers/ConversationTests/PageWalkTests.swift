import TestSupport
import Testing

@testable import Conversation

@Suite("Page walk")
struct PageWalkTests {
    /// A vendor whose rows and totals move while pages are asked for.
    private struct Vendor {
        var rows: Int
        let pageSize: Int
        /// Rows that come in or go after each answer.
        let drift: ClosedRange<Int>
        /// How wrong the total is; nil: there is none.
        let jitter: Int?
        /// Pages that are answered empty although they aren't.
        let gaps: Set<Int>

        mutating func answer(_ page: Int, _ random: inout SplitMix) -> (records: Int, total: Int?) {
            let records = gaps.contains(page) ? 0 : max(0, min(pageSize, rows - (page - 1) * pageSize))
            let total = jitter.map { max(-5, rows + Int.random(in: -$0...$0, using: &random)) }
            rows = max(0, min(2000, rows + Int.random(in: drift, using: &random)))
            return (records, total)
        }
    }

    @Test(
        "every page up to the end is asked for once, never more than allowed at a time, whatever totals say and rows do",
        arguments: 1...500
    )
    func model(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let pageSize = Int.random(in: 1...100, using: &random)
        let concurrency = Int.random(in: 1...8, using: &random)
        let jitters: [Int?] = [nil, 0, 0, 10, 5000]
        var vendor = Vendor(
            rows: Int.random(in: 0...1500, using: &random), pageSize: pageSize, drift: seed % 3 == 0 ? -20...20 : 0...0,
            jitter: jitters.randomElement(using: &random) ?? nil,
            gaps: seed % 4 == 0 ? Set((0..<3).map { _ in Int.random(in: 1...20, using: &random) }) : [])
        var walk = PageWalk(pageSize: pageSize, concurrency: concurrency)
        var asked: [Int] = []
        var open: [Int] = []
        var answers: [Int: Int] = [:]
        while true {
            while let page = walk.request() {
                asked.append(page)
                open.append(page)
                #expect(open.count <= concurrency, "seed \(seed)")
                if asked.count > 5000 { break }
            }
            guard !open.isEmpty, asked.count <= 5000 else { break }
            let page = open.remove(at: Int.random(in: 0..<open.count, using: &random))
            let answer = vendor.answer(page, &random)
            answers[page] = answer.records
            walk.answered(page, records: answer.records, total: answer.total)
        }
        #expect(asked.count <= 2000 / pageSize + 2 * concurrency + 5, "seed \(seed): it ends")
        #expect(asked == Array(1...asked.count), "seed \(seed): each page once, none left out")
        #expect(walk.isComplete && open.isEmpty, "seed \(seed)")
        let lastFilled = answers.filter { $0.value > 0 }.map(\.key).max() ?? 0
        #expect(answers.contains { $0.key > lastFilled && $0.value == 0 }, "seed \(seed): only an empty page is the end")
        if vendor.jitter == 0, vendor.drift == 0...0, vendor.gaps.isEmpty {
            #expect(
                asked.count == (vendor.rows + pageSize - 1) / pageSize + 1, "seed \(seed): an exact total costs one empty page")
        }
    }

    @Test("an empty page before pages that aren't is not the end, in whatever order the answers come")
    func gap() {
        var walk = PageWalk(pageSize: 10, concurrency: 4)
        #expect(walk.request() == 1)
        walk.answered(1, records: 10, total: 60)
        #expect((0..<4).map { _ in walk.request() } == [2, 3, 4, 5])
        walk.answered(5, records: 10, total: 60)
        walk.answered(2, records: 0, total: 60)
        walk.answered(3, records: 10, total: 60)
        walk.answered(4, records: 10, total: 60)
        #expect(walk.request() == 6)
        #expect(walk.request() == 7)
        #expect(walk.request() == nil, "7 is the one after the total; beyond it one at a time")
        walk.answered(7, records: 0, total: 60)
        #expect(walk.request() == nil && !walk.isComplete)
        walk.answered(6, records: 10, total: 60)
        #expect(walk.isComplete && walk.request() == nil)
    }

    @Test("nothing is asked ahead before the first answer, and an empty day costs one page")
    func empty() {
        var walk = PageWalk(pageSize: 100, concurrency: 8)
        #expect(walk.request() == 1)
        #expect(walk.request() == nil && !walk.isComplete)
        walk.answered(1, records: 0, total: 0)
        #expect(walk.request() == nil && walk.isComplete)
    }

    @Test("totals that no vendor can mean do no harm", arguments: [Int.max, Int.min, -1, 1 << 50])
    func absurdTotals(total: Int) {
        var walk = PageWalk(pageSize: 100, concurrency: 2)
        #expect(walk.request() == 1)
        walk.answered(1, records: 100, total: total)
        #expect(walk.request() == 2)
    }
}
