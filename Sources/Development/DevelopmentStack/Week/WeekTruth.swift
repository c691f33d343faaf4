internal import Contracts
internal import Foundation

/// What the simulated vendor has at the end, by data set.
struct WeekTruth: Sendable {
    let vendor: Vendor

    /// Conversations that started in an interval, with the attributes that details jobs tell.
    func conversations(_ interval: Interval, into tally: inout RecordTally) async throws {
        // By the hour: a day is hundreds of megabytes.
        for part in Self.hours(of: interval) {
            try await add("/truth?attributes=true&interval=\(part)", to: &tally)
        }
    }

    /// Rows of presence and routing status that began in an interval.
    func userDetails(_ interval: Interval, into tally: inout RecordTally) async throws {
        for part in Self.hours(of: interval) { try await add("/truth/users?interval=\(part)", to: &tally) }
    }

    /// An evaluation as it is now.
    struct Evaluation: Decodable, Sendable {
        let id: String
        let version: Int
        /// When it was assigned.
        let assigned: String
        let status: String
        /// Who evaluates; nil for the system.
        let evaluator: String?
        /// The record as the listing has it.
        let listing: String
        /// The record as it is read alone, which is how those are found that no evaluator lists.
        let point: String

        /// A record is one line in the lake.
        var lines: Set<String> { [Self.line(listing), Self.line(point)] }

        private static func line(_ record: String) -> String {
            String(decoding: record.utf8.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }, as: UTF8.self)
        }
    }

    /// Evaluations that were assigned in an interval.
    func evaluations(_ interval: Interval) async throws -> [Evaluation] {
        let lines = try await vendor.lines("/truth/evaluations?interval=\(interval)")
        return try lines.split(separator: 0x0a).map { try JSONDecoder().decode(Evaluation.self, from: Data($0)) }
    }

    private func add(_ path: String, to tally: inout RecordTally) async throws {
        let rest = tally.add(lines: try await vendor.lines(path))
        if !rest.isEmpty { throw DevelopmentError("the simulator's truth ends within a line") }
    }

    private static func hours(of interval: Interval) -> [Interval] {
        var parts: [Interval] = []
        var start = interval.start
        while start < interval.end {
            let end = min(interval.end, start.addingTimeInterval(3600))
            if let part = Interval(start: start, end: end) { parts.append(part) }
            start = end
        }
        return parts
    }
}
