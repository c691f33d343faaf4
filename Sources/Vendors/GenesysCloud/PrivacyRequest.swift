public import Records

/// What may be told of a privacy request (GDPR): `GET /api/v2/gdpr/requests`.
///
/// Names, numbers and addresses of the person are in the record and nowhere here: an id that could be one of them is left out.
public struct PrivacyRequest: Sendable, Hashable {
    /// The request's id.
    public let id: String
    /// `GDPR_DELETE`, `GDPR_UPDATE` or `GDPR_EXPORT`; another word of the vendor's stays as it is.
    public let type: String
    /// `INITIATED`, `SEARCHING`, `UPDATING`, `DELETING`, `COMPLETED`, `ERROR`, `FINALIZING`; another word stays as it is.
    public let status: String
    /// When it was made, as the vendor writes it.
    public let created: String?
    /// The subject's opaque ids by their names: `userId`, `externalContactId`.
    public let subjectIDs: [String: String]
    /// Whether the record says whom it is about at all.
    public let hasSubject: Bool

    /// The permission that listing requests needs.
    public static let permission = "gdpr:request:view"

    /// Reads a record; nil when it has no id that can be one.
    public init?(_ record: RawRecord) {
        guard let id = record.string(of: "id"), Self.isIdentifier(id) else { return nil }
        self.id = id
        type = Self.word(record.string(of: "requestType"))
        status = Self.word(record.string(of: "status"))
        created = record.string(of: "createdDate").flatMap { Self.isInstant($0) ? $0 : nil }
        var ids: [String: String] = [:]
        let subject = record.rawValue(of: "subject").map { RawRecord(bytes: $0) }
        for name in ["userId", "externalContactId"] {
            if let value = subject?.string(of: name), Self.isOpaque(value) { ids[name] = value }
        }
        subjectIDs = ids
        hasSubject = subject.map { $0.bytes.first == UInt8(ascii: "{") } ?? false
    }

    /// Which requests there are.
    public static var listing: ListingQuery {
        ListingQuery("gdpr requests", path: "/api/v2/gdpr/requests", permission: permission)
    }

    /// One request, for listings that leave the subject out.
    public static func single(_ id: String) -> GenesysCloudRequest {
        GenesysCloudRequest("gdpr request", path: "/api/v2/gdpr/requests/\(URLText.encoded(id))", permission: permission)
    }

    /// Whether a text can be the id of a request, which the vendor gives: letters, digits, `-` and `_`, with a letter.
    static func isIdentifier(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2d || byte == 0x5f
            } && text.utf8.contains { (0x61...0x7a).contains($0 | 0x20) }
    }

    /// Whether a text can only be an id: a UUID, or letters, digits and `-`, with a letter, or long, so that it is no telephone number.
    static func isOpaque(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (8...64).contains(bytes.count) else { return false }
        if isUUID(text) { return true }
        var digits = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                break
            default: return false
            }
        }
        // Numbers have at most 15 digits; a name has none.
        return digits >= 4 && (digits > 15 || bytes.contains { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a })
    }

    private static func isUUID(_ text: String) -> Bool {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return groups.map(\.count) == [8, 4, 4, 4, 12]
            && groups.joined().allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
    }

    /// The vendor's word: capitals and `_`.
    private static func word(_ text: String?) -> String {
        guard let text, (1...40).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_") })
        else { return "UNKNOWN" }
        return text
    }

    private static func isInstant(_ text: String) -> Bool {
        (10...40).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || "-:.TZ+".utf8.contains($0) }
    }
}
