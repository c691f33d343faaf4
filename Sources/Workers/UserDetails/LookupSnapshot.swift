internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// Collects the entities of one lookup, each once.
///
/// Page-number listings are no snapshots: what comes and goes while they are read makes others come twice or not at all. So a
/// listing is read in passes; see `MovingListing`. Where a cursor leads from page to page nothing shifts.
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
        var moving = MovingListing()
        while !isSettled, passes < configuration.maximumPasses {
            passes += 1
            isSettled = try await pass(&moving)
        }
        let objects = try await ledger.finish()
        figures["passes"] = passes
        figures["unsettled"] = isSettled ? 0 : 1
        figures["records"] = objects.reduce(0) { $0 + $1.records }
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["objects"] = objects.count
        return (objects, figures)
    }

    private mutating func pass(_ moving: inout MovingListing) async throws -> Bool {
        moving.beginPass()
        var new = 0
        var seen: Set<RecordIdentity> = []
        var duplicates = 0
        var unidentified = 0
        var pages = 0
        let listing = try await client.listing(
            query, limits: RecordLimits(recordBytes: configuration.maximumRecordBytes)
        ) { page in
            moving.answered(total: page.envelope.integer(of: "total"))
            if !page.records.isEmpty { pages += 1 }
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
        if case .cursor = query.paging { pages = 1 }
        return moving.endPass(
            hasNews: new > 0, hasDuplicates: duplicates > 0, known: ledger.count, distinct: seen.count, pages: pages)
    }

    /// Gives up what is being written.
    mutating func abandon() async { await ledger.abandon() }
}
