public import Contracts
internal import Foundation
public import Kafka

/// A record of one of our topics in one readable line; what is not ours is shown as it is, escaped.
public struct MessageLine: Sendable {
    private let names: TopicNames
    private let times: TimeText

    /// The longest text that is shown of a value that isn't ours, characters.
    public static let shownText = 400

    /// Lines for the topics of an installation.
    public init(_ names: TopicNames, times: TimeText = TimeText()) {
        self.names = names
        self.times = times
    }

    /// Such as `2026-03-01T16:00:00.000Z 3:15 conversations-2026… completed attempt 1 …`, without a newline.
    public func text(_ record: ConsumerRecord) -> String {
        let key = record.key.map { TerminalText.escaped($0, limit: 120) } ?? "-"
        return "\(times.text(milliseconds: record.timestamp)) \(record.partition):\(record.offset) \(key) \(content(record))"
    }

    /// What the record says, without where it stands.
    public func content(_ record: ConsumerRecord) -> String {
        guard let value = record.value else { return record.topic == names.control ? "taken back" : "(no value)" }
        let words: [String?]
        if record.topic == names.jobEvents, let event = try? JobEvent.decode(value) {
            words = Self.words(event, times)
        } else if record.topic == names.alerts, let alert = try? Alert.decode(value) {
            words = ["\(alert.state.rawValue) \(alert.severity.rawValue):", alert.summary, alert.advice.map { "(\($0))" }]
        } else if record.topic == names.control, let control = try? Control.decode(value) {
            words = self.words(control)
        } else if record.topic == names.scheduleState, let state = try? ScheduleState.decode(value) {
            words = [
                "cursor \(times.text(state.lastIntervalEnd))", state.lastFire.map { "fired \(times.text($0))" },
                state.movedBy.map { "moved by \($0)" },
            ]
        } else if record.topic.hasPrefix(names.jobs("")), let job = try? Job.decode(value) {
            words = self.words(job, record)
        } else {
            return TerminalText.escaped(value, limit: Self.shownText)
        }
        return TerminalText.escaped(words.compactMap { $0 }.joined(separator: " "), limit: 4 * Self.shownText)
    }

    private static func words(_ event: JobEvent, _ times: TimeText) -> [String?] {
        let job = event.job
        let figures = event.figures.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return [
            event.event.rawValue, event.attempt > 0 ? "attempt \(event.attempt)" : nil,
            job.id == job.root ? nil : job.id, job.revision > 0 ? "revision \(job.revision)" : nil, job.kind, job.source,
            job.dataset, job.day, event.worker.map { "by \($0)" }, event.nextAttempt.map { "next \(times.text($0))" },
            event.failure.map { "\($0.reason): \($0.message)" }, event.failure?.advice.map { "(\($0))" },
            event.children.isEmpty ? nil : "children \(event.children.count)",
            event.expectation?.deadline.map { "deadline \(times.text($0))" },
        ] + figures
    }

    private func words(_ control: Control) -> [String?] {
        [
            control.command.rawValue, control.job.map { "\($0) up to revision \(control.revision ?? 0)" },
            control.kind.map { "kind \($0)" }, control.source.map { "source \($0)" }, control.slots.map { "to \($0) slots" },
            control.requestsPerMinute.map { "to \($0) requests a minute" }, "by \(control.by)",
            control.expiresAt.map { "until \(times.text($0))" }, control.reason.map { "because \($0)" },
        ]
    }

    private func words(_ job: Job, _ record: ConsumerRecord) -> [String?] {
        func header(_ name: String) -> String? { record.headers.text(of: name) }
        func time(_ name: String) -> String? { header(name).flatMap { Int64($0) }.map { times.text(milliseconds: $0) } }
        return [
            "job", job.kind, job.source, job.dataset, job.day, job.interval.map(\.description),
            job.revision > 0 ? "revision \(job.revision)" : nil, job.parent.map { "of \($0)" },
            header(JobHeader.attempt).map { "attempt \($0)" }, time(JobHeader.notBefore).map { "not before \($0)" },
            header(JobHeader.lastErrorClass).map { "after \($0)" },
            header(JobHeader.deadReason).map { "dead \($0): \(header(JobHeader.deadMessage) ?? "")" },
        ]
    }
}
