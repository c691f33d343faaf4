public import Contracts
internal import Foundation

/// Whom a privacy request is about and what is to be done, from the request's record in the lake.
///
/// It holds what must never be shown: numbers, addresses and names stay inside; what may be seen are ids, type and status.
public struct PrivacySubject: Sendable {
    /// What is to be done with the records.
    public enum Action: String, Sendable, Encodable {
        /// They go.
        case delete
        /// Terms in them are replaced.
        case update
        /// Nothing: somebody wants to see them.
        case export
    }

    /// One term that an update replaces.
    struct Replacement: Sendable, Hashable {
        let kind: Kind
        let old: String
        let new: String

        enum Kind: Sendable, Hashable {
            case name
            case phone
            case address
            case other
        }
    }

    /// The request's id; nil for conversations that an operator names.
    public let request: String?
    /// What is to be done.
    public let action: Action
    /// The vendor's word for how far the request is.
    public let status: String?
    /// Texts that are the subject's alone, compared as they are: ids.
    let ids: Set<String>
    /// Telephone numbers, in any of their forms.
    let phones: Set<String>
    /// Addresses for mail and others, compared without regard to case.
    let addresses: Set<String>
    /// What an update replaces.
    let replacements: [Replacement]
    /// Conversations that go by their own ids alone.
    let conversations: Set<String>

    /// Whether records can be found by it.
    public var findsRecords: Bool {
        !ids.isEmpty || !phones.isEmpty || !addresses.isEmpty || !conversations.isEmpty
            || replacements.contains { $0.kind != .name }
    }

    /// Conversations, and what else belongs to them, by their ids.
    ///
    /// - Throws: a ``UsageProblem`` when an id can be none.
    public init(conversations: [String]) throws(UsageProblem) {
        for id in conversations where !PrivacyText.isIdentifier(id) {
            throw UsageProblem("--conversation", given: id, allowed: "a conversation's id: letters, digits and -")
        }
        request = nil
        action = .delete
        status = nil
        ids = []
        phones = []
        addresses = []
        replacements = []
        self.conversations = Set(conversations)
    }

    /// A request as the vendor lists it; nil when it is no record of a request, or of a type that nobody knows.
    public init?(_ record: JSONValue) {
        guard let id = record["id"]?.string, PrivacyText.isIdentifier(id) else { return nil }
        switch record["requestType"]?.string {
        case "GDPR_DELETE": action = .delete
        case "GDPR_UPDATE": action = .update
        case "GDPR_EXPORT": action = .export
        default: return nil
        }
        request = id
        status = record["status"]?.string.flatMap { PrivacyText.isIdentifier($0) ? $0 : nil }
        let subject = record["subject"] ?? .null
        ids = Set(
            [
                subject["userId"], subject["externalContactId"], subject["externalId"], subject["dialerContactId"]?["id"],
                subject["journeyCustomer"]?["id"], subject["socialHandle"]?["value"],
            ].compactMap { $0?.string }.filter { $0.utf8.count >= 4 })
        phones = Set(Self.texts(subject["phoneNumbers"]).compactMap { PrivacyText.phone(Array($0.utf8)) })
        addresses = Set(Self.texts(subject["emailAddresses"]) + Self.texts(subject["addresses"]))
        var replacements: [Replacement] = []
        if case .array(let terms)? = record["replacementTerms"] {
            for term in terms {
                guard let old = term["existingValue"]?.string, let new = term["updatedValue"]?.string, !old.isEmpty, old != new
                else { continue }
                let kind: Replacement.Kind =
                    switch term["type"]?.string {
                    case "NAME": .name
                    case "PHONE": .phone
                    case "EMAIL", "ADDRESS": .address
                    default: .other
                    }
                replacements.append(Replacement(kind: kind, old: old, new: new))
            }
        }
        self.replacements = replacements
        conversations = []
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        guard case .array(let elements)? = value else { return value?.string.map { [$0] } ?? [] }
        return elements.compactMap { $0.string ?? $0["value"]?.string }.filter { $0.utf8.count >= 4 }
    }
}

/// Texts of privacy requests.
enum PrivacyText {
    /// Whether a text can be an id that may be shown and stand in keys.
    static func isIdentifier(_ text: String) -> Bool { Job.isIdentifier(text) && text.utf8.count <= 64 }

    /// A byte in lower case, as far as ASCII goes.
    static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    /// What two spellings of a telephone number have in common: its digits. Nil when the text is no number.
    ///
    /// `tel:+63 917 000-0001;ext=2`, `sip:+639170000001@edge.example`, `00639170000001` and `639170000001` are all
    /// `639170000001`. Of fewer than nine digits, as extensions have, a leading `+` counts.
    static func phone(_ text: some Collection<UInt8>) -> String? {
        guard (4...256).contains(text.count) else { return nil }
        var rest = text.drop { _ in false }
        var isURI = false
        for scheme in ["tel:", "sip:", "sips:"] where rest.count > scheme.utf8.count {
            if zip(rest, scheme.utf8).allSatisfy({ $0 == $1 || ($0 | 0x20) == $1 }) {
                rest = rest.dropFirst(scheme.utf8.count)
                isURI = true
                break
            }
        }
        var number: [UInt8] = []
        for byte in rest {
            switch byte {
            case UInt8(ascii: "+") where number.isEmpty: number.append(byte)
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number.append(byte)
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"): continue
            case UInt8(ascii: ";") where isURI, UInt8(ascii: "@") where isURI:
                return common(number)
            default: return nil
            }
        }
        return common(number)
    }

    private static func common(_ number: [UInt8]) -> String? {
        guard number.count >= 4 else { return nil }
        var digits = number[...]
        if digits.first == UInt8(ascii: "+") {
            digits = digits.dropFirst()
        } else if digits.starts(with: "00".utf8) {
            digits = digits.dropFirst(2)
        }
        return String(decoding: digits.count >= 9 ? digits : number[...], as: UTF8.self)
    }
}
