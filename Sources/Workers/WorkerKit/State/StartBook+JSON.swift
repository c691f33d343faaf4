internal import Contracts
internal import Kafka

extension StartBook {
    /// The largest ledger that is read, bytes: several thousand entries.
    static let maximumBytes = 2 << 20

    private static let version: Int64 = 1

    /// The ledger as JSON, one line for each entry.
    ///
    /// Written by hand: it is written before each run, and a general encoder takes longer than the store.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + entries.count * 160)
        bytes += "{\"version\":\(Self.version),\"starts\":[".utf8
        var isFirst = true
        for (place, entry) in entries {
            bytes += (isFirst ? "\n{\"topic\":" : ",\n{\"topic\":").utf8
            isFirst = false
            Self.append(place.partition.topic, to: &bytes)
            bytes += ",\"partition\":\(place.partition.partition),\"offset\":\(place.offset),\"job\":".utf8
            Self.append(entry.job, to: &bytes)
            bytes += ",\"starts\":\(entry.count.starts),\"resets\":\(entry.count.resets),\"at\":\(entry.at)}".utf8
        }
        bytes += "\n]}\n".utf8
        return bytes
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes += "\\u00".utf8
                bytes += [byte >> 4, byte & 15].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Reads a ledger; entries that make no sense are left out.
    ///
    /// - Throws: a `ContractError` when it is no ledger of this version.
    static func decode(_ bytes: [UInt8]) throws(ContractError) -> [StartPlace: StartEntry] {
        let value = try JSONValue.decode(bytes, upTo: maximumBytes)
        guard let found = value["version"]?.integer else { throw .malformed("version is missing") }
        guard found == version else { throw .unknownVersion(Int(clamping: found)) }
        guard case .array(let list)? = value["starts"] else { throw .malformed("starts is missing") }
        var entries: [StartPlace: StartEntry] = [:]
        for item in list {
            guard let (place, entry) = entry(item) else { continue }
            entries[place] = entry
        }
        return entries
    }

    private static func entry(_ value: JSONValue) -> (StartPlace, StartEntry)? {
        guard let topic = value["topic"]?.string, topic.utf8.count <= 300,
            let partition = value["partition"]?.integer.flatMap({ Int32(exactly: $0) }), partition >= 0,
            let offset = value["offset"]?.integer, offset >= 0, let job = value["job"]?.string, job.utf8.count <= 300,
            let starts = value["starts"]?.integer, let resets = value["resets"]?.integer,
            (0...1_000_000).contains(starts), (0...1_000_000_000).contains(resets), let at = value["at"]?.integer,
            (0...100_000_000_000).contains(at)
        else { return nil }
        return (
            StartPlace(partition: TopicPartition(topic, partition), offset: offset),
            StartEntry(job: job, count: StartCount(resets: Int(resets), starts: Int(starts)), at: at)
        )
    }
}
