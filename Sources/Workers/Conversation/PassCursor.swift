internal import Contracts
internal import Extraction
internal import WorkerKit

/// Where a pass over the pages begins.
struct PassStart: Sendable, Hashable {
    /// The pass, from 1.
    var pass: Int
    /// The pages of it that were read before.
    var page = 0
    /// Whether they brought rows, or versions of rows, that weren't known.
    var hasNews = false
}

/// Where an attempt stands, in whatever pass.
///
/// In a later pass `pages` are all objects that there are, from the first one on: those of the first pass have its pages' numbers,
/// and what later passes added comes after them in the order in which it was asked for.
struct PassCursor: Sendable, Hashable {
    /// The step of the checkpoint in a later pass; in the first one it is `PageCursor.step`.
    static let step = "passes"

    var pages: PageCursor
    var start: PassStart
    var listing: MovingListing
    /// Whether the first pass met rows in several versions.
    var hasConflicts: Bool
}

extension PassCursor {
    /// Reads what an attempt left; nil when it is none of ours.
    init?(_ checkpoint: Checkpoint) {
        let value = checkpoint.cursor
        switch checkpoint.step {
        case PageCursor.step:
            guard let pages = PageCursor(value) else { return nil }
            self.init(pages: pages, start: PassStart(pass: 1), listing: MovingListing(), hasConflicts: false)
        case Self.step:
            guard let pages = value["objects"].flatMap({ PageCursor($0, allowsNone: true) }),
                let pass = value["pass"]?.integer, (2...1000).contains(pass),
                let page = value["page"]?.integer, (1...100_000).contains(page), let hasNews = value["has-news"]?.bool,
                let hasConflicts = value["has-conflicts"]?.bool, let listing = value["listing"].flatMap({ MovingListing($0) })
            else { return nil }
            self.init(
                pages: pages, start: PassStart(pass: Int(pass), page: Int(page), hasNews: hasNews), listing: listing,
                hasConflicts: hasConflicts)
        default: return nil
        }
    }

    /// The cursor of a later pass as checkpoints keep it.
    var value: JSONValue {
        .object([
            "objects": pages.value, "pass": .integer(Int64(start.pass)), "page": .integer(Int64(start.page)),
            "has-news": .bool(start.hasNews), "has-conflicts": .bool(hasConflicts), "listing": listing.value,
        ])
    }
}
