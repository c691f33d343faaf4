public import Contracts
public import Foundation
internal import Scheduler

/// A job that an operator asks for, as options or one line of a file say it.
///
/// Its id follows from what it is about: a job of a schedule gets the id that the scheduler gives it.
public struct JobRequest: Sendable, Hashable {
    /// The id; nil derives it.
    public var id: String?
    /// The schedule whose job it is; its name begins the id.
    public var schedule: String?
    /// The kind of worker.
    public var kind: String?
    /// The vendor account.
    public var source: String?
    /// The data set.
    public var dataset: String?
    /// The business day, `yyyy-MM-dd`.
    public var day: String?
    /// The zone in which the day begins and ends; nil is UTC.
    public var zone: String?
    /// Where the interval begins; nil is the begin of the day.
    public var from: Date?
    /// Where the interval ends; nil is the end of the day.
    public var to: Date?
    /// The revision.
    public var revision = 0
    /// What only the worker understands: an object.
    public var parameters: JSONValue?
    /// It may not run before this.
    public var notBefore: Date?
    /// After this it is given up.
    public var deadline: Date?
    /// How many attempts it has.
    public var maximumAttempts: Int?

    /// A request for nothing in particular.
    public init() {}

    /// What is wrong with a request, one line each.
    public struct Problems: Error, Sendable, Hashable, CustomStringConvertible {
        /// The problems: each says what is allowed.
        public let lines: [String]

        /// The problems, one a line.
        public var description: String { lines.joined(separator: "\n") }

        /// Problems.
        public init(lines: [String]) { self.lines = lines }
    }

    /// The job that is asked for.
    ///
    /// - Parameters:
    ///   - place: where the request stands, such as `line 3`, for problems; nil for options.
    ///   - now: when it is published.
    /// - Throws: all its problems.
    public func job(at place: String?, now: Date) throws(Problems) -> Job {
        // Options are named as they are written.
        let dash = place == nil ? "--" : ""
        var problems: [String] = []
        func reject(_ what: String) { problems.append((place.map { "\($0): " } ?? "") + what) }
        func required(_ value: String?, _ name: String, _ rule: (String) -> Bool, _ allowed: String) -> String {
            guard let value else {
                reject("\(dash)\(name) is missing; give \(allowed)")
                return ""
            }
            if !rule(value) {
                reject("\(dash)\(name): \"\(TerminalText.escaped(value, limit: 100))\" is not allowed; allowed is \(allowed)")
            }
            return value
        }
        let kind = required(self.kind, "kind", Job.isIdentifier, "a kind of worker such as conversation")
        let source = required(self.source, "source", Job.isName, "a vendor account such as genesys/main")
        let dataset = required(self.dataset, "dataset", Job.isName, "a data set such as conversations")
        if let day, !BusinessDay.isValid(day) {
            reject("\(dash)day: \"\(TerminalText.escaped(day, limit: 100))\" is not allowed; allowed is a day yyyy-MM-dd")
        }
        let zone = BusinessZone(self.zone ?? "UTC")
        if zone == nil {
            reject(
                "\(dash)zone: \"\(TerminalText.escaped(self.zone ?? "", limit: 100))\" is not allowed; allowed is an IANA time zone such as Asia/Manila, or UTC"
            )
        }
        if let schedule, schedule.wholeMatch(of: /[a-z0-9][a-z0-9\-]{0,62}/) == nil {
            reject(
                "\(dash)schedule: \"\(TerminalText.escaped(schedule, limit: 100))\" is not allowed; allowed is the name of a schedule"
            )
        }
        var interval: Interval?
        do throws(Problem) {
            interval = try self.interval(in: zone)
        } catch {
            reject(error.text)
        }
        if revision < 0 { reject("\(dash)revision: \(revision) is not allowed; allowed is 0 or more") }
        if let maximumAttempts, !(1...1_000).contains(maximumAttempts) {
            reject("\(dash)attempts: \(maximumAttempts) is not allowed; allowed is 1 to 1000")
        }
        if let deadline, deadline <= now { reject("\(dash)deadline: \(Timestamp.string(deadline)) has passed; give one to come") }
        if let parameters {
            if case .object = parameters {
            } else {
                reject("\(dash)parameters: allowed is a JSON object such as {\"pageSize\":100}")
            }
        }
        var id = self.id ?? ""
        if self.id == nil {
            let name = schedule ?? Self.stem(kind: kind, source: source, dataset: dataset)
            if let interval {
                id = DueInterval.jobID(schedule: name, interval: interval)
            } else if problems.isEmpty {
                reject(
                    place == nil
                        ? "it doesn't say what the job covers; give --day, --from and --to, or --id"
                        : "it doesn't say what the job covers; give day, from and to, or id")
            }
        }
        if problems.isEmpty, !Job.isIdentifier(id) {
            reject(
                "\(dash)id: \"\(TerminalText.escaped(id, limit: 100))\" is not allowed; allowed are letters, digits, '-', '_' and '.', 1 to 200 of them"
                    + (self.id == nil ? "; give a shorter one with id" : ""))
        }
        guard problems.isEmpty else { throw Problems(lines: problems) }
        return Job(
            id: id, kind: kind, source: source, dataset: dataset, day: day ?? dayOf(interval, in: zone), interval: interval,
            revision: revision, createdAt: now, notBefore: notBefore, deadline: deadline, maximumAttempts: maximumAttempts,
            parameters: parameters ?? .object([:]), traceparent: Traceparent.random())
    }

    /// The begin of ids of jobs that belong to no schedule.
    static func stem(kind: String, source: String, dataset: String) -> String {
        [kind, source, dataset].map { $0.replacing("/", with: ".") }.joined(separator: "-")
    }

    private struct Problem: Error {
        let text: String
    }

    private func interval(in zone: BusinessZone?) throws(Problem) -> Interval? {
        var bounds: (start: Date, end: Date)?
        if let zone, let day = day.flatMap({ CalendarDay($0) }) {
            bounds = (zone.start(of: day), zone.start(of: day.advanced(by: 1)))
        }
        guard let start = from ?? bounds?.start, let end = to ?? bounds?.end else {
            if from != nil { throw Problem(text: "the interval has no end; give to, or a day") }
            if to != nil { throw Problem(text: "the interval has no begin; give from, or a day") }
            return nil
        }
        guard start < end, let interval = Interval(start: start, end: end) else {
            throw Problem(text: "from \(Timestamp.string(start)) is not before to \(Timestamp.string(end))")
        }
        return interval
    }

    /// The business day that an interval begins on, where a zone was named; else it belongs to none.
    private func dayOf(_ interval: Interval?, in zone: BusinessZone?) -> String? {
        guard self.zone != nil, let zone, let interval else { return nil }
        return zone.day(of: interval.start).description
    }
}
