import Testing

@testable import WorkerKit

@Suite("Ack window")
struct AckWindowTests {
    @Test(
        "random completions: the base is the lowest open offset, and a decoded window skips exactly what is done",
        arguments: 0..<200)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let start = Int64.random(in: 0...1000, using: &random)
        var window = AckWindow(base: start)
        var next = start
        var open: Set<Int64> = []
        var done: Set<Int64> = []
        for _ in 0..<400 {
            if Bool.random(using: &random), open.count < 32 {
                // Gaps are what transaction markers and compaction leave.
                next += Int64.random(in: 0...3, using: &random) == 0 ? 2 : 1
                let offset = next - 1
                let isNew = window.start(offset)
                #expect(isNew)
                open.insert(offset)
            } else if let offset = open.randomElement(using: &random) {
                window.finish(offset)
                open.remove(offset)
                done.insert(offset)
            }
            guard let lowest = open.min() else {
                if !done.isEmpty { #expect(window.base == next) }
                continue
            }
            if done.contains(where: { $0 < lowest }) || window.base > start { #expect(window.base <= lowest) }
            for offset in open { #expect(!window.isDone(offset)) }
            for offset in done { #expect(window.isDone(offset)) }
            let copy = AckWindow(base: window.base, metadata: window.encode())
            if window.spread < AckWindow.reach {
                for offset in open { #expect(!copy.isDone(offset)) }
                for offset in done { #expect(copy.isDone(offset)) }
            }
        }
    }

    @Test(
        "metadata that nobody of ours wrote means: nothing is done",
        arguments: ["", "w2:AQ", "w1:*", "s1:100", "w1:" + String(repeating: "A", count: 5000)])
    func foreignMetadata(text: String) {
        let window = AckWindow(base: 10, metadata: text)
        #expect(window.base == 10)
        for offset in Int64(10)..<2000 { #expect(!window.isDone(offset)) }
    }

    @Test("the metadata stays far below the 4096 bytes that a broker keeps, whatever is done")
    func bounded() {
        var window = AckWindow(base: 0)
        for offset in Int64(0)..<AckWindow.reach { _ = window.start(offset) }
        for offset in Int64(1)..<AckWindow.reach { window.finish(offset) }
        #expect(window.base == 0)
        #expect((1...250).contains(window.encode().utf8.count))
    }
}

/// A small generator with a printed seed, so that a failure can be played again.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }

    mutating func next() -> UInt64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
