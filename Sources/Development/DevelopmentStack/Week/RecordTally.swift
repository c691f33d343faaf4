internal import Crypto
internal import Foundation
internal import Glibc

/// Records by their bytes: how often each is there.
struct RecordTally: Sendable {
    /// What tells records apart.
    struct Fingerprint: Hashable, Sendable {
        let high: UInt64
        let low: UInt64

        init(_ bytes: UnsafeRawBufferPointer) {
            let digest = SHA256.hash(data: bytes)
            (high, low) = digest.withUnsafeBytes {
                ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
        }
    }

    private(set) var counts: [Fingerprint: Int] = [:]
    /// Records, each as often as it is there.
    private(set) var count = 0

    /// Takes in a record.
    mutating func add(_ line: UnsafeRawBufferPointer) {
        counts[Fingerprint(line), default: 0] += 1
        count += 1
    }

    /// Takes in lines, each ended by a line feed; returns what is left of an unended one.
    mutating func add(lines bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer
            while let base = rest.baseAddress, let end = memchr(base, 0x0a, rest.count) {
                let length = base.distance(to: UnsafeRawPointer(end))
                add(UnsafeRawBufferPointer(rebasing: rest[..<(rest.startIndex + length)]))
                rest = UnsafeRawBufferPointer(rebasing: rest[(rest.startIndex + length + 1)...])
            }
            return Array(rest)
        }
    }

    /// How this differs from what should be.
    ///
    /// - Parameter permitted: what may be there as well, each once.
    func difference(from truth: RecordTally, permitting permitted: RecordTally = RecordTally()) -> RecordDifference {
        var difference = RecordDifference()
        for (record, expected) in truth.counts {
            let found = counts[record] ?? 0
            difference.equal += min(found, expected)
            difference.missing += max(0, expected - found)
            difference.doubled += max(0, found - expected)
        }
        for (record, found) in counts where truth.counts[record] == nil {
            if permitted.counts[record] == nil {
                difference.strange += found
            } else {
                difference.permitted += 1
                difference.doubled += found - 1
            }
        }
        return difference
    }
}

/// How the lake differs from the vendor.
struct RecordDifference: Sendable, Hashable {
    /// Records that are what and where they should be.
    var equal = 0
    /// Records of the vendor that the lake doesn't have as they are now.
    var missing = 0
    /// Records that are there once more than they should be.
    var doubled = 0
    /// Records of the lake that the vendor doesn't have, or not as they are there.
    var strange = 0
    /// Records that may be there besides.
    var permitted = 0
}
