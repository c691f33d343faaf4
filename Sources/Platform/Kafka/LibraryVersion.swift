internal import CLibrdkafka

/// The librdkafka that the process runs with, which may be newer than the one it was compiled against.
public struct LibraryVersion: Sendable, Comparable, CustomStringConvertible {
    /// The version as librdkafka counts it: 0xMMmmrrxx.
    public let number: Int32

    init(number: Int32) { self.number = number }

    /// The librdkafka in this process.
    public static var current: LibraryVersion { LibraryVersion(number: rd_kafka_version()) }

    /// The first version with sound cooperative rebalances: commits during one no longer lose the assignment
    /// (librdkafka's changelog, 2.10.0).
    public static let cooperativeRebalances = LibraryVersion(number: 0x020a_00ff)

    /// Orders by release.
    public static func < (left: LibraryVersion, right: LibraryVersion) -> Bool { left.number < right.number }

    /// Such as `2.16.0`.
    public var description: String { "\(number >> 24 & 0xff).\(number >> 16 & 0xff).\(number >> 8 & 0xff)" }
}
