import Foundation
import Testing

@testable import VendorSimulator

/// What the tests of the data share: a small organisation whose clock stands well after its days.
enum SimulatedDay {
    static let interval = "2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z"
    static let now = "2026-03-09T00:00:00Z"

    static func instant(_ text: String) throws -> SimulatorInstant {
        try #require(SimulatorInstant(text))
    }

    static func configuration(
        conversationsPerDay: Int = 240, awkward: Set<AwkwardContent> = Set(AwkwardContent.allCases)
    ) throws -> SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.now = try instant(now)
        configuration.isClockFrozen = true
        configuration.rateLimit = nil
        configuration.data.conversationsPerDay = conversationsPerDay
        configuration.data.awkward = awkward
        configuration.data.awkwardEvery = 3
        return configuration
    }

    static func store(_ configuration: SimulatorConfiguration) throws -> ConversationStore {
        try ConversationStore(
            data: configuration.data, organisation: Organisation(seed: configuration.data.seed),
            clock: SimulatorClock(start: try #require(configuration.now), isFrozen: true),
            settings: ConversationStore.Settings(
                startDayRule: configuration.startDayRule, hitsJitter: configuration.hitsJitter,
                pageShift: configuration.pageShift))
    }

    /// A query as it is sent.
    static func query(
        _ interval: String = SimulatedDay.interval, page: Int = 1, size: Int = 100, more: String = ""
    ) throws -> ConversationQuery {
        let body = #"{"interval":"\#(interval)","paging":{"pageSize":\#(size),"pageNumber":\#(page)}\#(more)}"#
        return try ConversationQuery(body: Array(body.utf8), depthLimit: 100_000)
    }

    static let ended =
        #","conversationFilters":[{"type":"and","predicates":[{"type":"dimension","dimension":"conversationEnd","operator":"exists"}]}]"#
}

extension ConversationStore {
    /// The rows of every page up to the first empty one.
    func rows(_ query: ConversationQuery) -> [Row] {
        var rows: [Row] = []
        var query = query
        while true {
            let page = page(query)
            if page.records.isEmpty { return rows }
            rows += page.records.map(\.facts.row)
            query.pageNumber += 1
        }
    }

    func bytes(_ row: Row) -> [UInt8] {
        var record = RecordBytes(capacity: 100)
        append(version(of: row, now: clock.now), to: &record)
        return record.array
    }
}
