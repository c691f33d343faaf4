/// Names one conversation: the UTC day on which it starts and its index among the conversations of that day.
struct Row: Hashable, Sendable {
    /// Days since 1970-01-01.
    var day: Int32
    /// 0-based; from ``Row/firstInserted`` on for conversations that were inserted while somebody was paging.
    var index: UInt32

    /// Where the indexes of inserted conversations begin.
    static let firstInserted: UInt32 = 0x8000_0000

    var isInserted: Bool { index >= Row.firstInserted }

    var packed: UInt64 { UInt64(UInt32(bitPattern: day)) << 32 | UInt64(index) }

    init(day: Int32, index: UInt32) {
        self.day = day
        self.index = index
    }

    init(packed: UInt64) {
        day = Int32(bitPattern: UInt32(packed >> 32))
        index = UInt32(truncatingIfNeeded: packed)
    }
}

/// The conversation id of a row: a version 4 UUID from which the row can be computed back, so that point reads need no
/// table of ids.
///
/// 64 of the 122 free bits are the row, scrambled with the seed by a bijection; the rest is a check value.
struct ConversationID: Equatable {
    var high: UInt64
    var low: UInt64

    @inline(__always)
    init(row: Row, seed: UInt64) {
        let scrambled = Mixing.mix(row.packed ^ Mixing.mix(seed))
        let check = Mixing.combine(seed, scrambled)
        high = (scrambled & 0xFFFF_FFFF_FFFF_0000) | 0x4000 | (check & 0x0FFF)
        low = 0x8000_0000_0000_0000 | (check >> 2 & 0x3FFF_FFFF_FFFF_0000) | (scrambled & 0xFFFF)
    }

    /// Reads 36 characters of lower-case UUID; nil for anything else.
    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var nibbles = 0
        for (position, byte) in bytes.enumerated() {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if nibbles < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
            nibbles += 1
        }
        (high, low) = words
    }

    /// The row that has this id under `seed`; nil when the id was not made by this simulator.
    func row(seed: UInt64) -> Row? {
        let scrambled = (high & 0xFFFF_FFFF_FFFF_0000) | (low & 0xFFFF)
        let row = Row(packed: Mixing.unmix(scrambled) ^ Mixing.mix(seed))
        return ConversationID(row: row, seed: seed) == self ? row : nil
    }

    var text: String {
        var bytes = RecordBytes(capacity: 36)
        bytes.append(uuid: high, low)
        return bytes.string
    }
}
