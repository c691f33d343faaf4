internal import GenesysCloud
internal import Records

/// What is read of a conversation; everything else passes through.
enum ConversationRecord {
    /// The vendor's id; nil when there is none.
    static func id(of record: RawRecord) -> String? {
        guard let id = record.string(of: "conversationId"), !id.isEmpty else { return nil }
        return id
    }

    /// Whether it goes on: it has no end. The vendor leaves out what has no value; `null` means the same.
    static func isOpen(_ record: RawRecord) -> Bool {
        guard let end = record.rawValue(of: "conversationEnd") else { return true }
        return end.elementsEqual("null".utf8)
    }

    /// Whether it starts in the interval; one that doesn't say when it starts belongs wherever it is met.
    static func starts(_ record: RawRecord, in interval: QueryInterval) -> Bool {
        guard let start = start(of: record) else { return true }
        return interval.startMilliseconds <= start && start < interval.endMilliseconds
    }

    /// When it starts, milliseconds since 1970 UTC: a text, or a number of milliseconds.
    private static func start(of record: RawRecord) -> Int64? {
        if let text = record.string(of: "conversationStart") { return VendorTime.parse(text) }
        return record.rawValue(of: "conversationStart").flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
    }

    /// A record with the participants' `attributes` of an earlier version of it, where it has none: they are in the results of
    /// details jobs alone.
    static func withAttributes(of earlier: UnsafeRawBufferPointer, in newer: [UInt8]) -> [UInt8] {
        var attributes: [String: [UInt8]] = [:]
        if let participants = RawRecord(bytes: earlier).rawValue(of: "participants") {
            RecordScanner.forEachElement(of: participants) { participant in
                let participant = RawRecord(bytes: participant)
                guard let value = participant.rawValue(of: "attributes"), let id = participant.string(of: "participantId") else {
                    return
                }
                attributes[id] = Array(value)
            }
        }
        guard !attributes.isEmpty else { return newer }
        return newer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let participants = RawRecord(bytes: bytes).rawValue(of: "participants") else {
                return newer
            }
            var whole: [UInt8] = []
            var copied = 0
            RecordScanner.forEachElement(of: participants) { element in
                let participant = RawRecord(bytes: element)
                guard let id = participant.string(of: "participantId"), let value = attributes[id],
                    participant.rawValue(of: "attributes") == nil, let start = element.baseAddress
                else { return }
                // Behind the brace; there is a member, the id.
                let place = base.distance(to: start) + 1
                whole += bytes[copied..<place]
                whole += Array("\"attributes\":".utf8) + value + [UInt8(ascii: ",")]
                copied = place
            }
            return whole + bytes[copied...]
        }
    }

    /// A hash of what a record says without the participants' `attributes`, which only details jobs return: tells whether a record
    /// that was extracted by a query before has changed. The two ways needn't lay out their answers alike.
    static func settledHash(of record: RawRecord) -> UInt64 {
        JSONContentHash.of(record.bytes, omitting: ["participants", "attributes"]) ?? record.contentHash
    }
}
