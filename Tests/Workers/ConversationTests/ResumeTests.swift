import Contracts
import Extraction
import Foundation
import ObjectStorage
import Synchronization
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("A conversation day that goes on where an attempt stopped", .timeLimit(.minutes(5)))
struct ResumeTests {
    /// A store that fails once, when an object is to become visible or is taken away.
    private static func failing(_ operation: MemoryObjectStore.Operation, _ name: String) -> MemoryObjectStore {
        let isArmed = Mutex(true)
        return MemoryObjectStore { found, key in
            guard found == operation, key.text.hasSuffix(name), isArmed.withLock({ $0 }) else { return nil }
            isArmed.withLock { $0 = false }
            return ObjectStorageError(.unavailable, store: "memory:", key: key.text, message: "down")
        }
    }

    private static func contents(_ store: any ObjectStore) async throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for try await object in store.list(prefix: "") {
            contents[object.key.text] = try await store.read(object.key, upTo: 1 << 28)
        }
        return contents
    }

    /// Runs a day whose first attempt fails; returns what the first left and what the second asked for.
    private func interrupted(
        _ day: SimulatedDay, between: @escaping @Sendable (any ObjectStore) async throws -> Void = { _ in },
        change: @escaping @Sendable (Checkpoint?) -> Checkpoint? = { $0 }
    ) async throws -> (left: Checkpoint?, asked: Int, result: JobResult?) {
        let found = Mutex((left: Checkpoint?.none, asked: 0, result: JobResult?.none))
        let store = day.store
        try await day.run { running in
            let first = JobCheckpoint()
            guard case .retry = try await running.failure(SimulatedDay.job(), first) else {
                Issue.record("the first attempt didn't fail")
                return
            }
            let asked = running.pages
            try await between(store)
            let result = try await running.done(SimulatedDay.job(), JobCheckpoint(last: change(first.newest)))
            found.withLock { $0 = (first.newest, running.pages - asked, result) }
            if day.vendor.pageShift.mode == .none { try await SimulatedDay.expectTruth(store, try running.truth()) }
        }
        return found.withLock { $0 }
    }

    @Test(
        "the lake is byte for byte the same, and the pages that were written aren't asked for again",
        arguments: [1, 2, 5, 9, 11], [1, 4])
    func sameBytes(page: Int, concurrency: Int) async throws {
        var undisturbed = SimulatedDay(conversationsPerDay: 250) { $0.data.awkwardEvery = 3 }
        undisturbed.configuration.pageSize = 20
        try await undisturbed.run { _ = try await $0.done() }

        var day = SimulatedDay(conversationsPerDay: 250) { $0.data.awkwardEvery = 3 }
        day.configuration.pageSize = 20
        day.configuration.concurrency = concurrency
        day.store = Self.failing(.finish, "_20260302_\(page).json")
        let (left, asked, result) = try await interrupted(day)
        #expect(try await Self.contents(day.store) == Self.contents(undisturbed.store))
        let cursor = left.flatMap { PageCursor($0.cursor) }
        let total = try #require(try await SimulatedDay.manifest(day.store)).objects.count
        #expect(cursor?.pages ?? 0 == page - 1 || (cursor?.pages ?? 0 < page && concurrency > 1))
        // Pages that are asked for ahead of the end may be a few more; those that were written aren't asked for again.
        let missing = total + 1 - (cursor?.pages ?? 0)
        #expect((missing..<missing + concurrency).contains(asked), "what was missing, and the empty page")
        #expect(result?.figures["resumed-pages"] ?? 0 == cursor?.pages ?? 0)
        #expect(result?.figures["vendor-bytes"] ?? 0 > 0)
    }

    @Test("an end after the last page but before the manifest costs the next attempt one page and the empty one")
    func beforeManifest() async throws {
        var day = SimulatedDay(conversationsPerDay: 250)
        day.configuration.pageSize = 20
        day.store = Self.failing(.put, "_manifest.daily-20260302.json")
        let (left, asked, _) = try await interrupted(day)
        let objects = try #require(try await SimulatedDay.manifest(day.store)).objects.count
        let full = left.flatMap { PageCursor($0.cursor) }?.pages
        #expect(full == objects - 1 && asked == 2)
    }

    @Test("an object that was changed or is gone since makes the job begin anew, to the right result", arguments: [true, false])
    func changed(isGone: Bool) async throws {
        var day = SimulatedDay(conversationsPerDay: 250)
        day.configuration.pageSize = 20
        day.store = Self.failing(.finish, "_20260302_9.json")
        let store = day.store
        let (left, asked, result) = try await interrupted(
            day,
            between: { store in
                let key = try ObjectKey("\(SimulatedDay.folder)/genesys_conversations_20260302_3.json")
                var bytes = try await store.read(key, upTo: 1 << 20)
                try await store.delete(key)
                guard !isGone else { return }
                // Still twenty lines that look like records.
                let place = try #require(bytes.firstIndex(of: UInt8(ascii: "5")))
                bytes[place] = UInt8(ascii: "6")
                try await store.put(key, bytes: bytes)
            })
        #expect(left != nil && result?.figures["resumed-pages"] == nil)
        let objects = try #require(try await SimulatedDay.manifest(store)).objects.count
        // Pages that are asked for ahead of the end may be a few more.
        #expect(asked > objects)
    }

    @Test(
        "a checkpoint that is old, of another request, or no checkpoint at all isn't gone on from",
        arguments: ["old", "query", "future", "pages", "step", "nonsense"])
    func unusable(what: String) async throws {
        var day = SimulatedDay(conversationsPerDay: 150)
        day.configuration.pageSize = 20
        day.store = Self.failing(.finish, "_20260302_5.json")
        let (left, _, result) = try await interrupted(
            day,
            change: { checkpoint in
                guard var checkpoint, var cursor = PageCursor(checkpoint.cursor) else { return nil }
                switch what {
                case "old": cursor.at -= 3601
                case "future": cursor.at += 4000
                case "query": cursor.query = String(cursor.query.reversed())
                case "pages": cursor.pages += 1
                case "step": checkpoint.step = "other"
                default: break
                }
                checkpoint.cursor = what == "nonsense" ? .array([.null]) : cursor.value
                return checkpoint
            })
        #expect(left != nil && result?.figures["resumed-pages"] == nil)
    }

    @Test(
        "rows that shift before and after the stop: every conversation once, in its latest version",
        arguments: [PageShift.Mode.overlap, .insert], [3, 8, 12])
    func pageShift(_ mode: PageShift.Mode, page: Int) async throws {
        var day = SimulatedDay(conversationsPerDay: 300) {
            $0.pageShift = PageShift(mode: mode)
            $0.pageShift.limit = 12
            $0.pageShift.everyPages = 2
        }
        day.configuration.pageSize = 20
        day.configuration.maximumPasses = 20
        let store = Self.failing(.finish, "_20260302_\(page).json")
        day.store = store
        try await day.run { running in
            let first = JobCheckpoint()
            guard case .retry = try await running.failure(SimulatedDay.job(), first) else {
                Issue.record("the first attempt didn't fail")
                return
            }
            let result = try await running.done(SimulatedDay.job(), JobCheckpoint(last: first.newest))
            try await SimulatedDay.expectTruth(store, try running.truth(), inOrder: false)
            #expect(result.figures["unsettled"] == 0)
        }
    }

    /// A vendor that refuses so many requests in a row, from each of these on, that an attempt fails.
    private static func outages(at requests: [Int]) -> FaultPlan {
        let rules = requests.map { first in
            FaultRule(path: "/api/", requests: Array(first..<first + 12), fault: .status(503, body: .empty))
        }
        return FaultPlan(mercy: 0, rules: rules)
    }

    /// Runs attempts until one succeeds; what each of the others left.
    private static func attempts(_ running: SimulatedDay.Running) async throws -> (left: [Checkpoint?], result: JobResult) {
        var left: [Checkpoint?] = []
        while left.count < 20 {
            let checkpoint = JobCheckpoint(last: left.last ?? nil)
            if case .done(let result) = try await running.failure(SimulatedDay.job(), checkpoint) { return (left, result) }
            left.append(checkpoint.newest ?? left.last ?? nil)
        }
        throw SimulatedDay.NotDone()
    }

    @Test("an attempt that ends in a later pass is gone on from in that pass, at that page", arguments: [18, 26, 40])
    func laterPass(request: Int) async throws {
        var day = SimulatedDay(conversationsPerDay: 300) {
            $0.hitsJitter = 700
            $0.faults = Self.outages(at: [request])
        }
        day.configuration.pageSize = 20
        day.configuration.concurrency = 1
        let store = day.store
        try await day.run { running in
            let (left, result) = try await Self.attempts(running)
            try await SimulatedDay.expectTruth(store, try running.truth())
            let aPass = try running.truth().count / 20 + 1
            #expect(left.count == 1 && result.figures["passes"] == 3, "totals that are wrong cost three passes")
            // Each page of each pass once, the refused requests, and the page with room left or none where the first attempt stood.
            #expect((aPass * 3 + 12...aPass * 3 + 13).contains(running.pages), "\(running.pages) for passes of \(aPass)")
            let cursor = try #require(left[0].flatMap { PassCursor($0) })
            #expect(cursor.start.pass == (request - 1) / aPass + 1 && cursor.start.page == (request - 2) % aPass + 1)
            #expect(result.figures["unsettled"] == 0)
        }
    }

    @Test(
        "rows that shift while attempts end in later passes: every conversation once, in its latest version",
        arguments: [PageShift.Mode.overlap, .insert], [[19], [35], [22, 50, 75], [30, 44, 58, 72, 86]])
    func pageShiftInLaterPasses(_ mode: PageShift.Mode, requests: [Int]) async throws {
        var day = SimulatedDay(conversationsPerDay: 300) {
            $0.pageShift = PageShift(mode: mode)
            $0.pageShift.limit = 30
            $0.pageShift.everyPages = 2
            $0.faults = Self.outages(at: requests)
        }
        day.configuration.pageSize = 20
        day.configuration.maximumPasses = 20
        let store = day.store
        try await day.run { running in
            let (left, result) = try await Self.attempts(running)
            #expect(!left.isEmpty)
            try await SimulatedDay.expectTruth(store, try running.truth(), inOrder: false)
            #expect(result.figures["unsettled"] == 0)
        }
    }

    @Test("what a later pass added and is changed or gone since makes the job begin anew, to the right result")
    func laterObjectChanged() async throws {
        var day = SimulatedDay(conversationsPerDay: 300) {
            $0.pageShift = PageShift(mode: .insert)
            $0.pageShift.limit = 30
            $0.pageShift.everyPages = 2
            $0.faults = Self.outages(at: [30])
        }
        day.configuration.pageSize = 20
        day.configuration.maximumPasses = 20
        let store = day.store
        try await day.run { running in
            let first = JobCheckpoint()
            guard case .retry = try await running.failure(SimulatedDay.job(), first) else { throw SimulatedDay.NotDone() }
            let left = try #require(first.newest)
            let cursor = try #require(PassCursor(left))
            let last = try ObjectKey("\(SimulatedDay.folder)/genesys_conversations_20260302_\(cursor.pages.pages).json")
            #expect(cursor.start.pass == 2 && cursor.pages.pages > 16)
            try await store.delete(last)
            let result = try await running.done(SimulatedDay.job(), JobCheckpoint(last: left))
            try await SimulatedDay.expectTruth(store, try running.truth(), inOrder: false)
            #expect(result.figures["resumed-pages"] == nil)
        }
    }

    @Test("the place in a later pass is read back as it was written; what is none is refused")
    func passCursor() throws {
        let digest = WrittenPages().digest
        let pages = PageCursor(pages: 0, digest: digest, bytes: 0, total: nil, query: "q", at: 1)
        var listing = MovingListing()
        listing.beginPass(total: 7)
        listing.answered(total: 8)
        let cursor = PassCursor(
            pages: pages, start: PassStart(pass: 3, page: 5, hasNews: true), listing: listing, hasConflicts: true)
        #expect(PassCursor(Checkpoint(step: PassCursor.step, cursor: cursor.value, figures: [:])) == cursor)
        for (name, value) in [
            ("pass", JSONValue.integer(1)), ("pass", .integer(1_000_000)), ("page", .integer(0)), ("has-news", .null),
            ("has-conflicts", .integer(1)), ("listing", .array([])), ("objects", .null),
        ] {
            guard case .object(var fields) = cursor.value else { return }
            fields[name] = value
            #expect(PassCursor(Checkpoint(step: PassCursor.step, cursor: .object(fields), figures: [:])) == nil, "\(name)")
        }
        #expect(PassCursor(Checkpoint(step: "other", cursor: cursor.value, figures: [:])) == nil)
    }

    @Test("written pages form a row from the first one, whatever the order in which they came", arguments: 0..<50)
    func row(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var order = Array(1...30)
        order.shuffle(using: &random)
        var pages = WrittenPages()
        var seen: Set<Int> = []
        for page in order {
            seen.insert(page)
            let before = pages.count
            let grew = pages.add(page, sha256: "s\(page)", bytes: page, total: nil)
            let expected = (1...31).first { !seen.contains($0) }.map { $0 - 1 }
            #expect(pages.count == expected && grew == (pages.count > before))
        }
        var inOrder = WrittenPages()
        for page in 1...30 { _ = inOrder.add(page, sha256: "s\(page)", bytes: page, total: nil) }
        #expect(pages.digest == inOrder.digest && pages.bytes == 465)
        var other = WrittenPages()
        for page in 1...30 { _ = other.add(page, sha256: page == 7 ? "x" : "s\(page)", bytes: page, total: nil) }
        #expect(other.digest != inOrder.digest)
    }

    @Test("a cursor is read back as it was written; what is none is refused")
    func cursor() {
        let cursor = PageCursor(pages: 7, digest: "ab", bytes: 123, total: nil, query: "cd", at: 1_700_000_000)
        #expect(PageCursor(cursor.value) == cursor)
        var counted = cursor
        counted.total = 12
        #expect(PageCursor(counted.value) == counted)
        for value in [JSONValue.null, .object([:]), .string("x"), .integer(3)] { #expect(PageCursor(value) == nil) }
        for pages in [Int64(0), -1, 100_001, .max] {
            guard case .object(var fields) = cursor.value else { return }
            fields["pages"] = .integer(pages)
            #expect(PageCursor(.object(fields)) == nil)
        }
    }
}
