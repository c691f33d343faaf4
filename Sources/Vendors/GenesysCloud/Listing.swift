public import Records
internal import Transfer

/// A page of a listing.
public struct ListingPage: Sendable {
    /// The page, counted from 1.
    public let number: Int
    /// Its records, each exactly as it was sent.
    public let records: [[UInt8]]
    /// The answer without its records.
    public let envelope: Envelope

    /// Hands over each record, in order.
    public func forEach(_ body: (RawRecord) throws -> Void) rethrows {
        for record in records { try record.withUnsafeBytes { try body(RawRecord(bytes: $0)) } }
    }
}

/// What reading a listing showed of the vendor's habits.
public struct ListingFigures: Sendable, Hashable {
    /// Pages read.
    public var pages = 0
    /// Records read, those that came twice counted twice.
    public var records = 0
    /// Listings whose last total isn't the number of their records.
    public var wrongTotals = 0
    /// Pages that the vendor made smaller than asked for.
    public var reducedPages = 0
    /// Pages that were the page before once more.
    public var repeatedPages = 0
    /// Addresses and cursors of a next page that could not be followed.
    public var strayURIs = 0
    /// Answers without the array.
    public var missingArrays = 0

    /// No listing.
    public init() {}

    /// Adds another listing's figures.
    public static func += (left: inout ListingFigures, right: ListingFigures) {
        left.pages += right.pages
        left.records += right.records
        left.wrongTotals += right.wrongTotals
        left.reducedPages += right.reducedPages
        left.repeatedPages += right.repeatedPages
        left.strayURIs += right.strayURIs
        left.missingArrays += right.missingArrays
    }
}

/// Reads a listing, a page at a time, so that several can be read side by side.
public struct ListingReader: Sendable {
    private let client: GenesysCloudClient
    private let limits: RecordLimits
    private var walk: ListingWalk
    private var path: String?
    private var number = 0
    /// Which listing.
    public let query: ListingQuery

    init(client: GenesysCloudClient, query: ListingQuery, limits: RecordLimits) {
        self.client = client
        self.query = query
        self.limits = limits
        walk = ListingWalk(query)
        path = query.firstPath
    }

    /// What reading showed so far.
    public var figures: ListingFigures { walk.figures }

    /// Waits for the next page; nil at the end.
    ///
    /// - Throws: ``GenesysCloudError`` or `CancellationError`; the same page can be asked for again then.
    public mutating func next() async throws -> ListingPage? {
        while let current = path {
            let read = try await client.listingPage(query, path: current, number: number + 1, limits: limits)
            number += 1
            let before = walk.figures.repeatedPages
            path = walk.next(after: ListingWalk.Answer(envelope: read.page.envelope, content: read.content))
            guard !walk.isEndless else {
                throw GenesysCloudError(
                    .badAnswer, operation: query.operation, message: "the listing has no end: \(number) pages were read")
            }
            if walk.figures.repeatedPages == before { return read.page }
        }
        return nil
    }
}

extension GenesysCloudClient {
    /// The largest page of a listing, bytes: a page is held in memory.
    public static let maximumListingPage = 64 << 20

    /// Begins to read a listing.
    ///
    /// - Parameters:
    ///   - query: Which listing.
    ///   - limits: How large and deep a page may be.
    public func listing(_ query: ListingQuery, limits: RecordLimits = RecordLimits()) -> ListingReader {
        ListingReader(client: self, query: query, limits: limits)
    }

    /// Reads a listing to its end, page by page.
    ///
    /// - Parameters:
    ///   - query: Which listing.
    ///   - limits: How large and deep a page may be.
    ///   - page: Called with each page that has arrived whole, once, in order; what it throws ends the reading.
    /// - Returns: What reading showed.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `page` threw.
    public func listing(
        _ query: ListingQuery, limits: RecordLimits = RecordLimits(), page: (ListingPage) async throws -> Void
    ) async throws -> ListingFigures {
        var reader = listing(query, limits: limits)
        while let next = try await reader.next() { try await page(next) }
        return reader.figures
    }

    fileprivate func listingPage(
        _ query: ListingQuery, path: String, number: Int, limits: RecordLimits
    ) async throws -> (page: ListingPage, content: UInt64) {
        var request = GenesysCloudRequest(query.operation, path: path, permission: query.permission)
        request.maximumTimeouts = query.maximumTimeouts
        return try await call(request) { response in
            var splitter = RecordSplitter(arrayKey: query.arrayKey, limits: limits)
            var records: [[UInt8]] = []
            var content: UInt64 = 0
            for try await chunk in response.body {
                try splitter.feed(chunk) { record in
                    records.append(Array(record.bytes))
                    content = content &* 0x9e37_79b9_7f4a_7c15 &+ record.contentHash
                }
                guard splitter.documentBytes <= Self.maximumListingPage else {
                    throw RecordError(.recordTooLarge(limit: Self.maximumListingPage), at: splitter.documentBytes)
                }
            }
            return (ListingPage(number: number, records: records, envelope: try splitter.finish()), content)
        }
    }

    /// Asks for one object and returns its bytes, exactly as they were sent.
    ///
    /// - Parameters:
    ///   - request: The call.
    ///   - maximumBytes: The largest object.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func object(_ request: GenesysCloudRequest, maximumBytes: Int = 32 << 20) async throws -> [UInt8] {
        try await call(request) { response in
            let bytes = try await response.body.collect(upTo: maximumBytes)
            try RecordScanner.checkObject(bytes)
            return bytes
        }
    }
}
