/// Random numbers that follow from a seed (SplitMix64): the same on every machine and with every compiler.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers of a seed.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.scramble(state)
    }

    /// A number of a range, both ends included.
    public mutating func number(in range: ClosedRange<Int>) -> Int {
        // Not the standard library's way, which may change: the remainder's bias is far below what anybody could see.
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True once in so many times.
    public mutating func happens(oneIn count: Int) -> Bool { next() % UInt64(max(1, count)) == 0 }

    /// The seed of something that has a number below something that has a seed.
    public static func seed(_ seed: UInt64, _ number: Int) -> UInt64 {
        scramble(seed &+ scramble(UInt64(bitPattern: Int64(number)) &+ 0x632b_e59b_d9b4_e019))
    }

    private static func scramble(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
