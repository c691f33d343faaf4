internal import Contracts
internal import Foundation
internal import ObjectStorage

/// The conversations of a job's interval that hadn't ended when they were read: what is to be completed later.
struct OpenList: Sendable, Codable, Hashable {
    /// One of them.
    struct Entry: Sendable, Codable, Hashable {
        /// The vendor's id.
        var id: String
        /// The number of the object that it was written to: where to look first.
        var object: UInt32
    }

    /// Where a list is kept.
    struct Place: Sendable {
        var source: String
        var dataset: String
        var day: String
        var job: String

        var key: String { "\(Self.folder(source: source, dataset: dataset))\(day)/\(job).json" }

        /// The folder of the lists of all days.
        static func folder(source: String, dataset: String) -> String {
            "\(StateLayout.openRecords(of: "conversation"))/\(source)/\(dataset)/"
        }
    }

    /// The largest list that is read, bytes: about 300,000 conversations.
    static let maximumBytes = 32 << 20

    var version = 1
    /// The job that read them.
    var job: String
    /// The business day.
    var day: String
    /// What the job covered.
    var interval: Interval
    /// The job's parameters, for the run that completes them.
    var parameters: JSONValue
    /// Those that hadn't ended.
    var open: [Entry]
    /// When the list was first made; nil in lists of earlier versions.
    var since: Date?

    /// The list of a place; nil when there is none, or none that can be read.
    static func read(_ key: ObjectKey, from store: any ObjectStore) async throws(ObjectStorageError) -> OpenList? {
        guard try await store.head(key) != nil else { return nil }
        let bytes = try await store.read(key, upTo: maximumBytes)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        guard let list = try? decoder.decode(OpenList.self, from: Data(bytes)), list.version == 1 else { return nil }
        return list
    }

    /// Writes the list, or removes it when nothing is open.
    func write(_ place: Place, to store: any ObjectStore) async throws {
        guard !open.isEmpty else { return try await Self.remove(place, from: store) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let bytes = try encoder.encode(self)
        try await store.put(
            try ObjectKey(place.key), bytes: Array(bytes), options: PutOptions(contentType: "application/json"))
    }

    static func remove(_ place: Place, from store: any ObjectStore) async throws(ObjectStorageError) {
        try await store.delete(try ObjectKey(place.key))
    }
}

extension DayWork {
    /// Where the list of a job of this day is kept.
    func place(of id: String) -> OpenList.Place {
        OpenList.Place(source: job.source, dataset: job.dataset, day: request.day, job: id)
    }

    /// Remembers what hasn't ended, for the sweep that completes it.
    func remember(open: [String: UInt32]) async throws {
        let entries = open.map { OpenList.Entry(id: $0.key, object: $0.value) }
            .sorted { ($0.object, $0.id) < ($1.object, $1.id) }
        let place = place(of: job.id)
        let before = entries.isEmpty ? nil : try await OpenList.read(try ObjectKey(place.key), from: store)
        try await OpenList(
            job: job.id, day: request.day, interval: request.interval, parameters: job.parameters, open: entries,
            since: before?.since ?? now()
        ).write(place, to: store)
    }
}
