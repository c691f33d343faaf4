import Contracts
import Foundation

@testable import Monitor

/// Events as workers and the scheduler would have sent them, one second apart.
struct History {
    static let start = Date(timeIntervalSince1970: 1_772_380_800)

    private(set) var events: [JobEvent] = []
    var day: String? = "2026-03-01"
    var deadline: Date?

    /// The instant so many seconds after the start.
    static func at(_ seconds: Int) -> Date { start.addingTimeInterval(Double(seconds)) }

    func job(_ id: String, revision: Int = 0, parent: String? = nil, root: String? = nil) -> Job {
        Job(
            id: id, kind: "conversation", source: "genesys/main", dataset: "conversations", day: day, revision: revision,
            parent: parent,
            root: root, createdAt: Self.start)
    }

    mutating func expect(_ job: Job, schedule: String = "daily", jobsOfDay: Int = 1) {
        add(
            JobEvent(
                .expected, of: job, at: next,
                expectation: JobEvent.Expectation(schedule: schedule, deadline: deadline, jobsOfDay: jobsOfDay)))
    }

    mutating func add(
        _ kind: JobEvent.Kind, _ job: Job, attempt: Int = 1, worker: String = "w@0", reason: String? = nil,
        manifest: String? = nil,
        figures: [String: Int] = [:], children: [String] = []
    ) {
        let failure = reason.map { JobEvent.Failure(reason: $0, message: "\($0) of \(job.id)", advice: "see to \($0)") }
        add(
            JobEvent(
                kind, of: job, at: next, attempt: attempt, worker: worker, failure: failure, manifest: manifest, figures: figures,
                children: children))
    }

    mutating func complete(_ job: Job, records: Int = 1, manifest: String? = nil) {
        add(.completed, job, manifest: manifest ?? "m/\(job.id)", figures: ["records": records])
    }

    mutating func add(_ event: JobEvent) { events.append(event) }

    private var next: Date { Self.at(events.count) }
}

/// The lake and the alerts that effects make, as the service would.
struct Told: Equatable {
    enum Tag: Equatable {
        case success([String])
        case failure(JobEvent.Failure)
    }

    var tags: [DayKey: Tag] = [:]
    var firing: Set<String> = []
    /// Everything that was published.
    var alerts: [String] = []
    private var book = AlertBook()

    static func == (left: Told, right: Told) -> Bool {
        left.tags == right.tags && left.firing == right.firing && left.alerts == right.alerts
    }

    mutating func carryOut(_ effects: [MonitorEffect]) {
        for effect in effects {
            switch effect {
            case .succeed(let key, let manifests, _):
                tags[key] = .success(manifests)
                resolve(key.alertKey)
            case .fail(let key, let failure, _): tags[key] = .failure(failure)
            case .reopen(let key): tags[key] = nil
            case .alert(let alert): publish(book.fire(alert))
            case .resolve(let key): resolve(key)
            }
        }
    }

    private mutating func resolve(_ key: String) { publish(book.resolve(key, at: History.start)) }

    private mutating func publish(_ alert: Alert?) {
        guard let alert else { return }
        alerts.append("\(alert.state.rawValue) \(alert.key)")
        firing = Set(book.firing.keys)
    }
}

extension DayBoard {
    /// Applies events at the instants at which they happened, and carries out what follows.
    mutating func apply(_ events: [JobEvent], _ told: inout Told) {
        for event in events { told.carryOut(apply(event, now: event.at)) }
    }

    /// The only row.
    func row(now: Date = History.at(1000)) -> Row? { rows(now: now).first }
}

let theDay = DayKey(source: "genesys/main", dataset: "conversations", day: "2026-03-01")
