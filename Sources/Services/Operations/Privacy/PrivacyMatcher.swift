internal import Contracts
internal import Foundation
internal import Records

/// Finds a subject's records and makes what is to become of them; pure, over a record's bytes.
///
/// 1. A record is concerned when one of its texts is one of the subject's: an id or an address as a whole, a number in any of
///    its forms. Parts of texts and names of fields aren't looked at; neither are people's names, which others bear too.
/// 2. What an update doesn't replace stays as it is, byte for byte.
struct PrivacyMatcher: Sendable {
    /// What becomes of a record.
    enum Verdict: Sendable, Equatable {
        /// It isn't the subject's.
        case keep
        /// It goes.
        case remove
        /// This takes its place.
        case replace([UInt8])
    }

    /// Texts to look for, and a look at the length that spares most comparisons.
    private struct Texts: Sendable {
        private let texts: Set<[UInt8]>
        private let lengths: Set<Int>

        init(_ texts: some Sequence<[UInt8]>) {
            self.texts = Set(texts)
            lengths = Set(self.texts.map(\.count))
        }

        var isEmpty: Bool { texts.isEmpty }

        func contain(_ bytes: UnsafeRawBufferPointer) -> Bool { lengths.contains(bytes.count) && texts.contains(Array(bytes)) }

        func containLowercased(_ bytes: UnsafeRawBufferPointer) -> Bool {
            lengths.contains(bytes.count) && texts.contains(bytes.map(PrivacyText.lowercased))
        }
    }

    private let subject: PrivacySubject
    private let exact: Texts
    private let addresses: Texts
    private let phones: Set<String>
    private let replacements: [(replacement: PrivacySubject.Replacement, key: [UInt8])]

    init(_ subject: PrivacySubject) {
        self.subject = subject
        var exact = subject.ids.map { Array($0.utf8) }
        var addresses = subject.addresses.map { $0.utf8.map(PrivacyText.lowercased) }
        var phones = subject.phones
        var replacements: [(PrivacySubject.Replacement, [UInt8])] = []
        // A term that an update replaces finds records too, unless it is a name.
        for replacement in subject.replacements {
            var key = Array(replacement.old.utf8)
            switch replacement.kind {
            case .name: break
            case .other: exact.append(key)
            case .phone:
                guard let number = PrivacyText.phone(key) else { continue }
                phones.insert(number)
                key = Array(number.utf8)
            case .address:
                key = key.map(PrivacyText.lowercased)
                addresses.append(key)
            }
            replacements.append((replacement, key))
        }
        self.exact = Texts(exact)
        self.addresses = Texts(addresses)
        self.phones = phones
        self.replacements = replacements
    }

    // MARK: Records

    /// What becomes of a record.
    func verdict(_ record: UnsafeRawBufferPointer) -> Verdict {
        switch subject.action {
        case .export: return .keep
        case .delete: return concerns(record) ? .remove : .keep
        case .update:
            guard concerns(record), let new = replaced(record) else { return .keep }
            return .replace(new)
        }
    }

    /// Whether a record is the subject's.
    func concerns(_ record: UnsafeRawBufferPointer) -> Bool {
        if !subject.conversations.isEmpty, let id = Self.conversation(of: record), subject.conversations.contains(id) {
            return true
        }
        guard !exact.isEmpty || !addresses.isEmpty || !phones.isEmpty else { return false }
        var isFound = false
        RecordTexts.forEach(in: record) { text in
            isFound = isSubjects(text)
            return !isFound
        }
        return isFound
    }

    /// The conversation that a record is, or belongs to.
    static func conversation(of record: UnsafeRawBufferPointer) -> String? {
        let record = RawRecord(bytes: record)
        if let id = record.string(of: "conversationId") { return id }
        return record.rawValue(of: "conversation").flatMap { RawRecord(bytes: $0).string(of: "id") }
    }

    private func isSubjects(_ text: RecordTexts.Text) -> Bool {
        guard text.hasEscapes else { return isSubjects(text.raw) }
        return text.decoded.map { bytes in bytes.withUnsafeBytes { isSubjects($0) } } ?? false
    }

    private func isSubjects(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if exact.contain(bytes) || addresses.containLowercased(bytes) { return true }
        guard !phones.isEmpty, Self.mayBePhone(bytes), let number = PrivacyText.phone(bytes) else { return false }
        return phones.contains(number)
    }

    private static func mayBePhone(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first, bytes.count <= 256 else { return false }
        switch first {
        case UInt8(ascii: "+"), UInt8(ascii: "("), UInt8(ascii: "0")...UInt8(ascii: "9"): return true
        default: return first | 0x20 == UInt8(ascii: "t") || first | 0x20 == UInt8(ascii: "s")
        }
    }

    // MARK: Replacing

    /// The record with its terms replaced; nil when there are none in it.
    private func replaced(_ record: UnsafeRawBufferPointer) -> [UInt8]? {
        var new: [UInt8] = []
        var copied = 0
        RecordTexts.forEach(in: record) { text in
            guard let bytes = text.decoded, let value = replacement(of: bytes) else { return true }
            new.append(contentsOf: record[copied..<text.offset])
            // As JSON writes it, without the quotes, which stay.
            new.append(contentsOf: (JSONValue.string(value).encoded() ?? []).dropFirst().dropLast())
            copied = text.offset + text.raw.count
            return true
        }
        guard copied > 0 else { return nil }
        new.append(contentsOf: record[copied...])
        return new
    }

    private func replacement(of bytes: [UInt8]) -> String? {
        for (replacement, key) in replacements {
            switch replacement.kind {
            case .name, .other: if bytes == key { return replacement.new }
            case .address: if bytes.map(PrivacyText.lowercased) == key { return replacement.new }
            case .phone:
                if let number = PrivacyText.phone(bytes), Array(number.utf8) == key {
                    return Self.phone(replacement.new, like: String(decoding: bytes, as: UTF8.self))
                }
            }
        }
        return nil
    }

    /// A number in the form that another one had: its scheme, and what follows it.
    private static func phone(_ number: String, like text: String) -> String {
        guard let colon = text.firstIndex(of: ":") else { return number }
        let rest = text[colon...].firstIndex { $0 == ";" || $0 == "@" }.map { text[$0...] } ?? ""
        let bare = number.firstIndex(of: ":").map { number[number.index(after: $0)...] } ?? number[...]
        return "\(text[...colon])\(bare)\(rest)"
    }

    // MARK: Showing

    /// An id by which a record may be shown; nil when it has none that is opaque.
    static func shown(_ record: UnsafeRawBufferPointer) -> String? {
        let raw = RawRecord(bytes: record)
        for name in ["conversationId", "id", "userId"] {
            if let id = raw.string(of: name), PrivacyText.isIdentifier(id), id.contains("-"), id.utf8.count >= 16 { return id }
        }
        return nil
    }
}
