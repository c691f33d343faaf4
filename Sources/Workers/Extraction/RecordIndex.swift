internal import Crypto
internal import Records

/// A record's identity: the UUID itself, or a digest of an id that is none.
public struct RecordIdentity: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The identity of an id.
    public init(_ id: String) {
        var id = id
        if let uuid = id.withUTF8({ Self(uuid: UnsafeRawBufferPointer($0)) }) {
            self = uuid
        } else {
            self.init(digestOf: Array(id.utf8))
        }
    }

    /// The identity of something that has no id: its content.
    public init(digestOf bytes: some Sequence<UInt8>) {
        var hash = SHA256()
        hash.update(data: Array(bytes))
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in hash.finalize().enumerated().prefix(16) {
            if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        self.init(high: words.0, low: words.1)
    }

    /// A lower-case UUID in its usual form, as the vendor writes ids; anything else isn't one, so that no two texts meet.
    private init?(uuid text: UnsafeRawBufferPointer) {
        guard text.count == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (index, byte) in text.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if digits < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
            digits += 1
        }
        self.init(high: words.0, low: words.1)
    }
}

/// Where each record of a day was kept: an open-addressing table in one flat array, 32 bytes for a slot and 1.3 to 2.7
/// slots for a record, so 43 to 86 bytes.
public struct RecordIndex: Sendable {
    /// Where a record is: the object's number and the line in it.
    public struct Place: Hashable, Sendable {
        /// The object's number.
        public let object: UInt32
        /// The line in it, from 0.
        public let line: UInt32

        /// A place.
        public init(object: UInt32, line: UInt32) {
            self.object = object
            self.line = line
        }
    }

    private struct Slot {
        var high: UInt64
        var low: UInt64
        var content: UInt64
        var place: Place
    }

    /// An object number that no object has: the slot is free.
    private static let free = UInt32.max

    private var slots: [Slot]
    /// How many records there are.
    public private(set) var count = 0

    /// An empty index with room for so many records.
    public init(capacity: Int = 1024) {
        var size = 1024
        while size < capacity * 2 { size *= 2 }
        slots = Self.empty(size)
    }

    private static func empty(_ size: Int) -> [Slot] {
        Array(repeating: Slot(high: 0, low: 0, content: 0, place: Place(object: free, line: 0)), count: size)
    }

    /// The content and place of a record; nil when it wasn't kept yet.
    public func find(_ identity: RecordIdentity) -> (content: UInt64, place: Place)? {
        let slot = slots[position(of: identity)]
        return slot.place.object == Self.free ? nil : (slot.content, slot.place)
    }

    /// Notes where a record is kept now, instead of where it was.
    public mutating func keep(_ identity: RecordIdentity, content: UInt64, at place: Place) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        let position = position(of: identity)
        if slots[position].place.object == Self.free { count += 1 }
        slots[position] = Slot(high: identity.high, low: identity.low, content: content, place: place)
    }

    private func position(of identity: RecordIdentity) -> Int {
        let mask = slots.count - 1
        // Ids are random already; this guards against a vendor whose ids count up or share their ends: every bit of both halves
        // has an effect on the lower bits.
        let high = (identity.high ^ identity.high >> 32) &* 0x9e37_79b9_7f4a_7c15
        let low = (identity.low ^ identity.low >> 32) &* 0xd6e8_feb8_6659_fd93
        let mixed = high ^ low
        var position = Int(truncatingIfNeeded: mixed ^ mixed >> 32) & mask
        while slots[position].place.object != Self.free,
            slots[position].high != identity.high || slots[position].low != identity.low
        {
            position = (position + 1) & mask
        }
        return position
    }

    private mutating func grow() {
        let old = slots
        slots = Self.empty(old.count * 2)
        for slot in old where slot.place.object != Self.free {
            slots[position(of: RecordIdentity(high: slot.high, low: slot.low))] = slot
        }
    }
}
