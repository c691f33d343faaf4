internal import Crypto

/// SHA-256 as text.
enum PrivacyDigest {
    /// Lower-case hexadecimal.
    static func text(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
