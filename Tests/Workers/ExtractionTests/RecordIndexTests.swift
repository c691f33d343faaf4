import Foundation
import TestSupport
import Testing

@testable import Extraction

@Suite("Record index")
struct RecordIndexTests {
    private struct Kept: Equatable {
        let content: UInt64
        let place: RecordIndex.Place
    }

    @Test("200,000 random changes agree with a dictionary, over every growth")
    func model() {
        var random = SplitMix(seed: 1)
        var index = RecordIndex()
        var model: [RecordIdentity: Kept] = [:]
        for step in 0..<200_000 {
            let number = UInt64.random(in: 0..<100_000, using: &random)
            // The same few identities again and again, and some whose halves are equal or zero.
            let identity = RecordIdentity(high: number % 5 == 0 ? 0 : number, low: number % 7 == 0 ? number : number &* 977)
            let kept = Kept(
                content: UInt64.random(in: 0 ... .max, using: &random),
                place: RecordIndex.Place(object: UInt32(step % 1000), line: UInt32(step)))
            if let found = index.find(identity) {
                if model[identity] != Kept(content: found.content, place: found.place) { Issue.record("wrong at \(step)") }
            } else if model[identity] != nil {
                Issue.record("lost at \(step)")
            }
            if step % 3 != 0 {
                index.keep(identity, content: kept.content, at: kept.place)
                model[identity] = kept
            }
        }
        #expect(index.count == model.count)
        for (identity, kept) in model {
            let found = index.find(identity)
            if found?.content != kept.content || found?.place != kept.place { Issue.record("lost \(identity)") }
        }
        #expect(index.find(RecordIdentity(high: 1, low: .max)) == nil)
    }

    enum Pattern: String, CaseIterable {
        case countingLow, countingHigh, sameEnds, equalHalves, upperBits, upperLowBits, v1
    }

    @Test("ids that count up, share their ends or halves cost no more than others", arguments: Pattern.allCases)
    func clusters(_ pattern: Pattern) {
        var index = RecordIndex()
        let clock = ContinuousClock()
        let time = clock.measure {
            for number in UInt64(0)..<60_000 {
                let identity =
                    switch pattern {
                    case .countingLow: RecordIdentity(high: 7, low: number)
                    case .countingHigh: RecordIdentity(high: number, low: 7)
                    case .sameEnds: RecordIdentity(high: number << 32 | 0xabcd, low: 0x1234_5678)
                    case .equalHalves: RecordIdentity(high: number, low: number)
                    case .upperBits: RecordIdentity(high: number << 48, low: (number >> 16) << 48)
                    case .upperLowBits: RecordIdentity(high: 7, low: number << 48)
                    // Time-based UUIDs of one machine: the time in the upper half, its lowest bits first.
                    case .v1: RecordIdentity(high: number << 36 | 0x11f0, low: 0x9a3c_0242_ac12_0002)
                    }
                index.keep(identity, content: number, at: RecordIndex.Place(object: 1, line: UInt32(number)))
            }
        }
        #expect(index.count == 60_000)
        // One probe each takes some 20 ms without optimisation; probing what collides would take minutes.
        #expect(time < .seconds(5))
    }

    @Test("an index that is made large enough keeps the same")
    func capacity() {
        var index = RecordIndex(capacity: 5000)
        for number in UInt64(0)..<5000 {
            index.keep(RecordIdentity(high: number, low: 0), content: 1, at: RecordIndex.Place(object: 0, line: 0))
        }
        #expect(index.count == 5000)
        #expect(RecordIndex().find(RecordIdentity(high: 0, low: 0)) == nil, "an empty slot is no identity of zeros")
    }
}

@Suite("Record identity")
struct RecordIdentityTests {
    @Test("a lower-case UUID is its own 128 bits")
    func uuid() {
        let identity = RecordIdentity("0123a567-89ab-cdef-fedc-ba9876543210")
        #expect(identity == RecordIdentity(high: 0x0123_a567_89ab_cdef, low: 0xfedc_ba98_7654_3210))
    }

    @Test("texts that are no such UUID are told apart, from it and from each other")
    func others() {
        let texts = [
            "0123a567-89ab-cdef-fedc-ba9876543210", "0123A567-89ab-cdef-fedc-ba9876543210", "0123a56789abcdeffedcba9876543210",
            "{0123a567-89ab-cdef-fedc-ba9876543210}", "0123a567-89ab-cdef-fedc-ba987654321",
            "0123a567-89ab-cdef-fedc-ba98765432100",
            "0123a567-89ab-cdef-fedc-ba987654321g", "0123a567089ab-cdef-fedc-ba9876543210",
            " 123a567-89ab-cdef-fedc-ba9876543210", "x", "y", "X",
            "é", "e\u{301}", "\u{0}", "",
        ]
        #expect(Set(texts.map(RecordIdentity.init)).count == texts.count)
        #expect(RecordIdentity("x") == RecordIdentity("x"))
    }

    @Test("random UUIDs are read as their bytes say")
    func random() {
        var random = SplitMix(seed: 3)
        for _ in 0..<1000 {
            let high = random.next()
            let low = random.next()
            func hex(_ value: UInt64) -> String {
                String(repeating: "0", count: 16 - String(value, radix: 16).count) + String(value, radix: 16)
            }
            let digits = Array(hex(high) + hex(low))
            let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }
            #expect(RecordIdentity(groups.joined(separator: "-")) == RecordIdentity(high: high, low: low))
        }
    }
}
