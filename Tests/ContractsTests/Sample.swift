import Foundation
import Testing

@testable import Contracts

/// One of each message, with the JSON that it must have.
enum Sample {
    static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    static func date(_ text: String) -> Date { Timestamp.date(text) ?? .distantPast }

    static func interval(_ start: String, _ end: String) -> Interval? { Interval(start: date(start), end: date(end)) }

    static let job = Job(
        id: "daily-1", kind: "conversation", source: "genesys/main", dataset: "conversations", day: "2026-03-01",
        interval: interval("2026-02-28T16:00:00Z", "2026-03-01T16:00:00Z"), revision: 2, parent: "p.1", root: "root-1",
        createdAt: date("2026-03-01T16:00:05Z"), notBefore: date("2026-03-01T17:00:00Z"),
        deadline: date("2026-03-02T00:00:00.250Z"),
        maximumAttempts: 5,
        parameters: .object([
            "list": .array([.integer(1), .number(0.5), .bool(true), .null]), "text": .string("a/\"b\"\u{1F600}"),
        ]), traceparent: trace)

    static let jobJSON =
        #"{"createdAt":"2026-03-01T16:00:05.000Z","dataset":"conversations","day":"2026-03-01","deadline":"2026-03-02T00:00:00.250Z","#
        + #""id":"daily-1","interval":{"end":"2026-03-01T16:00:00.000Z","start":"2026-02-28T16:00:00.000Z"},"kind":"conversation","#
        + #""maximumAttempts":5,"notBefore":"2026-03-01T17:00:00.000Z","parameters":{"list":[1,0.5,true,null],"text":"a/\"b\"😀"},"#
        + #""parent":"p.1","revision":2,"root":"root-1","source":"genesys/main","traceparent":"\#(trace)","version":1}"#

    struct Event: Sendable, CustomTestStringConvertible {
        let event: JobEvent
        let json: String

        var testDescription: String { event.event.rawValue }
    }

    private static let reference =
        #"{"dataset":"conversations","day":"2026-03-01","id":"daily-1","#
        + #""interval":{"end":"2026-03-01T16:00:00.000Z","start":"2026-02-28T16:00:00.000Z"},"kind":"conversation","#
        + #""parent":"p.1","revision":2,"root":"root-1","source":"genesys/main"}"#

    /// What an event with nothing of its own looks like around the fields that differ.
    private static func json(
        _ kind: String, attempt: Int = 1, children: String = "[]", beforeFigures: String = "", figures: String = "{}",
        afterJob: String = "", worker: Bool = true
    ) -> String {
        #"{"at":"2026-03-01T16:01:00.000Z","attempt":\#(attempt),"children":\#(children),"event":"\#(kind)","#
            + #"\#(beforeFigures)"figures":\#(figures),"job":\#(reference),\#(afterJob)"version":1\#(worker ? #","worker":"w@1"}"# : "}")"#
    }

    private static let failure = JobEvent.Failure(reason: "vendor-unavailable", message: "503", advice: "wait")
    private static let failureJSON = #""failure":{"advice":"wait","message":"503","reason":"vendor-unavailable"},"#
    private static let at = date("2026-03-01T16:01:00Z")

    static let events: [Event] = [
        Event(
            event: JobEvent(
                .expected, of: job, at: at,
                expectation: JobEvent.Expectation(schedule: "daily", deadline: date("2026-03-02T00:00:00Z"), jobsOfDay: 1)),
            json: json(
                "expected", attempt: 0,
                beforeFigures: #""expectation":{"deadline":"2026-03-02T00:00:00.000Z","jobsOfDay":1,"schedule":"daily"},"#,
                worker: false
            )),
        Event(event: JobEvent(.started, of: job, at: at, attempt: 1, worker: "w@1"), json: json("started")),
        Event(
            event: JobEvent(.progressed, of: job, at: at, attempt: 1, worker: "w@1", figures: ["pages": 3, "records": 300]),
            json: json("progressed", figures: #"{"pages":3,"records":300}"#)),
        Event(
            event: JobEvent(.planned, of: job, at: at, attempt: 1, worker: "w@1", children: ["c-1", "c-2"]),
            json: json("planned", children: #"["c-1","c-2"]"#)),
        Event(
            event: JobEvent(.completed, of: job, at: at, attempt: 1, worker: "w@1", manifest: "f/_manifest.daily-1.json"),
            json: json("completed", afterJob: #""manifest":"f/_manifest.daily-1.json","#)),
        Event(
            event: JobEvent(
                .retrying, of: job, at: at, attempt: 1, worker: "w@1", failure: failure, nextAttempt: date("2026-03-01T16:02:00Z")
            ),
            json: json("retrying", beforeFigures: failureJSON, afterJob: #""nextAttempt":"2026-03-01T16:02:00.000Z","#)),
        Event(
            event: JobEvent(
                .snoozed, of: job, at: at, attempt: 1, worker: "w@1", failure: failure, nextAttempt: date("2026-03-01T16:02:00Z")),
            json: json("snoozed", beforeFigures: failureJSON, afterJob: #""nextAttempt":"2026-03-01T16:02:00.000Z","#)),
        Event(
            event: JobEvent(.failed, of: job, at: at, attempt: 2, worker: "w@1", failure: failure),
            json: json("failed", attempt: 2, beforeFigures: failureJSON)),
        Event(
            event: JobEvent(.cancelled, of: job, at: at, attempt: 1, worker: "w@1", failure: failure),
            json: json("cancelled", beforeFigures: failureJSON)),
        Event(
            event: JobEvent(
                .notice, of: job, at: at, attempt: 1, worker: "w@1",
                notice: JobEvent.Notice(
                    topic: "gdpr-request", subject: "r-1", facts: ["requestType": "GDPR_DELETE", "status": "COMPLETED"])),
            json: json(
                "notice",
                afterJob:
                    #""notice":{"facts":{"requestType":"GDPR_DELETE","status":"COMPLETED"},"subject":"r-1","topic":"gdpr-request"},"#
            )),
    ]
}
