/// Hash functions from which every simulated value is derived.
///
/// Nothing of the data is stored: a value is a function of the seed, the day, the index and a salt, so any record of any
/// day can be made on demand, in any order, on any machine, with the same bytes.
enum Mixing {
    /// Scrambles 64 bits; a bijection, so that ``unmix(_:)`` can undo it (the finalizer of SplitMix64).
    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// Undoes ``mix(_:)``.
    static func unmix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 31) ^ (word >> 62)) &* 0x3196_42B2_D24D_8EC3
        word = (word ^ (word >> 27) ^ (word >> 54)) &* 0x96DE_1B17_3F11_9089
        return word ^ (word >> 30) ^ (word >> 60)
    }

    /// Mixes two words into one; not a bijection.
    @inline(__always)
    static func combine(_ left: UInt64, _ right: UInt64) -> UInt64 {
        mix(left &+ mix(right &+ 0x9E37_79B9_7F4A_7C15))
    }
}

/// The source of all random-looking choices about one record.
struct RecordSeed {
    private let key: UInt64

    init(seed: UInt64, row: Row) {
        key = Mixing.combine(seed, row.packed)
    }

    /// The 64 bits that belong to `salt`.
    @inline(__always)
    func bits(_ salt: UInt64) -> UInt64 {
        Mixing.mix(key &+ (salt &+ 1) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `bound`, which must be positive.
    @inline(__always)
    func number(_ salt: UInt64, below bound: UInt64) -> UInt64 {
        bits(salt).multipliedFullWidth(by: bound).high
    }

    /// True for one record in `every` on average; never when `every` is zero or less.
    @inline(__always)
    func oneIn(_ every: Int, salt: UInt64) -> Bool {
        every > 0 && number(salt, below: UInt64(every)) == 0
    }
}
