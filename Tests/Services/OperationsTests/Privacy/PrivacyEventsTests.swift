import Contracts
import Foundation
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import Monitor
@testable import Operations

@Suite("Privacy: the monitor's tag follows")
struct PrivacyEventsTests {
    private let now = Date(timeIntervalSince1970: 1_772_000_000)

    private func job(_ id: String, parent: String? = nil, revision: Int = 0) -> Job {
        Job(
            id: id, kind: "conversation", source: "genesys/main", dataset: "conversations", day: "2026-03-01", revision: revision,
            parent: parent, root: parent ?? id, createdAt: now)
    }

    private func manifest(of id: String) -> String { "genesys/conversations/2026/03/01/_manifest.\(id).json" }

    /// A board that was told of a day, and the lake that it tags.
    private struct Watched {
        var board = DayBoard()
        let lake: PrivacyLake
        var tagged = 0

        mutating func take(_ events: [JobEvent], now: Date) async throws {
            let writer = TagWriter(store: lake.store, layout: lake.layout, readsObjects: true)
            for event in events {
                for effect in board.apply(event, now: now) {
                    switch effect {
                    case .succeed(let key, let manifests, let isKnownFromReruns):
                        try await writer.succeed(key, manifests: manifests, keepsEarlier: isKnownFromReruns)
                        tagged += 1
                    case .fail, .alert: Issue.record("\(effect)")
                    case .reopen(let key): try await writer.reopen(key)
                    case .resolve: break
                    }
                }
            }
        }
    }

    private func apply(_ lake: PrivacyLake, _ events: PrivacyEvents, _ watched: inout Watched) async throws {
        let subject = try PrivacyLake.subject(PrivacyLake.request())
        let plan = try await lake.plan(subject)
        #expect(!plan.findings.isEmpty)
        var events = events
        for finding in plan.findings {
            let told = Collected<(Manifest, ObjectKey)>()
            let revision = events.revision(after: finding.manifest)
            let rewrite = PrivacyRewrite(
                store: lake.store,
                announcer: PrivacyRewrite.Announcer(revision: { _ in revision }) { manifest, key in told.add((manifest, key)) },
                operatorName: "ops@host")
            _ = try await rewrite.apply(finding, subject)
            for (manifest, key) in told.all {
                let new = events.events(for: manifest, at: key.text, now: now)
                #expect(!new.isEmpty && new.allSatisfy { $0.job.revision == revision })
                for event in new { events.take(event) }
                try await watched.take(new, now: now)
                #expect(events.events(for: manifest, at: key.text, now: now).isEmpty, "told twice")
            }
        }
        #expect(try await lake.taggedLines("2026-03-01").sorted() == (try await lake.lines("2026-03-01").sorted()))
        #expect(try await lake.plan(subject).findings.isEmpty)
    }

    @Test("a day of one job: the new revision is verified and tagged")
    func single() async throws {
        let lake = PrivacyLake()
        let records = [PrivacyLake.record(1, contact: PrivacyLake.contact), PrivacyLake.record(2)]
        try await lake.write("2026-03-01", [records], job: "daily", tagged: false)
        let past = [JobEvent(.completed, of: job("daily"), at: now, attempt: 1, manifest: manifest(of: "daily"))]
        var watched = Watched(lake: lake)
        try await watched.take(past, now: now)
        var events = PrivacyEvents([PrivacyEvents.Day(job("daily"))])
        for event in past { events.take(event) }
        try await apply(lake, events, &watched)
        #expect(watched.tagged == 2)
        #expect(try await lake.taggedLines("2026-03-01") == [records[1]])
    }

    @Test("a day that was divided is told whole, so that nothing of it is missing in the new revision")
    func divided() async throws {
        let lake = PrivacyLake()
        try await lake.write(
            "2026-03-01", [[PrivacyLake.record(1, contact: PrivacyLake.contact)], [PrivacyLake.record(2)]], job: "daily.h1",
            tagged: false)
        try await lake.write(
            "2026-03-01", [[PrivacyLake.record(3), PrivacyLake.record(4, contact: PrivacyLake.contact)]], job: "daily.h2",
            tagged: false)
        let past = [
            JobEvent(.planned, of: job("daily"), at: now, attempt: 1, children: ["daily.h1", "daily.h2"]),
            JobEvent(.completed, of: job("daily.h1", parent: "daily"), at: now, attempt: 1, manifest: manifest(of: "daily.h1")),
            JobEvent(.completed, of: job("daily.h2", parent: "daily"), at: now, attempt: 1, manifest: manifest(of: "daily.h2")),
        ]
        var watched = Watched(lake: lake)
        try await watched.take(past, now: now)
        var events = PrivacyEvents([PrivacyEvents.Day(job("daily"))])
        for event in past { events.take(event) }
        try await apply(lake, events, &watched)
        #expect(watched.tagged >= 3 && watched.board.rows(now: now).first?.status == .done)
        #expect(try await lake.taggedLines("2026-03-01").sorted() == [PrivacyLake.record(2), PrivacyLake.record(3)])
    }

    @Test("a day that everybody has forgotten keeps the objects of its other jobs in the tag")
    func forgotten() async throws {
        let lake = PrivacyLake()
        try await lake.write(
            "2026-03-01", [[PrivacyLake.record(1, contact: PrivacyLake.contact), PrivacyLake.record(2)]], job: "daily.h1",
            tagged: false)
        try await lake.write("2026-03-01", [[PrivacyLake.record(3)]], job: "daily.h2", tagged: false)
        let folder = "genesys/conversations/2026/03/01"
        var manifests: [Manifest] = []
        for id in ["daily.h1", "daily.h2"] {
            manifests.append(try Manifest.decode(try await lake.store.read(try ObjectKey(manifest(of: id)), upTo: 1 << 20)))
        }
        let tag = try #require(Manifest(merging: manifests))
        try await lake.store.put(try ObjectKey(LakeLayout.success(in: folder)), bytes: tag.encoded())
        var watched = Watched(lake: lake)
        try await apply(lake, PrivacyEvents([PrivacyEvents.Day(job("daily"))]), &watched)
        #expect(watched.tagged == 1)
    }

    @Test("days whose jobs run are known, whatever part runs")
    func active() {
        var events = PrivacyEvents([PrivacyEvents.Day(job("daily"))])
        events.take(JobEvent(.planned, of: job("daily"), at: now, attempt: 1, children: ["daily.h1"]))
        events.take(JobEvent(.started, of: job("daily.h1", parent: "daily"), at: now, attempt: 1))
        #expect(events.active(on: PrivacyEvents.Day(job("daily"))).map(\.root) == ["daily"])
        events.take(JobEvent(.completed, of: job("daily.h1", parent: "daily"), at: now, attempt: 1, manifest: "m"))
        #expect(events.active(on: PrivacyEvents.Day(job("daily"))).isEmpty)
        events.take(
            JobEvent(
                .notice, of: job("daily"), at: now, attempt: 1, notice: JobEvent.Notice(topic: "t", subject: "s", facts: [:])))
        #expect(events.active(on: PrivacyEvents.Day(job("daily"))).isEmpty, "a notice is no state")
    }
}

/// What a closure was given.
private final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    var all: [Value] { values.withLock { $0 } }
    func add(_ value: Value) { values.withLock { $0.append(value) } }
}
