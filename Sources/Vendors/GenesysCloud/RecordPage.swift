public import Records
internal import Transfer

/// What is known of a page of records besides its records.
public struct RecordPage: Sendable, Equatable {
    /// The page's number, counted from 1.
    public let number: Int
    /// The number of records on it.
    public let recordCount: Int
    /// The vendor's count of all matches, where it says one: approximate, and it moves.
    public let totalHits: Int?
    /// Where the next page begins, for results that are read by cursor; nil on the last one.
    public let cursor: String?
    /// Before this moment the vendor's data are complete, for results of jobs: milliseconds since 1970 UTC.
    public let dataAvailability: Int64?
    /// The size of the whole answer, in bytes.
    public let bytes: Int

    /// A page.
    public init(
        number: Int, recordCount: Int, totalHits: Int? = nil, cursor: String? = nil, dataAvailability: Int64? = nil, bytes: Int
    ) {
        self.number = number
        self.recordCount = recordCount
        self.totalHits = totalHits
        self.cursor = cursor
        self.dataAvailability = dataAvailability
        self.bytes = bytes
    }
}

/// One answer with a page of records, on its way.
public struct RecordAnswer: Sendable {
    let number: Int
    let arrayKey: String
    let body: ResponseBody
    let limits: RecordLimits

    /// Begins to read; an answer can be read once.
    public func makeReader() -> Reader {
        Reader(number: number, chunks: body.makeAsyncIterator(), splitter: RecordSplitter(arrayKey: arrayKey, limits: limits))
    }

    /// Reads an answer chunk by chunk, so that what is done with the records can be awaited in between.
    public struct Reader {
        let number: Int
        var chunks: ResponseBody.Iterator
        var splitter: RecordSplitter

        /// Waits for the next chunk and hands over the records that it completes; their bytes are valid during the call only.
        ///
        /// - Returns: false at the answer's end.
        /// - Throws: a `TransferError` or a `RecordError`, which ``GenesysCloudClient`` answers with another attempt.
        public mutating func next(_ record: (RawRecord) throws -> Void) async throws -> Bool {
            guard let chunk = try await chunks.next() else { return false }
            try splitter.feed(chunk, record)
            return true
        }

        /// Checks that the answer was whole, and tells its figures.
        public mutating func finish() throws(RecordError) -> RecordPage {
            let envelope = try splitter.finish()
            return RecordPage(
                number: number, recordCount: envelope.recordCount, totalHits: envelope.integer(of: "totalHits"),
                cursor: envelope.string(of: "cursor").flatMap { $0.isEmpty ? nil : $0 },
                dataAvailability: envelope.string(of: "dataAvailabilityDate").flatMap { VendorTime.parse($0) },
                bytes: envelope.documentBytes)
        }
    }
}
