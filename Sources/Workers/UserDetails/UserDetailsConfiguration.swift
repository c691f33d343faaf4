public import Contracts
internal import GenesysCloud
internal import Messaging
public import Service

/// How user details and lookups are extracted.
public struct UserDetailsConfiguration: Sendable {
    /// How a day is asked for.
    public enum Method: String, Sendable, CaseIterable {
        /// By query: fresh.
        case query
        /// By job: settled and for long ago.
        case job
    }

    /// Where things are in the lake.
    public var layout: LakeLayout
    /// How a day is asked for when its job doesn't say.
    public var method: Method = .query
    /// How long after its end a day is asked for by query.
    public var settleMargin: Duration = .seconds(900)
    /// Users of a page of a query, 1 to 100.
    public var pageSize = 100
    /// Users of a page of a job's results.
    public var jobPageSize = 500
    /// How long a job of the vendor may take.
    public var jobWait: Duration = .seconds(7200)
    /// The pause before a job of the vendor is looked at again; it grows to ten times as much.
    public var jobPause: Duration = .seconds(3)
    /// How often pages are read at most while rows shift.
    public var maximumPasses = 10
    /// More pages than any day has: a vendor that never ends must not keep a worker for ever.
    var maximumPages = 50_000
    /// How long open rows are followed: no longer than queries reach back, which was 35 days when the vendor last said.
    public var carry: Duration = .seconds(30 * 86400)
    /// The longest interval that a query asks for; whether the vendor takes 7 or 31 days isn't certain, so the less is asked for.
    public var longestQuery: Duration = .seconds(7 * 86400)
    /// The largest user with everything in it, or entity of a lookup, bytes.
    public var maximumRecordBytes = 32 << 20
    /// Rows of an object.
    public var recordsPerObject = 10_000
    /// Entities of a page of a lookup.
    public var lookupPageSize = 100
    /// By lookup, what the vendor adds to its entities only when it is asked to, such as `dateLastLogin` of `users`.
    public var expansions: [String: [String]] = [:]
    /// Further fields of the request, such as filters; a job's own `request` parameter comes first.
    public var request: JSONValue?

    /// A configuration with defaults for everything.
    public init(layout: LakeLayout = .standard) { self.layout = layout }

    /// Reads the sections `lake`, `user-details` and `lookups`:
    ///
    /// - `user-details.method` (query): how a day is asked for, `query` or `job`.
    /// - `user-details.settle-margin` (15m): how long after its end a day is asked for by query.
    /// - `user-details.page-size` (100): users of a page of a query, 1 to 100.
    /// - `user-details.job-page-size` (500): users of a page of a job's results.
    /// - `user-details.job-wait` (2h): how long a job of the vendor may take before it is called off and submitted again.
    /// - `user-details.job-pause` (3s): the pause before a job is looked at again; it grows to ten times as much.
    /// - `user-details.passes` (10): how often pages are read at most while rows shift.
    /// - `user-details.carry` (30d): how long rows that are still open are followed; no longer than queries reach back.
    /// - `user-details.longest-query` (7d): the longest interval that is asked for when ends of open rows are looked for.
    /// - `user-details.maximum-record` (32MiB): the largest user with everything in it, or entity of a lookup.
    /// - `user-details.records-per-object` (10000): rows of an object.
    /// - `lookups.page-size` (100): entities of a page; the vendor may reduce it.
    /// - `lookups.expand.<lookup>`: what is added to the lookup's entities, by the vendor's names.
    public init(_ settings: Settings) {
        self.init(layout: LakeLayout(settings))
        let own = settings.scoped("user-details")
        let text = own.string("method", default: method.rawValue)
        if let method = Method(rawValue: text) {
            self.method = method
        } else {
            own.reject("method", given: text, allowed: Method.allCases.map(\.rawValue).joined(separator: " or "))
        }
        settleMargin = own.duration("settle-margin", default: settleMargin, in: .zero ... .seconds(7 * 86400))
        pageSize = own.int("page-size", default: pageSize, in: 1...100)
        jobPageSize = own.int("job-page-size", default: jobPageSize, in: 1...10_000)
        jobWait = own.duration("job-wait", default: jobWait, in: .seconds(10) ... .seconds(86400))
        jobPause = own.duration("job-pause", default: jobPause, in: .milliseconds(10) ... .seconds(600))
        maximumPasses = own.int("passes", default: maximumPasses, in: 1...100)
        carry = own.duration("carry", default: carry, in: .seconds(86400) ... .seconds(400 * 86400))
        longestQuery = own.duration("longest-query", default: longestQuery, in: .seconds(86400) ... .seconds(31 * 86400))
        maximumRecordBytes = own.byteCount("maximum-record", default: maximumRecordBytes, in: 1024...(1 << 30))
        recordsPerObject = own.int("records-per-object", default: recordsPerObject, in: 1...1_000_000)
        let lookups = settings.scoped("lookups")
        lookupPageSize = lookups.int("page-size", default: lookupPageSize, in: 1...500)
        expansions = Self.expansions(lookups.scoped("expand"))
    }

    private static func expansions(_ settings: Settings) -> [String: [String]] {
        var expansions: [String: [String]] = [:]
        for lookup in LookupTable.all {
            let names = settings.strings(lookup.dataset, default: [])
            if let strange = names.first(where: { !Job.isIdentifier($0) }) {
                settings.reject(lookup.dataset, given: strange, allowed: "names of the vendor's, such as dateLastLogin")
            }
            if !names.isEmpty { expansions[lookup.dataset] = names }
        }
        return expansions
    }

    var patience: DetailsJobPatience {
        DetailsJobPatience(firstPause: jobPause, longestPause: jobPause * 10, longestWait: jobWait)
    }
}
