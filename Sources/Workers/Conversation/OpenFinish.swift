internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// `task: finish`: gives the conversations of a day that had been open, and have ended since, their last state.
///
/// The objects that hold them are written anew under new numbers; the new manifest names them in place of the old ones, which go
/// after it. A reader that follows manifests sees the old day or the new one.
struct OpenFinish: Sendable {
    let work: DayWork

    func run() async throws -> Outcome {
        guard let found = try await work.output.find() else {
            // Of a day of which something is missing, everything is to be had.
            if let parts = try await work.completeParts() { return .children(parts) }
            switch work.request.method {
            case .query: return try await QueryExtract(work: work).run()
            case .job: return try await DetailsJobExtract(work: work).run()
            }
        }
        if found.isCurrent, let manifest = try await work.output.present() { return await work.alreadyDone(manifest) }
        return .done(try await finish(found.manifest))
    }

    private func finish(_ former: Manifest) async throws -> JobResult {
        let key = try ObjectKey(work.place(of: work.job.id).key)
        let entries = try await OpenList.read(key, from: work.store)?.open ?? []
        var editor = DayEditor(work: work, manifest: former)
        var open: [String: UInt32] = [:]
        var figures = ["ended": 0, "still-open": 0, "gone": 0]
        var rest = entries[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            // The records of a call are in memory until they are written.
            let group = rest.prefix(work.configuration.idsPerCall)
            rest = rest.dropFirst(group.count)
            var ended: [RecordIdentity: [UInt8]] = [:]
            var objects: Set<UInt32> = []
            let latest = try await LatestConversations(
                client: work.client, limits: work.limits, idsPerCall: work.configuration.idsPerCall
            ).ask(group.map(\.id), keepsRecords: true)
            for entry in group {
                switch latest[entry.id] {
                case .ended(let line):
                    ended[RecordIdentity(entry.id)] = line
                    objects.insert(entry.object)
                case .open, nil: open[entry.id] = entry.object
                case .gone:
                    // There will be no end, and what there is stays.
                    figures["gone", default: 0] += 1
                }
            }
            figures["ended", default: 0] += ended.count
            try await editor.replace(ended, lookingFirstIn: objects)
            work.context.progressed(figures)
        }
        figures["still-open"] = open.count
        let objects = editor.objects
        figures["records"] = objects.reduce(0) { $0 + $1.records }
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["objects"] = objects.count
        figures["changed"] = editor.changed
        return try await work.publish(
            objects, after: former, open: open.mapValues { editor.currentNumber(of: $0) }, figures: figures)
    }
}

/// A day's objects while records in them are replaced.
struct DayEditor {
    private struct Place {
        var object: Manifest.Object
        /// The number of the object as lists know it.
        var number: UInt32
    }

    private let work: DayWork
    private var places: [Place]
    private var next: UInt32
    /// From an object's first number to its present one.
    private var moved: [UInt32: UInt32] = [:]
    /// Records that were replaced by other bytes.
    private(set) var changed = 0

    init(work: DayWork, manifest: Manifest) {
        self.work = work
        // Two copies of one run that meet, as after two sweeps in a row, write different objects too: whichever publishes first,
        // its objects are as its manifest says.
        next = work.output.firstFreeNumber(after: manifest) + UInt32.random(in: 0..<500) * 100
        let prefix = work.names.prefix.count
        places = manifest.objects.map { Place(object: $0, number: UInt32($0.key.dropFirst(prefix).dropLast(5)) ?? 0) }
    }

    /// The objects as they are now.
    var objects: [Manifest.Object] { places.map(\.object) }

    /// The number that an object has now.
    func currentNumber(of number: UInt32) -> UInt32 {
        var number = number
        while let newer = moved[number] { number = newer }
        return number
    }

    /// Replaces records by these lines; they are looked for in all objects until all are found.
    mutating func replace(_ lines: [RecordIdentity: [UInt8]], lookingFirstIn hints: Set<UInt32>) async throws {
        guard !lines.isEmpty else { return }
        let hinted = Set(hints.map { currentNumber(of: $0) })
        var missing = Set(lines.keys)
        let order =
            places.indices.filter { hinted.contains(places[$0].number) }
            + places.indices.filter { !hinted.contains(places[$0].number) }
        for index in order {
            guard !missing.isEmpty else { return }
            try Task.checkCancellation()
            let found = try await identities(in: places[index].object, among: missing)
            work.context.progressed([:])
            guard !found.isEmpty else { continue }
            missing.subtract(found)
            try await rewrite(index, lines.filter { found.contains($0.key) })
        }
    }

    private func identities(in object: Manifest.Object, among wanted: Set<RecordIdentity>) async throws -> Set<RecordIdentity> {
        var found: Set<RecordIdentity> = []
        try await ManifestRecords(store: work.store).read(object) { line in
            guard let id = ConversationRecord.id(of: RawRecord(bytes: line)) else { return }
            let identity = RecordIdentity(id)
            if wanted.contains(identity) { found.insert(identity) }
        }
        return found
    }

    private mutating func rewrite(_ index: Int, _ lines: [RecordIdentity: [UInt8]]) async throws {
        var copy = RecordObjects(
            store: work.store, names: work.names, firstNumber: next, recordsPerObject: .max, bytesPerObject: .max)
        var replaced = 0
        do {
            try await ManifestRecords(store: work.store).read(places[index].object) { line in
                let identity = ConversationRecord.id(of: RawRecord(bytes: line)).map { RecordIdentity($0) }
                guard let newest = identity.flatMap({ lines[$0] }) else { return copy.add(line) }
                let newer = ConversationRecord.withAttributes(of: line, in: newest)
                if !newer.elementsEqual(line) { replaced += 1 }
                newer.withUnsafeBytes { copy.add($0) }
            } pause: {
                if copy.wantsFlush { try await copy.flush() }
            }
        } catch {
            await copy.abandon()
            throw error
        }
        guard replaced > 0 else { return await copy.abandon() }
        guard let object = try await copy.finish().first else { return }
        changed += replaced
        moved[places[index].number] = next
        places[index] = Place(object: object, number: next)
        next += 1
    }
}
