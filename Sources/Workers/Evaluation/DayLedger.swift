internal import Contracts
internal import Extraction
internal import ObjectStorage
internal import Records

/// The evaluations of a day on their way into objects: every version once, the last that came of it.
struct DayLedger: Sendable {
    private let store: any ObjectStore
    private let names: ObjectNames
    private let recordsPerObject: Int
    private var objects: RecordObjects
    private let firstNumber: UInt32
    private var index = RecordIndex()
    private var dropped: Set<RecordIndex.Place> = []

    /// The ids of what was taken in.
    private(set) var ids: Set<String> = []
    /// The forms that it refers to.
    private(set) var forms: Set<String> = []
    /// Who evaluated.
    private(set) var evaluators: Set<String> = []
    private(set) var duplicates = 0
    /// Versions that came again with another content.
    private(set) var amended = 0
    private(set) var redacted = 0
    private(set) var unidentified = 0

    /// An object ends at so many bytes: what is there already is held in memory an object at a time.
    private static let bytesPerObject = 16 << 20

    init(store: any ObjectStore, names: ObjectNames, firstNumber: UInt32, recordsPerObject: Int) {
        self.store = store
        self.names = names
        self.firstNumber = firstNumber
        self.recordsPerObject = recordsPerObject
        objects = RecordObjects(
            store: store, names: names, firstNumber: firstNumber, recordsPerObject: recordsPerObject,
            bytesPerObject: Self.bytesPerObject)
    }

    /// Versions taken in.
    var count: Int { index.count }

    /// Takes in an evaluation. Of the same version the one that comes last counts.
    mutating func take(_ bytes: [UInt8], _ record: EvaluationRecord) async throws(ObjectStorageError) {
        if let present = index.find(record.identity) {
            duplicates += 1
            guard present.content != record.content else { return }
            amended += 1
            dropped.insert(present.place)
        } else {
            if record.isRedacted { redacted += 1 }
            if record.id == nil { unidentified += 1 }
        }
        index.keep(record.identity, content: record.content, at: objects.next)
        if let id = record.id { ids.insert(id) }
        if let form = record.form { forms.insert(form) }
        if let evaluator = record.evaluator { evaluators.insert(evaluator) }
        try await objects.append(bytes)
    }

    /// What the lake had of the day and what became of it.
    struct Merge: Sendable {
        /// Versions that the vendor no longer returns, or that weren't read again.
        var kept = 0
        /// Versions that came again as they were.
        var unchanged = 0
        /// Versions that came again with another content.
        var amended = 0
    }

    /// Takes in what is in the lake and wasn't taken in from the vendor: versions that it no longer returns stay.
    mutating func merge(_ manifest: Manifest, dates: [String]) async throws -> Merge {
        var merge = Merge()
        let reader = ManifestRecords(store: store)
        for object in manifest.objects {
            // An object is verified when it was read to its end; only then do its lines count.
            var stay: [[UInt8]] = []
            try await reader.read(object) { line in
                let record = EvaluationRecord(RawRecord(bytes: line), dates: dates)
                if let present = index.find(record.identity) {
                    if present.content == record.content { merge.unchanged += 1 } else { merge.amended += 1 }
                } else {
                    stay.append(Array(line))
                }
            }
            for line in stay {
                let record = line.withUnsafeBytes { EvaluationRecord(RawRecord(bytes: $0), dates: dates) }
                guard index.find(record.identity) == nil else { continue }
                index.keep(record.identity, content: record.content, at: objects.next)
                if record.isRedacted { redacted += 1 }
                merge.kept += 1
                try await objects.append(line)
            }
        }
        return merge
    }

    /// Ends the last object; without the lines that were superseded meanwhile.
    mutating func finish() async throws -> [Manifest.Object] {
        let written = try await objects.finish()
        guard !dropped.isEmpty else { return written }
        let reader = ManifestRecords(store: store)
        let next = firstNumber + UInt32(written.count)
        objects = RecordObjects(
            store: store, names: names, firstNumber: next, recordsPerObject: recordsPerObject,
            bytesPerObject: Self.bytesPerObject)
        for (position, object) in written.enumerated() {
            var lines: [[UInt8]] = []
            var line: UInt32 = 0
            try await reader.read(object) { bytes in
                let place = RecordIndex.Place(object: firstNumber + UInt32(position), line: line)
                line += 1
                if !dropped.contains(place) { lines.append(Array(bytes)) }
            }
            for line in lines { try await objects.append(line) }
        }
        return try await objects.finish()
    }

    /// Leaves no half object behind.
    mutating func abandon() async { await objects.abandon() }
}
