import TestSupport
import Testing

@testable import Extraction

@Suite("Listings that move while they are read")
struct MovingListingTests {
    private func pass(
        _ listing: inout MovingListing, totals: [Int?], news: Bool = false, duplicates: Bool = false, known: Int = 10,
        distinct: Int? = nil, pages: Int? = nil
    ) -> Bool {
        listing.beginPass()
        for total in totals { listing.answered(total: total) }
        return listing.endPass(
            hasNews: news, hasDuplicates: duplicates, known: known, distinct: distinct, pages: pages)
    }

    @Test("one that stands still is read in one pass: what was seen is the total")
    func still() {
        var listing = MovingListing()
        let isRead = pass(&listing, totals: [10, 10, nil], news: true)
        #expect(isRead)
    }

    @Test("without a total a single page is read in one pass, and several in two")
    func silent() {
        var single = MovingListing()
        let isSingleRead = pass(&single, totals: [nil, nil], news: true, pages: 1)
        var several = MovingListing()
        let first = pass(&several, totals: [nil, nil], news: true)
        let second = pass(&several, totals: [nil, nil])
        #expect(isSingleRead && !first && second)
    }

    @Test("a first pass isn't enough when rows came twice, totals moved, or what was seen isn't the total")
    func first() {
        for (totals, duplicates) in [([10, 10], true), ([10, 9, 10], false), ([11, 11], false), ([9], false)] {
            var listing = MovingListing()
            let first = pass(&listing, totals: totals, news: true, duplicates: duplicates)
            let second = pass(&listing, totals: [11, 11], known: 11)
            #expect(!first && second, "a second that brings nothing new is")
        }
    }

    @Test("a total that is wrong all the time costs three passes; one that a pass itself has is right")
    func wrong() {
        var listing = MovingListing()
        let ends = [true, false, false].map { pass(&listing, totals: [12, 12], news: $0) }
        var shrunk = MovingListing()
        let shrunkEnds = [true, false].map { pass(&shrunk, totals: [9, 9], news: $0, distinct: $0 ? 10 : 9) }
        #expect(ends == [false, false, true] && shrunkEnds == [false, true])
    }

    @Test("a vendor whose pages overlap in every pass is believed when all that it counts is known")
    func overlapping() {
        var listing = MovingListing()
        let first = pass(&listing, totals: [20, 20], news: true, duplicates: true, known: 20)
        let second = pass(&listing, totals: [20, 20], duplicates: true, known: 20)
        #expect(!first && second)
    }

    @Test("a pass in which rows came twice while others are missing isn't quiet, however still the total stands")
    func restlessRows() {
        var listing = MovingListing()
        let ends = (0..<8).map { pass(&listing, totals: [20, 20], news: $0 == 0, duplicates: true, known: 19, distinct: 19) }
        let last = pass(&listing, totals: [20, 20], news: true, known: 20, distinct: 20)
        let quiet = pass(&listing, totals: [20, 20], known: 20, distinct: 20)
        #expect(!ends.contains(true) && !last && quiet)
    }

    @Test("two rows that change places in every pass, the total standing still: never read while one is missing")
    func swap() {
        var known: Set<Int> = []
        var listing = MovingListing()
        for pass in 1...10 {
            listing.beginPass()
            var rows = Array(0..<20)
            var seen: Set<Int> = []
            var hasDuplicates = false
            let before = known.count
            for page in 0..<2 {
                listing.answered(total: rows.count)
                for row in rows[page * 10..<page * 10 + 10] where !seen.insert(row).inserted { hasDuplicates = true }
                if pass < 9 { rows.swapAt(9, 10) }
            }
            known.formUnion(seen)
            let isRead = listing.endPass(
                hasNews: known.count > before, hasDuplicates: hasDuplicates, known: known.count, distinct: seen.count)
            #expect(isRead == (pass == 10), "pass \(pass)")
        }
        #expect(known.count == 20)
    }

    @Test("totals that never stand still cost three passes; news begins the count again")
    func restless() {
        var listing = MovingListing()
        let ends = [true, false, true, false, false].map { pass(&listing, totals: [12, 8], news: $0) }
        #expect(ends == [false, false, false, false, true])
    }

    @Test("what a former attempt was told counts with what this one is told")
    func resumed() {
        var listing = MovingListing()
        listing.beginPass(total: 12)
        listing.answered(total: 10)
        let isRead = listing.endPass(hasNews: true, hasDuplicates: false, known: 10)
        #expect(!isRead)
    }

    /// A listing that changes after each page, by insertions and removals at random places.
    @Test("random changes that come to rest: every row that was there to the end is read", arguments: 1...40)
    func model(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var rows = Array(0..<95)
        var next = 95
        var changes = Int.random(in: 0...20, using: &random)
        var known: Set<Int> = []
        var listing = MovingListing()
        var isRead = false
        var wasAtRest = false
        for _ in 0..<100 where !isRead {
            listing.beginPass()
            wasAtRest = changes == 0
            let before = known
            var seenNow: Set<Int> = []
            var duplicates = false
            var page = 0
            while true {
                let shown = rows.dropFirst(page * 10).prefix(10)
                listing.answered(total: rows.count)
                for row in shown where !seenNow.insert(row).inserted { duplicates = true }
                if shown.isEmpty { break }
                page += 1
                if changes > 0, Bool.random(using: &random) {
                    changes -= 1
                    if Bool.random(using: &random) {
                        rows.insert(next, at: Int.random(in: 0...rows.count, using: &random))
                        next += 1
                    } else {
                        rows.remove(at: Int.random(in: 0..<rows.count, using: &random))
                    }
                }
            }
            known.formUnion(seenNow)
            isRead = listing.endPass(
                hasNews: known != before, hasDuplicates: duplicates, known: known.count, distinct: seenNow.count)
        }
        #expect(isRead)
        // While it moves nobody can be sure; once it rests before the last pass, nothing is missed.
        if wasAtRest { #expect(known.isSuperset(of: rows)) }
    }
}
