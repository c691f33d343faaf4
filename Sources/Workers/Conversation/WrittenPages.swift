internal import Contracts
internal import Crypto
internal import Extraction
internal import Foundation

/// The full pages that are in the lake from the first one on without a gap, each as the object with its number. Pure.
struct WrittenPages: Sendable {
    /// What a page has in place of a digest of which nothing was kept.
    static let nothing = "-"

    /// How many there are.
    private(set) var count = 0
    /// The size of their answers, bytes.
    private(set) var bytes = 0
    /// The vendor's latest total.
    private(set) var total: Int?
    private var hash = SHA256()
    private var ahead: [Int: (sha256: String, bytes: Int)] = [:]

    /// Adds a full page that was written; one that came before its turn waits. False when the row didn't grow.
    ///
    /// A page with room left is no part of the row: by the time of the next attempt it may have more.
    mutating func add(_ page: Int, sha256: String, bytes: Int, total: Int?) -> Bool {
        self.total = total ?? self.total
        ahead[page] = (sha256, bytes)
        let before = count
        while let next = ahead.removeValue(forKey: count + 1) {
            count += 1
            self.bytes += next.bytes
            hash.update(data: Array("\(count) \(next.sha256)\n".utf8))
        }
        return count > before
    }

    /// Adds the object with this number and, as pages of which nothing was kept, those before it that aren't there.
    mutating func add(object number: Int, sha256: String) {
        while count + 1 < number { _ = add(count + 1, sha256: Self.nothing, bytes: 0, total: nil) }
        _ = add(number, sha256: sha256, bytes: 0, total: nil)
    }

    /// Takes over what only the cursor knows of pages that were read back.
    mutating func restore(_ cursor: PageCursor) {
        bytes = cursor.bytes
        total = cursor.total
    }

    /// A digest over all their contents.
    var digest: String { hash.finalize().text }

    /// Where the next attempt can go on.
    func cursor(query: String, at: Date) -> PageCursor {
        PageCursor(
            pages: count, digest: digest, bytes: bytes, total: total, query: query,
            at: Int64(at.timeIntervalSince1970))
    }
}

/// Where an attempt stands in the first pass over the pages.
struct PageCursor: Sendable, Hashable {
    /// The step of the checkpoint.
    static let step = "pages"
    /// Pages that were read longer ago are read again: they would be a picture of another time than those that follow.
    static let lifetime: TimeInterval = 3600

    /// The pages from the first on that are in the lake.
    var pages: Int
    /// A digest over their contents: an object that was changed since is found out.
    var digest: String
    /// The size of their answers, bytes.
    var bytes: Int
    /// The vendor's total.
    var total: Int?
    /// Conversations on them that belong to other intervals.
    var outside = 0
    /// A digest of what is asked for.
    var query: String
    /// When it was noted, seconds since 1970.
    var at: Int64

    init(pages: Int, digest: String, bytes: Int, total: Int?, query: String, at: Int64) {
        self.pages = pages
        self.digest = digest
        self.bytes = bytes
        self.total = total
        self.query = query
        self.at = at
    }

    /// Reads a cursor; nil when it is none.
    ///
    /// - Parameter allowsNone: whether there may be no page yet.
    init?(_ value: JSONValue, allowsNone: Bool = false) {
        guard let pages = value["pages"]?.integer, ((allowsNone ? 0 : 1)...100_000).contains(pages),
            let digest = value["digest"]?.string,
            let query = value["query"]?.string, let bytes = value["bytes"]?.integer, (0...(1 << 50)).contains(bytes),
            let at = value["at"]?.integer
        else { return nil }
        let total = value["total"]?.integer.flatMap { (0...(1 << 40)).contains($0) ? Int($0) : nil }
        self.init(pages: Int(pages), digest: digest, bytes: Int(bytes), total: total, query: query, at: at)
        outside = value["outside"]?.integer.flatMap { (0...(1 << 40)).contains($0) ? Int($0) : nil } ?? 0
    }

    /// The cursor as checkpoints keep it.
    var value: JSONValue {
        .object([
            "pages": .integer(Int64(pages)), "digest": .string(digest), "bytes": .integer(Int64(bytes)),
            "total": total.map { .integer(Int64($0)) } ?? .null, "outside": .integer(Int64(outside)), "query": .string(query),
            "at": .integer(at),
        ])
    }

    /// Whether an attempt that asks for this can go on from here now.
    func isUsable(query: String, now: Date) -> Bool {
        let age = now.timeIntervalSince1970 - Double(at)
        return self.query == query && age < Self.lifetime && age > -Self.lifetime
    }
}
