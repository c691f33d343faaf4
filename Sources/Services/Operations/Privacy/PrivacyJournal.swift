internal import Contracts
internal import Foundation
internal import ObjectStorage

/// What a rewriting of one manifest's objects is about, noted before it begins and until all of it is done.
struct PrivacyJournal: Sendable, Hashable, Codable {
    var version = 1
    /// The manifest's key.
    let manifest: String
    /// The new manifest's revision.
    let revision: Int
    /// Objects whose places the new ones take.
    let obsolete: [String]
    /// The new objects.
    let created: [String]
    /// The SHA-256 of the new manifest: set when all is written and it is about to be published.
    var published: String?
    /// What the lake is to remember of it.
    var note: PrivacyNote

    /// Its key: one for each manifest.
    var key: String { StateLayout.privacyPending + "\(PrivacyDigest.text(Array(manifest.utf8)).prefix(32)).json" }

    /// The largest journal that is read.
    static let maximumBytes = 16 << 20

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    /// Reads a journal; nil when it is none of this version.
    static func decode(_ bytes: [UInt8]) -> PrivacyJournal? {
        guard let journal = try? JSONDecoder().decode(PrivacyJournal.self, from: Data(bytes)), journal.version == 1 else {
            return nil
        }
        return journal
    }
}

/// What was done for a request, without anybody's data: who, when, what for, how much.
public struct PrivacyNote: Sendable, Hashable, Codable {
    /// The largest note that is read.
    static let maximumBytes = 1 << 20

    var version = 1
    /// The request; nil for conversations that an operator named.
    public let request: String?
    /// The conversations that an operator named.
    public let conversations: [String]
    /// `delete` or `update`.
    public let action: String
    /// Who did it, `user@host`.
    public let by: String
    /// When it began.
    public let at: String
    /// The manifest; nil for the note about the whole run.
    public var manifest: String?
    /// The manifest's new revision.
    public var revision: Int?
    /// Objects that were written anew or went.
    public var objects = 0
    /// Records that went or changed.
    public var records = 0

    /// The folder of what was done for the same.
    var folder: String { StateLayout.privacyApplied + (request ?? "conversations") + "/" }
}
