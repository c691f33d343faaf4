import Foundation
import Synchronization

/// The privacy requests of the simulated organisation: listed by the API, added and executed over the control host.
final class PrivacyRequestBook: Sendable {
    /// One request.
    struct Entry: Sendable {
        var id: String
        var type: String
        var status: String
        var created: String
        /// JSON as it is answered.
        var subject: String
        var terms: String
        /// What an execution deletes or changes.
        var conversations: [ConversationID]
    }

    static let path = "/api/v2/gdpr/requests"
    private static let types = ["GDPR_DELETE", "GDPR_UPDATE", "GDPR_EXPORT"]
    private static let statuses = ["INITIATED", "SEARCHING", "UPDATING", "DELETING", "COMPLETED", "ERROR", "FINALIZING"]

    private let seed: UInt64
    private let entries = Mutex<[Entry]>([])

    init(seed: UInt64) { self.seed = seed }

    // MARK: The API

    /// A page of the listing, with the vendor's envelope.
    func page(query: String) throws(QueryRejection) -> Answer {
        let parameters = FormBody.parse(query)
        let size = min(try Self.number("pageSize", parameters) ?? 25, 100)
        let page = try Self.number("pageNumber", parameters) ?? 1
        let all = entries.withLock { $0 }
        let (start, overflow) = (page - 1).multipliedReportingOverflow(by: size)
        let shown = overflow || start >= all.count ? [] : Array(all[start..<min(start + size, all.count)])
        let pages = (all.count + size - 1) / size
        func uri(_ number: Int) -> String { "\"\(Self.path)?pageSize=\(size)&pageNumber=\(number)\"" }
        var text = #"{"entities":[\#(shown.map(Self.json).joined(separator: ","))],"pageSize":\#(size),"pageNumber":\#(page)"#
        text +=
            #","total":\#(all.count),"pageCount":\#(pages),"firstUri":\#(uri(1)),"selfUri":\#(uri(page)),"lastUri":\#(uri(max(pages, 1)))"#
        if page < pages { text += #","nextUri":\#(uri(page + 1))"# }
        if page > 1 { text += #","previousUri":\#(uri(page - 1))"# }
        return Answer(json: text + "}")
    }

    /// One request; nil when there is none with this id.
    func single(_ id: String) -> Answer? {
        entries.withLock { entries in entries.first { $0.id == id } }.map { Answer(json: Self.json($0)) }
    }

    private static func number(_ name: String, _ parameters: [String: String]) throws(QueryRejection) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let value = Int(text), value > 0 else { throw QueryRejection("\(name) must be a positive number.", field: name) }
        return value
    }

    private static func json(_ entry: Entry) -> String {
        #"{"id":"\#(entry.id)","createdDate":"\#(entry.created)","requestType":"\#(entry.type)","status":"\#(entry.status)""#
            + #","subject":\#(entry.subject),"replacementTerms":\#(entry.terms),"selfUri":"\#(path)/\#(entry.id)"}"#
    }

    // MARK: The control host

    /// Adds a request as the control host is told: `requestType`, `conversations`, and, unless it is derived from the first of
    /// these, the `subject`; `replacementTerms` for an update.
    ///
    /// - Returns: its id.
    func add(_ body: [UInt8], in store: ConversationStore) throws -> String {
        guard let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] else {
            throw ControlError(status: 400, reason: "the body must be a JSON object")
        }
        let type = object["requestType"] as? String ?? "GDPR_DELETE"
        guard Self.types.contains(type) else {
            throw ControlError(status: 400, reason: "requestType must be one of \(Self.types.joined(separator: ", "))")
        }
        let status = object["status"] as? String ?? "INITIATED"
        guard Self.statuses.contains(status) else {
            throw ControlError(status: 400, reason: "status must be one of \(Self.statuses.joined(separator: ", "))")
        }
        let conversations = (object["conversations"] as? [String] ?? []).compactMap { ConversationID($0) }
        let subject =
            try object["subject"].map(Self.text) ?? conversations.first.flatMap { Self.subject(of: $0, in: store) } ?? "{}"
        let terms = try object["replacementTerms"].map(Self.text) ?? "[]"
        let now = "\(store.clock.now)"
        return entries.withLock { entries in
            var identifier = RecordBytes(capacity: 36)
            identifier.append(identifier: Mixing.combine(seed, 77 << 32 | UInt64(entries.count)))
            entries.append(
                Entry(
                    id: identifier.string, type: type, status: status, created: now, subject: subject, terms: terms,
                    conversations: conversations))
            return identifier.string
        }
    }

    /// Carries a request out: a delete removes its conversations from the vendor, an update changes their records.
    ///
    /// - Returns: how many conversations there were; nil when there is no such request.
    func execute(_ id: String, in store: ConversationStore) -> Int? {
        let entry = entries.withLock { entries -> Entry? in
            guard let index = entries.firstIndex(where: { $0.id == id }) else { return nil }
            entries[index].status = "COMPLETED"
            return entries[index]
        }
        guard let entry else { return nil }
        switch entry.type {
        case "GDPR_DELETE": return entry.conversations.count { store.delete($0) }
        case "GDPR_UPDATE": return entry.conversations.count { store.revise($0) }
        default: return 0
        }
    }

    private static func text(_ value: Any) throws -> String {
        guard JSONSerialization.isValidJSONObject(value) else {
            throw ControlError(status: 400, reason: "subject and replacementTerms must be JSON")
        }
        return String(
            decoding: try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes]),
            as: UTF8.self)
    }

    /// The customer of a conversation, by the contact that the vendor knows or by number.
    private static func subject(of id: ConversationID, in store: ConversationStore) -> String? {
        guard let version = store.conversation(id) else { return nil }
        var bytes = RecordBytes(capacity: 8_192)
        store.append(version, to: &bytes)
        let record = try? JSONSerialization.jsonObject(with: Data(bytes.array)) as? [String: Any]
        let participants = record?["participants"] as? [[String: Any]] ?? []
        let customer = participants.first { $0["externalContactId"] != nil || $0["purpose"] as? String == "customer" }
        guard let customer else { return nil }
        var subject: [String: Any] = [:]
        if let name = customer["participantName"] as? String { subject["name"] = name }
        if let contact = customer["externalContactId"] as? String {
            subject["externalContactId"] = contact
        } else if let ani = (customer["sessions"] as? [[String: Any]])?.first?["ani"] as? String {
            subject["phoneNumbers"] = [ani.hasPrefix("tel:") ? String(ani.dropFirst(4)) : ani]
        }
        return try? text(subject)
    }
}
