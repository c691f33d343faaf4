public import Contracts
public import Foundation
internal import Messaging
public import Service

/// How conversations are extracted.
public struct ConversationConfiguration: Sendable {
    /// Where things are in the lake.
    public var layout: LakeLayout
    /// Records of a page, 1 to 100.
    public var pageSize: Int
    /// Pages that are asked for at a time.
    public var concurrency: Int
    /// How often the pages are read at most while rows shift.
    public var maximumPasses: Int
    /// The largest conversation, bytes.
    public var maximumRecordBytes: Int
    /// An interval with more conversations than this is divided; the vendor reaches 100,000 at most.
    public var splitAbove = 90_000
    /// The same for details jobs, which reach everything: what is held in memory of each conversation sets the bound.
    public var splitJobsAbove = 400_000
    /// No part of a divided interval is shorter than this, in seconds.
    public var leastWindow: TimeInterval = 60
    /// No part is shorter than this, in seconds, where the vendor's timeouts were the reason: an outage is no reason to divide.
    public var leastTimeoutWindow: TimeInterval = 900
    /// How long after its end an interval is read at the earliest, in seconds, because rows still move.
    public var settleMargin: TimeInterval = 300
    /// Whether conversations are kept that the vendor returns for an interval in which they didn't start.
    public var keepsOutside = false
    /// How long after its end a day is settled and extracted again, in seconds.
    public var settledAfter: TimeInterval = 3 * 86_400
    /// How long conversations that don't end are looked after, in seconds.
    public var openFor: TimeInterval = 30 * 86_400
    /// Ids of a call for single conversations.
    public var idsPerCall = 50
    /// Records of a page of a details job.
    public var jobPageSize = 1000
    /// The pause before a details job is looked at again; it grows to ten times as much.
    public var jobPause: Duration = .seconds(3)
    /// How often a details job that failed, expired or was cancelled is asked for again.
    public var jobResubmissions = 3
    /// How long to wait before asking again whether data are available, in seconds.
    public var availabilityWait: TimeInterval = 1800
    /// Further fields of the request, such as filters; a job's own `request` parameter comes first.
    public var request: JSONValue?

    /// A configuration with defaults for everything that isn't named.
    public init(layout: LakeLayout = .standard, pageSize: Int = 100, concurrency: Int = 4, maximumPasses: Int = 10) {
        self.layout = layout
        self.pageSize = pageSize
        self.concurrency = concurrency
        self.maximumPasses = maximumPasses
        maximumRecordBytes = 32 << 20
    }

    /// Reads the sections `lake` and `conversations`:
    ///
    /// - `conversations.page-size` (100): records of a page, 1 to 100.
    /// - `conversations.concurrency` (4): pages that are asked for at a time.
    /// - `conversations.passes` (10): how often the pages are read at most while rows shift.
    /// - `conversations.maximum-record` (32MiB): the largest conversation.
    /// - `conversations.split-above` (90000): an interval with more results is divided; the vendor reaches 100,000 at most.
    /// - `conversations.split-jobs-above` (400000): the same for details jobs.
    /// - `conversations.least-window` (1m): no part of a divided interval is shorter.
    /// - `conversations.least-timeout-window` (15m): the same where the vendor's timeouts are the reason.
    /// - `conversations.settle-margin` (5m): how long after its end an interval is read at the earliest.
    /// - `conversations.keep-outside` (false): whether to keep conversations that the vendor returns for an interval in which they
    ///   didn't start; they are then in the lake more than once.
    /// - `conversations.settled-after` (72h): how long after its end a day is extracted again by `task: settle`.
    /// - `conversations.open-for` (720h): how long conversations that don't end are looked after.
    /// - `conversations.ids-per-call` (50): ids of a call for single conversations.
    /// - `conversations.job-page-size` (1000): records of a page of a details job.
    /// - `conversations.job-pause` (3s): the pause before a details job is looked at again; it grows to ten times as much.
    /// - `conversations.job-resubmissions` (3): how often a details job that failed or expired is asked for again.
    /// - `conversations.availability-wait` (30m): how long to wait before asking again whether data are available.
    public init(_ settings: Settings) {
        let own = settings.scoped("conversations")
        self.init(
            layout: LakeLayout(settings), pageSize: own.int("page-size", default: 100, in: 1...100),
            concurrency: own.int("concurrency", default: 4, in: 1...64),
            maximumPasses: own.int("passes", default: 10, in: 1...100))
        maximumRecordBytes = own.byteCount("maximum-record", default: 32 << 20, in: 1024...(1 << 30))
        splitAbove = own.int("split-above", default: splitAbove, in: 100...100_000)
        splitJobsAbove = own.int("split-jobs-above", default: splitJobsAbove, in: 100...10_000_000)
        leastWindow = Self.seconds(own, "least-window", default: leastWindow, in: 1...86_400)
        leastTimeoutWindow = Self.seconds(own, "least-timeout-window", default: leastTimeoutWindow, in: 1...86_400)
        settleMargin = Self.seconds(own, "settle-margin", default: settleMargin, in: 0...86_400)
        keepsOutside = own.bool("keep-outside", default: false)
        settledAfter = Self.seconds(own, "settled-after", default: settledAfter, in: 0...(30 * 86_400))
        openFor = Self.seconds(own, "open-for", default: openFor, in: 3600...(366 * 86_400))
        idsPerCall = own.int("ids-per-call", default: idsPerCall, in: 1...50)
        jobPageSize = own.int("job-page-size", default: jobPageSize, in: 1...10_000)
        jobPause = own.duration("job-pause", default: jobPause, in: .milliseconds(10) ... .seconds(600))
        jobResubmissions = own.int("job-resubmissions", default: jobResubmissions, in: 0...100)
        availabilityWait = Self.seconds(own, "availability-wait", default: availabilityWait, in: 1...86_400)
    }

    private static func seconds(
        _ settings: Settings, _ key: String, default fallback: TimeInterval, in range: ClosedRange<Int>
    ) -> TimeInterval {
        settings.duration(key, default: .seconds(fallback), in: .seconds(range.lowerBound) ... .seconds(range.upperBound))
            / .seconds(1)
    }
}
