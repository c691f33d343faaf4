import TestSupport
import Testing

@testable import Extraction

@Suite("Listings that move while they are read")
struct MovingListingTests {
    private func pass(
        _ listing: inout MovingListing, totals: [Int?], news: Bool = false, duplicates: Bool = false, seen: Int = 10
    ) -> Bool {
        listing.beginPass()
        for total in totals { listing.answered(total: total) }
        return listing.endPass(hasNews: news, hasDuplicates: duplicates, seen: seen)
    }

    @Test("one that stands still is read in one pass, with totals or without")
    func still() {
        var listing = MovingListing()
        let isRead = pass(&listing, totals: [10, 10, nil], news: true)
        var silent = MovingListing()
        let isSilentRead = pass(&silent, totals: [nil, nil], news: true)
        #expect(isRead && isSilentRead)
    }

    @Test("a first pass isn't enough when rows came twice, totals moved, or what was seen isn't the total")
    func first() {
        for (totals, duplicates) in [([10, 10], true), ([10, 9, 10], false), ([11, 11], false), ([9], false)] {
            var listing = MovingListing()
            let first = pass(&listing, totals: totals, news: true, duplicates: duplicates)
            let second = pass(&listing, totals: [11, 11])
            #expect(!first && second, "a second that brings nothing new is")
        }
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
        let isRead = listing.endPass(hasNews: true, hasDuplicates: false, seen: 10)
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
            isRead = listing.endPass(hasNews: known != before, hasDuplicates: duplicates, seen: known.count)
        }
        #expect(isRead)
        // While it moves nobody can be sure; once it rests before the last pass, nothing is missed.
        if wasAtRest { #expect(known.isSuperset(of: rows)) }
    }
}
