import NIOCore

/// A growing flat byte buffer that records are rendered into.
///
/// It owns its memory alone (not copyable), so that appending is a bounds check and a copy: no reference counting, no
/// uniqueness check per value. This is what keeps the simulator from being the bottleneck of a benchmark.
struct RecordBytes: ~Copyable {
    private var storage: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        storage = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
    }

    deinit {
        storage.deallocate()
    }

    /// Gives access to everything appended so far.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: storage, count: count))
    }

    /// A copy of everything appended so far.
    var array: [UInt8] { withBytes { [UInt8]($0) } }

    /// A copy as a buffer to send.
    var buffer: ByteBuffer { withBytes { ByteBuffer(bytes: $0) } }

    /// The bytes read as UTF-8.
    var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// Forgets the content and keeps the memory.
    mutating func removeAll() {
        count = 0
    }

    @inline(__always)
    private mutating func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
        if count + extra > capacity { grow(extra) }
        return storage + count
    }

    private mutating func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let replacement = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        replacement.update(from: storage, count: count)
        storage.deallocate()
        storage = replacement
        capacity = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1).pointee = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let base = bytes.baseAddress else { return }
        reserve(bytes.count).update(from: base, count: bytes.count)
        count += bytes.count
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append($0) }
    }

    mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a decimal number without leading zeros.
    @inline(__always)
    mutating func append(number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var digits = 1
        var bound: UInt64 = 10
        while digits < 20 && rest >= bound {
            digits += 1
            let (product, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = product
        }
        let target = reserve(digits)
        var position = digits
        while position > 0 {
            position -= 1
            target[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// Appends a number with leading zeros to `digits` places.
    @inline(__always)
    mutating func append(number: Int, digits: Int) {
        let target = reserve(digits)
        var rest = number
        var position = digits
        while position > 0 {
            position -= 1
            target[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// Appends ISO-8601 in UTC, without the fraction when `wholeSeconds` is set.
    @inline(__always)
    mutating func append(instant: SimulatorInstant, wholeSeconds: Bool) {
        let day = instant.milliseconds.dividedRoundingDown(by: SimulatorInstant.millisecondsPerDay)
        let time = Int(instant.milliseconds - day * SimulatorInstant.millisecondsPerDay)
        let date = CivilDate(daysSinceEpoch: Int(day))
        append(number: date.year, digits: 4)
        append(UInt8(ascii: "-"))
        append(number: date.month, digits: 2)
        append(UInt8(ascii: "-"))
        append(number: date.day, digits: 2)
        append(UInt8(ascii: "T"))
        append(number: time / 3_600_000, digits: 2)
        append(UInt8(ascii: ":"))
        append(number: time / 60_000 % 60, digits: 2)
        append(UInt8(ascii: ":"))
        append(number: time / 1_000 % 60, digits: 2)
        if !wholeSeconds {
            append(UInt8(ascii: "."))
            append(number: time % 1_000, digits: 3)
        }
        append(UInt8(ascii: "Z"))
    }

    /// Appends a version 4 UUID grown from 64 random bits.
    @inline(__always)
    mutating func append(identifier bits: UInt64) {
        append(
            uuid: bits & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            Mixing.mix(bits &+ 1) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Appends a lower-case UUID made of 16 bytes, most significant first.
    @inline(__always)
    mutating func append(uuid high: UInt64, _ low: UInt64) {
        let target = reserve(36)
        var position = 0
        var nibble = 0
        while nibble < 32 {
            if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                target[position] = UInt8(ascii: "-")
                position += 1
            }
            let word = nibble < 16 ? high : low
            let value = UInt8(truncatingIfNeeded: (word >> UInt64(60 - (nibble & 15) * 4)) & 15)
            target[position] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
            position += 1
            nibble += 1
        }
        count += 36
    }
}
