internal import Contracts
internal import Extraction
internal import ObjectStorage

/// What the pages of an interval have brought so far: which conversation is where, and in which version. Pure, but for its end.
struct PageLedger: Sendable {
    struct WrittenObject: Sendable {
        /// When its answer was asked for, in the order of asking.
        var sequence: Int
        var records: Int
        var result: PutResult
        /// Lines that a later version superseded.
        var dropped: Set<UInt32> = []
    }

    var index = RecordIndex()
    var objects: [UInt32: WrittenObject] = [:]
    var pages = 0
    var bytes = 0
    var duplicates = 0
    var unidentified = 0
    var sequence = 0
    var highestObject: UInt32 = 0
    /// Conversations that haven't ended, by identity.
    var open: [RecordIdentity: String] = [:]
    /// Conversations that belong to other intervals.
    var outside: Set<RecordIdentity> = []
    /// How often one of these came again in a pass: a sign that rows move, as one of the interval's own that comes twice is.
    var outsideTwice = 0
    /// How many of these a former attempt had met.
    var outsideBefore = 0
    /// Pages that a former attempt had written.
    var resumed = 0
    /// Whether the first pass met rows in several versions.
    var hasConflicts = false
    private var isFirstPass = true

    /// Conversations that were met, whoever keeps them.
    var seen: Int { index.count + outside.count + outsideBefore }

    /// Each pass meets all conversations of other intervals again.
    mutating func beginLaterPass() {
        isFirstPass = false
        outside = []
        outsideTwice = 0
        outsideBefore = 0
    }

    /// All objects with numbers after this one, whatever wrote them.
    func written(after numberBefore: UInt32) -> WrittenPages {
        var pages = WrittenPages()
        for (number, object) in objects.sorted(by: { $0.key < $1.key }) where number > numberBefore {
            pages.add(object: Int(number - numberBefore), sha256: object.result.sha256)
        }
        return pages
    }

    /// Notes what an answer brought; returns how many conversations came in a new version.
    mutating func merge(_ answer: PageAnswer) -> Int {
        pages += 1
        bytes += answer.bytes
        unidentified += answer.unidentified
        for identity in answer.outside where !outside.insert(identity).inserted { outsideTwice += 1 }
        guard let object = answer.object else { return 0 }
        highestObject = max(highestObject, object.number)
        objects[object.number] = WrittenObject(
            sequence: answer.sequence, records: answer.entries.count, result: object.result)
        var changed = 0
        for (line, entry) in answer.entries.enumerated() {
            let place = RecordIndex.Place(object: object.number, line: UInt32(line))
            guard let present = index.find(entry.identity) else {
                index.keep(entry.identity, content: entry.content, at: place)
                if let id = entry.openID { open[entry.identity] = id }
                continue
            }
            duplicates += 1
            // The version that was asked for last wins; within one answer the later line.
            let isNewer = answer.sequence >= objects[present.place.object]?.sequence ?? 0
            let isSame = present.content == entry.content
            let loser = isNewer && !isSame ? present.place : place
            if isNewer && !isSame {
                index.keep(entry.identity, content: entry.content, at: place)
                open[entry.identity] = entry.openID
            }
            if !isSame { changed += 1 }
            objects[loser.object]?.dropped.insert(loser.line)
        }
        if isFirstPass, changed > 0 { hasConflicts = true }
        return changed
    }

    var figures: [String: Int] {
        [
            "pages": pages, "records": index.count, "vendor-bytes": bytes, "duplicates": duplicates,
            "outside": outside.count + outsideBefore, "open": open.count,
        ]
    }

    /// The conversations that haven't ended, by id, and the number of the object that each is in.
    var openObjects: [String: UInt32] {
        var found: [String: UInt32] = [:]
        for (identity, id) in open { found[id] = index.find(identity)?.place.object }
        return found
    }

    /// Takes the superseded lines out of their objects; what there is then.
    func tidied(
        in store: any ObjectStore, options: PutOptions, key: (UInt32) throws(ObjectStorageError) -> ObjectKey,
        progress: ([String: Int]) -> Void
    ) async throws -> [Manifest.Object] {
        let editor = ObjectEditor(store: store)
        var tidied: [Manifest.Object] = []
        for (number, object) in objects.sorted(by: { $0.key < $1.key }) {
            try Task.checkCancellation()
            let key = try key(number)
            var result = object.result
            var records = object.records
            if !object.dropped.isEmpty {
                guard let edited = try await editor.remove(object.dropped, from: key, options: options) else { continue }
                result = edited.result
                records = edited.records
                progress(figures)
            }
            tidied.append(Manifest.Object(key: key.text, records: records, bytes: result.bytes, sha256: result.sha256))
        }
        return tidied
    }
}
