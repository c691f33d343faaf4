internal import Contracts
internal import Foundation
internal import ObjectStorage

/// Takes a subject's records out of the lists of what was open when it was read: a sweep would bring them back otherwise.
///
/// A list is an object below `_switchboard/<kind>/open/` whose arrays hold records or what names them, or one below
/// `_switchboard/<kind>/learned/` with a record in each line.
struct PrivacyOpenLists: Sendable {
    private let store: any ObjectStore

    /// The largest list that is read, bytes.
    private static let maximumBytes = 32 << 20

    init(store: any ObjectStore) { self.store = store }

    /// Cleans all lists.
    ///
    /// - Parameters:
    ///   - ids: conversations that go, or went.
    ///   - matcher: what else is the subject's.
    /// - Returns: how many entries went.
    @discardableResult
    func clean(_ ids: Set<String>, _ matcher: PrivacyMatcher) async throws -> Int {
        var removed = 0
        for try await info in store.list(prefix: "\(StateLayout.root)/") where info.size <= Self.maximumBytes {
            guard let folder = Self.folder(info.key) else { continue }
            let bytes = try await store.read(info.key, upTo: Self.maximumBytes)
            let (new, count) = folder == "open" ? Self.entries(bytes, ids, matcher) : Self.lines(bytes, ids, matcher)
            guard count > 0 else { continue }
            removed += count
            if let new {
                try await store.put(info.key, bytes: new, options: PutOptions(contentType: "application/json"))
            } else {
                try await store.delete(info.key)
            }
        }
        return removed
    }

    /// A list without the subject's entries, nil when none are left, and how many went.
    private static func entries(_ bytes: [UInt8], _ ids: Set<String>, _ matcher: PrivacyMatcher) -> ([UInt8]?, Int) {
        guard case .object(var list)? = try? JSONValue.decode(bytes, upTo: maximumBytes) else { return (bytes, 0) }
        var removed = 0
        var left = 0
        for (name, value) in list {
            guard case .array(let entries) = value else { continue }
            let kept = entries.filter { !concerns($0, ids, matcher) }
            removed += entries.count - kept.count
            left += kept.count
            list[name] = .array(kept)
        }
        return (left == 0 ? nil : JSONValue.object(list).encoded() ?? bytes, removed)
    }

    /// Lines without the subject's, nil when none are left, and how many went.
    private static func lines(_ bytes: [UInt8], _ ids: Set<String>, _ matcher: PrivacyMatcher) -> ([UInt8]?, Int) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let kept = lines.filter { line in
            line.withUnsafeBytes { line in
                !matcher.concerns(line) && !(PrivacyMatcher.conversation(of: line).map { ids.contains($0) } ?? false)
            }
        }
        return (kept.isEmpty ? nil : kept.flatMap { $0 + [UInt8(ascii: "\n")] }, lines.count - kept.count)
    }

    private static func folder(_ key: ObjectKey) -> Substring? {
        guard key.segments.count > 3, ["open", "learned"].contains(key.segments[2]) else { return nil }
        return key.segments[2]
    }

    private static func concerns(_ entry: JSONValue, _ ids: Set<String>, _ matcher: PrivacyMatcher) -> Bool {
        if let id = entry.string ?? entry["id"]?.string, ids.contains(id) { return true }
        return entry.encoded().map { bytes in bytes.withUnsafeBytes { matcher.concerns($0) } } ?? false
    }
}
