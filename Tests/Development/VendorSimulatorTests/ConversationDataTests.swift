import Foundation
import Testing

@testable import VendorSimulator

@Suite("Simulated conversations")
struct ConversationDataTests {
    private func calendar(_ count: Int, seed: UInt64 = 1) -> ConversationCalendar {
        var data = ConversationData()
        data.conversationsPerDay = count
        data.seed = seed
        return ConversationCalendar(data: data)
    }

    @Test("the scrambling can be undone", arguments: [0, 1, 0xFFFF_FFFF_FFFF_FFFF, 0x0123_4567_89AB_CDEF] as [UInt64])
    func mixing(value: UInt64) {
        #expect(Mixing.unmix(Mixing.mix(value)) == value)
    }

    @Test("an id leads back to its row and only under its seed")
    func identifiers() throws {
        for index: UInt32 in [0, 1, 199_999, Row.firstInserted, .max] {
            for day: Int32 in [0, 20_513, -3] {
                let row = Row(day: day, index: index)
                let identifier = ConversationID(row: row, seed: 42)
                #expect(
                    identifier.text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
                #expect(try #require(ConversationID(identifier.text)).row(seed: 42) == row)
                #expect(identifier.row(seed: 43) == nil)
            }
        }
        #expect(ConversationID("not an id") == nil)
        #expect(ConversationID("00000000-0000-4000-8000-000000000000")?.row(seed: 42) == nil)
    }

    @Test("the index orders the day by start, and every start is in its day", arguments: [1, 7, 240, 86_400])
    func starts(count: Int) {
        let calendar = calendar(count)
        let starts = (0..<UInt32(count)).map { calendar.start(of: Row(day: 20_513, index: $0)) }
        #expect(zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(starts.allSatisfy { $0.day == 20_513 })
    }

    @Test("the first index at an instant is what a search would find", arguments: [1, 7, 240])
    func firstIndex(count: Int) {
        let calendar = calendar(count)
        let starts = (0..<UInt32(count)).map { calendar.start(of: Row(day: 20_513, index: $0)) }
        let midnight = SimulatorInstant.startOfDay(20_513)
        var probes = starts + starts.map { $0.adding(milliseconds: 1) } + starts.map { $0.adding(milliseconds: -1) }
        probes += [midnight, midnight.adding(milliseconds: -5), midnight.adding(milliseconds: 86_400_000)]
        for probe in probes {
            let expected = starts.firstIndex { $0 >= probe } ?? count
            #expect(Int(calendar.firstIndex(onDay: 20_513, startingAt: probe)) == expected)
        }
    }

    @Test("the same seed gives the same bytes, another seed others")
    func determinism() throws {
        let first = try SimulatedDay.store(try SimulatedDay.configuration())
        let second = try SimulatedDay.store(try SimulatedDay.configuration())
        var other = try SimulatedDay.configuration()
        other.data.seed = 2
        let third = try SimulatedDay.store(other)
        for index: UInt32 in 0..<240 {
            let row = Row(day: 20_513, index: index)
            #expect(first.bytes(row) == second.bytes(row))
            #expect(first.bytes(row) != third.bytes(row))
        }
    }

    @Test("each kind of awkward content comes, and only when it is asked for", arguments: AwkwardContent.allCases)
    func awkward(kind: AwkwardContent) throws {
        let marks: [AwkwardContent: String] = [
            .numbers: "[1e400,-1E-400,0.1000,12345678901234567890,-0.0", .escapes: #"\u0000\u001F"#, .unicode: "東京",
            .unknownFields: #""totalHits":-1"#, .unknownEnums: "hologram", .whitespace: "\t:  [", .newlines: "\r\n",
            .loneSurrogates: #"\ud800 "#,
        ]
        let with = try text(awkward: [kind])
        let without = try text(awkward: Set(AwkwardContent.allCases).subtracting([kind]))
        switch kind {
        case .wholeSeconds:
            #expect(with.contains(/"conversationStart":"[0-9T:-]{19}Z"/))
            #expect(!without.contains(/"conversationStart":"[0-9T:-]{19}Z"/))
        case .missingFields:
            #expect(with.contains(/Z","participants":/))
            #expect(!without.contains(/Z","participants":/))
        case .keyOrder:
            #expect(with.contains(/"conversationId":"[^"]+"\}\n/))
            #expect(!without.contains(/"conversationId":"[^"]+"\}\n/))
        default:
            let mark = try #require(marks[kind])
            #expect(with.contains(mark))
            #expect(!without.contains(mark))
        }
    }

    private func text(awkward: Set<AwkwardContent>) throws -> String {
        let store = try SimulatedDay.store(try SimulatedDay.configuration(awkward: awkward))
        return (0..<UInt32(240)).map { String(decoding: store.bytes(Row(day: 20_513, index: $0)), as: UTF8.self) + "\n" }.joined()
    }

    @Test("a huge record has the size asked for")
    func huge() throws {
        var configuration = try SimulatedDay.configuration()
        configuration.data.hugeIndexes = [5]
        let store = try SimulatedDay.store(configuration)
        #expect(store.bytes(Row(day: 20_513, index: 5)).count >= 5_000_000)
        #expect(store.bytes(Row(day: 20_513, index: 6)).count < 10_000)
    }

    @Test("every record of every state is JSON to Python, and one object with its id")
    func python() async throws {
        var configuration = try SimulatedDay.configuration(conversationsPerDay: 1_000)
        configuration.data.hugeIndexes = [5]
        configuration.data.hugeBytes = 100_000
        configuration.data.longEvery = 10
        configuration.data.evaluationEvery = 3
        var lines = Data()
        var ids: [String] = []
        for now in ["2026-03-02T23:59:59Z", "2026-03-09T00:00:00Z"] {
            configuration.now = try SimulatedDay.instant(now)
            let store = try SimulatedDay.store(configuration)
            for row in store.rows(try SimulatedDay.query()) {
                lines += Data(store.bytes(row).map { $0 == 10 || $0 == 13 ? 32 : $0 }) + [10]
                ids.append(store.world.calendar.identifier(of: row).text)
            }
        }
        let script = """
            import json, sys
            for line in sys.stdin.buffer.read().split(b"\\n")[:-1]:
                pairs = json.loads(line, object_pairs_hook=lambda pairs: pairs)
                keys = [key for key, _ in pairs]
                assert len(keys) == len(set(keys)), keys
                print(dict(pairs)["conversationId"])
            """
        let output = try await Python.run(script, input: lines)
        #expect(output.split(separator: "\n").map(String.init) == ids)
    }

    @Test("an open conversation has no end, gets one by the clock, and then an evaluation and a correction")
    func life() throws {
        var configuration = try SimulatedDay.configuration(awkward: [])
        configuration.data.evaluationEvery = 1
        configuration.data.correctionEvery = 1
        let store = try SimulatedDay.store(configuration)
        let row = Row(day: 20_513, index: 100)
        let facts = store.world.calendar.facts(of: row)
        let evaluated = try #require(facts.evaluated)
        let corrected = try #require(facts.corrected)
        #expect(corrected >= facts.end.adding(milliseconds: 48 * 3_600_000))
        #expect(corrected < facts.end.adding(milliseconds: 72 * 3_600_000))
        #expect(corrected.description.hasSuffix("T03:00:00.000Z"))

        func record(at instant: SimulatorInstant) throws -> String {
            store.clock.set(to: instant)
            return String(decoding: store.bytes(row), as: UTF8.self)
        }
        let open = try record(at: facts.end.adding(milliseconds: -1))
        #expect(!open.contains("conversationEnd") && open.contains("conversationStart") && !open.contains("wrapup"))
        let ended = try record(at: facts.end)
        #expect(ended.contains("\"conversationEnd\":\"\(facts.end)\"") && !ended.contains("evaluations"))
        #expect(try record(at: evaluated).contains("\"eventTime\":\"\(evaluated)\""))
        #expect(try record(at: corrected).contains("customerParticipation"))
    }

    @Test("some conversations cross midnight and some last for days")
    func long() throws {
        let calendar = calendar(2_000)
        let facts = (0..<UInt32(2_000)).map { calendar.facts(of: Row(day: 20_513, index: $0)) }
        #expect(facts.contains { $0.end.day == $0.start.day + 1 })
        #expect(facts.contains { $0.end.milliseconds - $0.start.milliseconds > 2 * 86_400_000 })
    }
}
