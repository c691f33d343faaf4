public import Records
import Transfer

/// Details jobs: the vendor collects, the caller comes back for the results.
extension GenesysCloudClient {
    /// The largest answer that is no page of records, in bytes.
    private static let maximumAnswerBytes = 64 << 10

    /// Asks up to which moment the vendor's data for jobs are complete.
    ///
    /// - Returns: Milliseconds since 1970 UTC; nil when the vendor says none.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func dataAvailability(of kind: DetailsKind) async throws -> Int64? {
        let request = GenesysCloudRequest(
            "\(kind.operation) availability", path: kind.jobsPath + "/availability", permission: kind.permission)
        return try await call(request) { response in
            let answer = try await Self.object(response)
            // A date that nobody can read is as good as none: what it guarantees isn't known.
            return answer.withUnsafeBytes { RawRecord(bytes: $0).string(of: "dataAvailabilityDate") }.flatMap {
                VendorTime.parse($0)
            }
        }
    }

    /// Has the vendor collect details.
    ///
    /// A submission whose answer got lost isn't repeated here: the job may run already, and another one costs the organisation's
    /// allowance of jobs. ``DetailsJobRun`` repeats it and counts that.
    ///
    /// - Returns: The job's id.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func submitDetailsJob(_ query: DetailsJobQuery) async throws -> String {
        try await submitDetailsJob(query.kind, body: query.body)
    }

    /// Has the vendor collect details.
    ///
    /// - Parameters:
    ///   - kind: What kind of details.
    ///   - body: The request; see ``DetailsJobQuery``.
    /// - Returns: The job's id.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func submitDetailsJob(_ kind: DetailsKind, body: [UInt8]) async throws -> String {
        let request = GenesysCloudRequest(
            "\(kind.operation) job submission", .post, path: kind.jobsPath, body: body, isReplayable: false,
            permission: kind.permission)
        return try await call(request) { response in
            let answer = try await Self.object(response)
            let id = answer.withUnsafeBytes { bytes in
                RawRecord(bytes: bytes).string(of: "jobId") ?? RawRecord(bytes: bytes).string(of: "id")
            }
            guard let id, !id.isEmpty, id.utf8.count <= 200 else {
                throw RecordError(.malformed("it has no jobId"), at: answer.count)
            }
            return id
        }
    }

    /// Asks where a job stands.
    ///
    /// - Returns: The state; ``DetailsJobState/absent`` when the vendor doesn't know the job.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func detailsJob(_ kind: DetailsKind, id: String) async throws -> DetailsJobState {
        let request = GenesysCloudRequest(
            "\(kind.operation) job status", path: "\(kind.jobsPath)/\(URLText.encoded(id))", permission: kind.permission)
        do {
            return try await call(request) { response in
                // 202 says by itself that the job runs; its body may be empty.
                let isRunning = response.status == 202
                let bytes = try await response.body.collect(upTo: Self.maximumAnswerBytes)
                if isRunning && bytes.isEmpty { return .pending }
                try RecordScanner.checkObject(bytes)
                return try bytes.withUnsafeBytes { bytes in
                    let answer = RawRecord(bytes: bytes)
                    guard let state = answer.string(of: "state") else {
                        if isRunning { return .pending }
                        throw RecordError(.malformed("it has no state"), at: bytes.count)
                    }
                    return DetailsJobState(state, message: answer.string(of: "errorMessage"))
                }
            }
        } catch let error as GenesysCloudError where error.kind == .notFound {
            return .absent
        }
    }

    /// Asks for one page of a fulfilled job's results and has its answer read while it arrives.
    ///
    /// - Parameters:
    ///   - kind: What kind of details.
    ///   - id: The job.
    ///   - cursor: Where the page begins, as the page before it said; nil for the first.
    ///   - number: The page's number in the caller's count.
    ///   - pageSize: The number of records of a page; the vendor may answer fewer.
    ///   - limits: How large and deep the page may be.
    ///   - read: Reads the answer to its end. It's run again from the beginning when an attempt breaks off, so it must start
    ///     afresh each time; what it throws besides `TransferError` and `RecordError` ends the call.
    /// - Returns: What `read` returned.
    /// - Throws: ``GenesysCloudError`` (``GenesysCloudError/Kind/notFound`` right after the job was fulfilled, for a moment, or
    ///   when its results are gone), `CancellationError`, or what `read` threw.
    public func detailsJobPage<Value: Sendable>(
        _ kind: DetailsKind, id: String, cursor: String?, number: Int = 1, pageSize: Int = 1000,
        limits: RecordLimits = RecordLimits(), read: @Sendable (RecordAnswer) async throws -> Value
    ) async throws -> Value {
        var path = "\(kind.jobsPath)/\(URLText.encoded(id))/results?pageSize=\(pageSize)"
        if let cursor { path += "&cursor=\(URLText.encoded(cursor))" }
        let request = GenesysCloudRequest("\(kind.operation) job results", path: path, permission: kind.permission)
        return try await call(request) { response in
            try await read(RecordAnswer(number: number, arrayKey: kind.arrayKey, body: response.body, limits: limits))
        }
    }

    /// Calls a job off or removes its results; a job that the vendor doesn't know is fine.
    ///
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func deleteDetailsJob(_ kind: DetailsKind, id: String) async throws {
        let request = GenesysCloudRequest(
            "\(kind.operation) job deletion", .delete, path: "\(kind.jobsPath)/\(URLText.encoded(id))",
            permission: kind.permission)
        do {
            try await call(request) { _ in }
        } catch let error as GenesysCloudError where error.kind == .notFound {
            // Gone is gone.
        }
    }

    private static func object(_ response: HTTPResponse) async throws -> [UInt8] {
        let bytes = try await response.body.collect(upTo: maximumAnswerBytes)
        try RecordScanner.checkObject(bytes)
        return bytes
    }
}
