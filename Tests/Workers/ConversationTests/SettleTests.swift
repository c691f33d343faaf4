import Contracts
import Foundation
import ObjectStorage
import Records
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("Settled days and history, by details jobs", .timeLimit(.minutes(5)))
struct SettleTests {
    private func day(
        _ conversationsPerDay: Int = 700, above: Int = 100_000, now: String = "2026-03-02T16:10:00Z",
        _ change: (inout SimulatorConfiguration) -> Void = { _ in }
    ) -> SimulatedDay {
        var day = SimulatedDay(conversationsPerDay: conversationsPerDay) {
            $0.now = SimulatorInstant(now)
            $0.data.longEvery = 20
            $0.data.correctionEvery = 10
            $0.jobs.pageLimit = 90
            // What jobs return is the state at the availability date; here it is the clock's.
            $0.jobs.availabilityLag = 0
            change(&$0)
        }
        day.configuration.splitAbove = above
        return day
    }

    private static let byJob = JSONValue.object(["method": .string("job")])

    /// Records as a query returns them: details jobs add the participants' attributes.
    private func withoutAttributes(_ lines: [[UInt8]]) -> Set<UInt64> {
        Set(lines.map { line in line.withUnsafeBytes { ConversationRecord.settledHash(of: RawRecord(bytes: $0)) } })
    }

    private func expectTruth(_ store: any ObjectStore, _ truth: Truth) async throws {
        let lines = try await SimulatedDay.allLines(store)
        let expected = (0..<truth.count).map { truth.line(at: $0) }
        #expect(lines.count == expected.count)
        let known = withoutAttributes(expected)
        let strangers = lines.filter {
            !known.contains($0.withUnsafeBytes { ConversationRecord.settledHash(of: RawRecord(bytes: $0)) })
        }
        let first = strangers.first.map { String(decoding: $0, as: UTF8.self) }
        #expect(strangers.isEmpty, "\(strangers.count) differ, such as \(first ?? "")")
    }

    private func now(_ running: SimulatedDay.Running) -> String {
        Timestamp.string(Date(timeIntervalSince1970: Double(running.simulator.clock.now.milliseconds) / 1000))
    }

    @Test("three days later the day is replaced by its settled state, and what changed is counted", arguments: [100_000, 300])
    func settled(above: Int) async throws {
        let day = day(above: above)
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let before = try await SimulatedDay.allLines(store)
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            let gone = try #require(before.first?.withUnsafeBytes { ConversationRecord.id(of: RawRecord(bytes: $0)) })
            #expect(running.simulator.deleteConversations([gone]) == 1)
            let results = try await running.complete(
                SimulatedDay.sweep("settle", dataset: "conversations-settled", day: "2026-03-02"))
            let after = try await SimulatedDay.allLines(store)
            let manifests = try await SimulatedDay.manifests(store)
            #expect(manifests.values.allSatisfy { $0.revision == 1000 } && (manifests.count > 1) == (above == 300))
            let days = results.filter { $0.key != "conversations-settled-0" }.values
            func sum(_ figure: String) -> Int { days.reduce(0) { $0 + ($1.figures[figure] ?? -1000) } }
            let (old, new) = (withoutAttributes(before), withoutAttributes(after))
            #expect(sum("removed") == 1 && sum("added") == 0)
            #expect(sum("changed") == new.subtracting(old).count && sum("changed") > 30)
            #expect(sum("unchanged") == new.intersection(old).count)
            let expected = try day.truth(now: now(running))
            let missing = expected.ids.firstIndex(of: gone).map { expected.line(at: $0) }
            #expect(new.union(withoutAttributes([try #require(missing)])).count == expected.count)
        }
    }

    @Test("what the vendor's job leaves out stays as long as the vendor knows it, and an end that the lake has stays too")
    func omitted() async throws {
        var day = day(500)
        day.vendor.jobs.omitEvery = 9
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
            let finished = try await SimulatedDay.allLines(store)
            let gone = try #require(finished.first?.withUnsafeBytes { ConversationRecord.id(of: RawRecord(bytes: $0)) })
            #expect(running.simulator.deleteConversations([gone]) == 1)
            // The job's data are of the evening after the day: long conversations were still open.
            running.simulator.setAvailability(SimulatorInstant("2026-03-02T16:30:00Z"))
            let results = try await running.complete(
                SimulatedDay.sweep("settle", dataset: "conversations-settled", day: "2026-03-02"))
            let figures = try #require(results["daily-20260302"]?.figures)
            #expect(figures["kept"] ?? 0 > 40 && figures["kept-ended"] ?? 0 > 5 && figures["removed"] == 1)
            let lines = try await SimulatedDay.allLines(store)
            #expect(lines.count == finished.count - 1)
            let open = lines.filter { $0.withUnsafeBytes { ConversationRecord.isOpen(RawRecord(bytes: $0)) } }
            #expect(open.isEmpty, "what had ended goes on again")
            #expect(lines.contains { String(decoding: $0, as: UTF8.self).contains(#""attributes""#) })
        }
    }

    @Test("a job that returns next to nothing of a day doesn't replace it")
    func nearlyNothing() async throws {
        var day = day(2500)
        day.vendor.jobs.omitEvery = 1
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let before = try #require(try await SimulatedDay.manifest(store))
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            let rerun = SimulatedDay.job(revision: 1000, parameters: Self.byJob)
            guard case .retry(_, let failure) = try await running.failure(rerun) else {
                Issue.record("not refused")
                return
            }
            #expect(failure.reason == "settled-incomplete" && failure.advice?.contains("accept-removed") == true)
            #expect(try await SimulatedDay.manifest(store) == before)
            let parameters = JSONValue.object(["method": .string("job"), "accept-removed": .bool(true)])
            #expect(try await running.done(SimulatedDay.job(revision: 1000, parameters: parameters)).figures["removed"] == 0)
        }
    }

    @Test("a damaged object of the old day doesn't keep the new one out")
    func damaged() async throws {
        let day = day(300)
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let objects = try #require(try await SimulatedDay.manifest(store)).objects
            try await store.put(ObjectKey(objects[0].key), bytes: Array("{}\n".utf8))
            try await store.delete(ObjectKey(objects[1].key))
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            let result = try await running.done(SimulatedDay.job(revision: 1000, parameters: Self.byJob))
            #expect(result.figures["unreadable-objects"] == 2)
            try await expectTruth(store, try day.truth(now: now(running)))
        }
    }

    @Test("what an attempt wanted to tell is told by the next one when it died after its manifest")
    func told() async throws {
        let day = day(300)
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            let rerun = SimulatedDay.job(revision: 1000, parameters: Self.byJob)
            let checkpoint = JobCheckpoint()
            let first = try await running.done(rerun, checkpoint)
            let again = try await running.done(rerun, JobCheckpoint(last: checkpoint.newest))
            #expect(first.figures["changed"] ?? 0 > 0 && again.figures["changed"] == first.figures["changed"])
            #expect(try await SimulatedDay.manifest(store)?.revision == 1000)
        }
    }

    @Test("a day isn't settled before its time, nor before the vendor's data are complete")
    func waits() async throws {
        let day = day(50) { $0.jobs.availabilityLag = 5 * 86_400 }
        try await day.run { running in
            let sweep = SimulatedDay.sweep("settle", dataset: "conversations-settled", day: "2026-03-02")
            guard case .snooze(let until, let early) = try await running.failure(sweep) else {
                Issue.record("not snoozed")
                return
            }
            #expect(early.reason == "not-settled" && until == Timestamp.date("2026-03-05T16:00:00Z") && running.pages == 0)
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            for job in [sweep, SimulatedDay.job(parameters: Self.byJob)] {
                guard case .snooze(_, let failure) = try await running.failure(job) else {
                    Issue.record("not snoozed")
                    return
                }
                #expect(failure.reason == "not-available")
            }
            running.simulator.clock.advance(by: .seconds(2 * 86_400))
            try await running.complete(SimulatedDay.job(parameters: Self.byJob))
        }
    }

    @Test("a sweep whose process died after its manifest asks for the reruns again")
    func redelivered() async throws {
        let day = day(50)
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            for (task, dataset) in [("settle", "conversations-settled"), ("finish-open", "conversations-open")] {
                let sweep = SimulatedDay.sweep(task, dataset: dataset, day: "2026-03-02")
                let asked = try await running.done(sweep).successors
                #expect(!asked.isEmpty)
                let again = try await running.done(sweep).successors
                #expect(again.map(\.id) == asked.map(\.id) && again.map(\.revision) == asked.map(\.revision))
            }
        }
    }

    @Test("a day of which a part is missing is neither finished nor settled: nothing may say that it is whole")
    func missingPart() async throws {
        let day = day(700, above: 300)
        let store = day.store
        try await day.run { running in
            guard case .children(let halves, _) = try await running.handle() else {
                Issue.record("not divided")
                return
            }
            try await running.complete(halves[0])
            running.simulator.clock.advance(by: .seconds(4 * 86_400))
            let sweep = SimulatedDay.sweep("settle", dataset: "conversations-settled", day: "2026-03-02")
            guard case .snooze(_, let failure) = try await running.failure(sweep) else {
                Issue.record("not snoozed")
                return
            }
            #expect(failure.reason == "not-extracted")
            let finish = try await running.done(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
            #expect(finish.successors.isEmpty && finish.figures["ended"] ?? 0 > 0)
            // Whoever reruns the day gets the whole, not the part that is there.
            try await running.complete(SimulatedDay.job(revision: 1, parameters: Self.byJob))
            try await expectTruth(store, try day.truth(now: now(running)))
        }
    }

    @Test("a day of history is the truth, with the attributes that only jobs return")
    func history() async throws {
        let day = day(now: SimulatedDay.now)
        try await day.run { running in
            let result = try await running.done(SimulatedDay.job(parameters: Self.byJob))
            try await expectTruth(day.store, try day.truth())
            #expect(result.figures["records"] == (try day.truth()).count && result.figures["submissions"] == 1)
            let lines = try await SimulatedDay.allLines(day.store)
            #expect(lines.contains { String(decoding: $0, as: UTF8.self).contains(#""attributes""#) })
        }
    }

    @Test("history that is too much to keep in mind is divided, and each part is settled as a part")
    func divided() async throws {
        var small = day(700, now: SimulatedDay.now)
        small.configuration.splitJobsAbove = 300
        let day = small
        try await day.run { running in
            try await running.complete(SimulatedDay.job(parameters: Self.byJob))
            try await expectTruth(day.store, try day.truth())
            #expect(try await SimulatedDay.manifests(day.store).count > 1)
            try await running.complete(SimulatedDay.job(revision: 1000, parameters: Self.byJob))
            try await expectTruth(day.store, try day.truth())
            #expect(try await SimulatedDay.manifests(day.store).values.allSatisfy { $0.revision == 1000 })
        }
    }

    @Test("jobs that the vendor loses are asked for again, and nothing is missed or doubled")
    func lost() async throws {
        let day = day(now: SimulatedDay.now) {
            $0.jobs.failEvery = 3
            $0.jobs.expireEvery = 2
            $0.jobs.lateResults = 2
            $0.jobs.emptyEvery = 3
            $0.jobs.repeatsCursor = true
            $0.faults = .hostile
        }
        var patient = day
        patient.configuration.jobResubmissions = 20
        try await patient.run { running in
            for id in ["a", "b", "c", "d"] {
                var job = SimulatedDay.job(revision: 0, parameters: Self.byJob)
                job.id = "daily-20260302"
                job.revision = ["a": 0, "b": 1, "c": 2, "d": 3][id] ?? 0
                let result = try await running.done(job)
                try await expectTruth(day.store, try day.truth())
                if id != "a" { #expect(result.figures["changed"] == 0 && result.figures["removed"] == 0) }
            }
        }
    }

    @Test("an attempt that ends in the middle leaves the vendor's job and cursor to the next one")
    func resumed() async throws {
        let day = day(now: SimulatedDay.now)
        let store = day.store
        let saved = JobCheckpoint()
        try await day.run { running in
            let first = Task { try await running.done(SimulatedDay.job(parameters: Self.byJob), saved) }
            while saved.newest.flatMap({ DetailsJobCursor($0.cursor) })?.pages.pages ?? 0 < 3 {
                await Task.yield()
                if first.isCancelled { break }
            }
            first.cancel()
            _ = await first.result
            let left = try #require(saved.newest)
            let cursor = try #require(DetailsJobCursor(left.cursor))
            let result = try await running.done(SimulatedDay.job(parameters: Self.byJob), JobCheckpoint(last: left))
            #expect(result.figures["resumed-pages"] == cursor.pages.pages && result.figures["submissions"] == 1)
            let submissions = running.simulator.requests.entries.count { $0.method == "POST" && $0.path.hasSuffix("/jobs") }
            #expect(submissions == 1)
            try await expectTruth(store, try day.truth())
        }
    }
}

@Suite("What of a record tells that it has changed")
struct SettledHashTests {
    private func hash(_ text: String) -> UInt64 {
        Array(text.utf8).withUnsafeBytes { ConversationRecord.settledHash(of: RawRecord(bytes: $0)) }
    }

    @Test(
        "participants' attributes don't, wherever they stand",
        arguments: [
            #"{"a":1,"participants":[{"p":1,"attributes":{"x":"attributes","y":[1]},"q":2},{"r":3}]}"#,
            #"{"a":1,"participants":[{"attributes":{},"p":1,"q":2},{"r":3}]}"#,
            #"{"a": 1, "participants": [{"attributes": {}, "p": 1, "q": 2}, {"r": 3}]}"#,
            #"{"participants":[{"q":2,"p":1},{"r":3,"attributes":null}],"a":1}"#,
            #"{"a":1,"participants":[{"p":1,"q":2,"attributes" : {"x":{"attributes":1}}},{"r":3, "attributes":{"k":"]}"}}]}"#,
        ])
    func attributes(text: String) {
        #expect(hash(text) == hash(#"{"a":1,"participants":[{"p":1,"q":2},{"r":3}]}"#))
    }

    @Test(
        "anything else does",
        arguments: [
            #"{"a":1,"participants":[{"p":1,"q":3},{"r":3}]}"#,
            #"{"a":1,"attributes":{},"participants":[{"p":1,"q":2},{"r":3}]}"#,
            #"{"a":1,"participants":[{"r":3},{"p":1,"q":2}]}"#, #"{"a":1,"participants":[{"p":2,"q":1},{"r":3}]}"#,
            #"{"a":1.0,"participants":[{"p":1,"q":2},{"r":3}]}"#, #"{"a":"1","participants":[{"p":1,"q":2},{"r":3}]}"#,
            #"{"a":1,"participants":[{"p":1,"q":2},{"r":{"attributes":1}}]}"#, #"{"a":1,"participants":[{"p":1,"q":2}]}"#, "{}",
        ])
    func others(text: String) {
        #expect(hash(text) != hash(#"{"a":1,"participants":[{"p":1,"q":2},{"r":3}]}"#))
    }
}
