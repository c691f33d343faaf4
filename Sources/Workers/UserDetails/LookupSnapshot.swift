internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Collects the entities of one lookup, each once.
///
/// Page-number listings are no snapshots: what comes and goes while they are read makes others come twice or not at all. So a
/// listing that came with duplicates, or with another total than it has entities, is read again until nothing new comes.
struct LookupSnapshot {
    let client: GenesysCloudClient
    let query: ListingQuery
    let configuration: UserDetailsConfiguration
    let context: JobContext
    private var ledger: RowLedger
    private var figures: [String: Int] = [:]

    init(
        client: GenesysCloudClient, query: ListingQuery, configuration: UserDetailsConfiguration, ledger: RowLedger,
        context: JobContext
    ) {
        self.client = client
        self.query = query
        self.configuration = configuration
        self.ledger = ledger
        self.context = context
    }

    /// Reads the listing until it is whole.
    mutating func run() async throws -> (objects: [Manifest.Object], figures: [String: Int]) {
        var passes = 0
        var isSettled = false
        while !isSettled, passes < configuration.maximumPasses {
            passes += 1
            isSettled = try await pass(passes)
        }
        let objects = try await ledger.finish()
        figures["passes"] = passes
        figures["unsettled"] = isSettled ? 0 : 1
        figures["records"] = objects.reduce(0) { $0 + $1.records }
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["objects"] = objects.count
        return (objects, figures)
    }

    private mutating func pass(_ pass: Int) async throws -> Bool {
        var new = 0
        var seen: Set<RecordIdentity> = []
        var duplicates = 0
        var unidentified = 0
        let listing = try await client.listing(
            query, limits: RecordLimits(recordBytes: configuration.maximumRecordBytes)
        ) { page in
            for record in page.records {
                let id = record.withUnsafeBytes { RawRecord(bytes: $0).string(of: "id") }
                if id == nil { unidentified += 1 }
                let identity = id.map { RecordIdentity($0) } ?? RecordIdentity(digestOf: record)
                if !seen.insert(identity).inserted { duplicates += 1 }
                if try await ledger.keep(identity, record) != .same { new += 1 }
            }
            context.progressed(["records": ledger.count])
        }
        figures["pages", default: 0] += listing.pages
        figures["duplicates", default: 0] += duplicates
        figures["wrong-totals", default: 0] += listing.wrongTotals
        figures["reduced-pages", default: 0] += listing.reducedPages
        figures["repeated-pages", default: 0] += listing.repeatedPages
        figures["stray-uris", default: 0] += listing.strayURIs
        figures["missing-arrays", default: 0] += listing.missingArrays
        figures["unidentified"] = unidentified
        if pass > 1 { return new == 0 }
        return duplicates == 0 && listing.wrongTotals == 0 && listing.repeatedPages == 0
    }

    /// Gives up what is being written.
    mutating func abandon() async { await ledger.abandon() }
}
