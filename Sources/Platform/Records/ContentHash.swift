/// A fast 64-bit hash of bytes, the same in every process and on every machine.
///
/// It answers "are these probably the same bytes?". It is not cryptographic: who wants two contents with the same hash can
/// make them. Two different contents met by chance agree with a probability of about 2⁻⁶⁴.
public enum ContentHash {
    // Fractional parts of the square roots of 2, 3, 5 and 7: arbitrary odd numbers with nothing up the sleeve.
    private static let k0: UInt64 = 0x6a09_e667_f3bc_c909
    private static let k1: UInt64 = 0xbb67_ae85_84ca_a73b
    private static let k2: UInt64 = 0x3c6e_f372_fe94_f82b
    private static let k3: UInt64 = 0xa54f_f53a_5f1d_36f1

    /// Returns the hash of bytes.
    ///
    /// - Parameter bytes: Any bytes.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        var left = k0 ^ UInt64(count)
        var right = k1
        guard let base = bytes.baseAddress else { return mix(left, right) }
        var i = 0
        while i &+ 32 <= count {
            left = mix(word(base, i) ^ k2, word(base, i &+ 8) ^ left) &+ word(base, i)
            right = mix(word(base, i &+ 16) ^ k3, word(base, i &+ 24) ^ right) &+ word(base, i &+ 16)
            i &+= 32
        }
        while i &+ 8 <= count {
            left = mix(left ^ k2, word(base, i) ^ k3) &+ left.byteSwapped
            i &+= 8
        }
        var tail: UInt64 = 0
        while i < count {
            tail = tail << 8 | UInt64(base.load(fromByteOffset: i, as: UInt8.self))
            i &+= 1
        }
        right = mix(right ^ tail ^ k0, left ^ k3) &+ tail
        return mix(left ^ k1, right ^ k2)
    }

    /// Returns the hash of bytes.
    ///
    /// - Parameter bytes: Any bytes.
    public static func of(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { of($0) } }

    @inline(__always)
    private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Multiplies to 128 bits and folds: every input bit reaches every output bit.
    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
