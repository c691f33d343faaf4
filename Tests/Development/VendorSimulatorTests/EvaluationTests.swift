import Foundation
import NIOCore
import Testing

@testable import VendorSimulator

@Suite("Simulated evaluations")
struct SimulatedEvaluationTests {
    private func configuration(_ now: String = "2026-03-20T00:00:00Z") -> SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.data.conversationsPerDay = 200
        configuration.data.evaluationEvery = 2
        configuration.now = SimulatorInstant(now)
        configuration.isClockFrozen = true
        return configuration
    }

    private func service(_ configuration: SimulatorConfiguration, _ clock: SimulatorClock? = nil) throws -> QualityService {
        let organisation = Organisation(seed: configuration.data.seed, evaluators: configuration.data.evaluators)
        let start = configuration.now ?? SimulatorInstant(milliseconds: 0)
        let store = try ConversationStore(
            data: configuration.data, organisation: organisation,
            clock: clock ?? SimulatorClock(start: start, isFrozen: true), settings: ConversationStore.Settings())
        return QualityService(
            book: EvaluationBook(store: store, renderer: store.world.evaluations), pageLimit: configuration.listingPageLimit,
            wrongTotals: configuration.wrongTotals, longestWindow: configuration.longestEvaluationWindow)
    }

    private struct Envelope: Decodable {
        struct Reference: Decodable { var id: String }

        struct Answers: Decodable { var totalScore: Double }

        struct Entity: Decodable {
            var id: String
            var conversation: Reference
            var evaluator: Reference?
            var assignedDate: String
            var status: String
            var version: Int
            var answers: Answers?
        }

        var entities: [Entity]
        var total: Int
        var pageCount: Int
        var pageSize: Int
        var nextUri: String?
    }

    private func ask(_ service: QualityService, _ path: String, _ query: String) throws -> Answer {
        let found = try service.answer(Question(path: path, query: query), "context")
        return try #require(found)
    }

    private func all(_ service: QualityService, _ query: String) throws -> [Envelope] {
        var pages: [Envelope] = []
        var query: String? = query
        while let current = query {
            let answer = try ask(service, "/api/v2/quality/evaluations/query", current)
            let page = try JSONDecoder().decode(Envelope.self, from: Data(Array(buffer: answer.body)))
            pages.append(page)
            query = page.nextUri.map { String($0.split(separator: "?")[1]) }
        }
        return pages
    }

    private let window = "startTime=2026-03-01T16%3A00%3A00.000Z&endTime=2026-03-02T16%3A00%3A00.000Z"

    @Test("one of four parameters is required, an unknown or hidden user is refused with the vendor's code")
    func required() throws {
        let service = try service(configuration())
        #expect(throws: QueryRejection.self) { try ask(service, "/api/v2/quality/evaluations/query", "pageSize=100") }
        let deleted = service.book.renderer.organisation.users[11].id
        for (query, isTaken) in [
            ("evaluatorUserId=nobody", false), ("evaluatorUserId=\(deleted)", false),
            ("evaluatorUserId=\(deleted)&includeDeletedUsers=true", true),
        ] {
            let answer = try ask(service, "/api/v2/quality/evaluations/query", query)
            #expect((answer.status == 200) == isTaken)
            #expect(isTaken || String(buffer: answer.body).contains("quality.query.invalid.user"))
        }
    }

    @Test("pages follow nextUri while total and page count lie; by assigned date, answers on demand alone")
    func pages() throws {
        var configuration = configuration()
        configuration.listingPageLimit = 4
        configuration.wrongTotals = true
        configuration.data.evaluators = 1
        let service = try service(configuration)
        let evaluator = service.book.renderer.organisation.evaluators[0].id
        let pages = try all(service, "evaluatorUserId=\(evaluator)&\(window)&pageSize=100&includeDeletedUsers=true")
        let entities = pages.flatMap(\.entities)
        #expect(pages.count > 3 && pages[0].pageSize == 4 && pages[0].pageCount < pages.count && pages[0].total < entities.count)
        #expect(
            entities.map(\.assignedDate).sorted() == entities.map(\.assignedDate)
                && Set(entities.map(\.id)).count == entities.count)
        #expect(entities.allSatisfy { $0.answers == nil && $0.evaluator?.id == evaluator })
        let expanded = try all(
            service, "evaluatorUserId=\(evaluator)&\(window)&expandAnswerTotalScores=true&includeDeletedUsers=true")
        #expect(expanded.flatMap(\.entities).contains { $0.answers != nil })
    }

    @Test("conversations carry the same evaluations in the same state, whatever the clock says")
    func agreement() throws {
        let configuration = configuration("2026-03-03T00:00:00Z")
        let clock = SimulatorClock(start: try #require(configuration.now), isFrozen: true)
        let service = try service(configuration, clock)
        let store = service.book.store
        var states: Set<String> = []
        for _ in 0..<8 {
            let start = try #require(SimulatorInstant("2026-03-01T00:00:00Z"))
            let entries = service.book.assigned(from: start, to: clock.now)
            #expect(!entries.isEmpty)
            for entry in entries {
                let id = store.world.calendar.identifier(of: entry.facts.row)
                let version = try #require(store.conversation(id))
                var bytes = RecordBytes(capacity: 8_192)
                store.append(version, to: &bytes)
                let state = try #require(entry.plan.state(at: clock.now))
                let status = entry.facts.awkward == .unknownEnums ? "Pondered" : state.status.inAnalytics
                #expect(
                    bytes.string.contains(#""evaluationId":"\#(entry.id)""#)
                        && bytes.string.contains(#""evaluationStatus":"\#(status)""#))
                states.insert(status)
                #expect(service.book.evaluations(ofConversation: id.text).contains { $0.id == entry.id })
            }
            clock.advance(by: .seconds(6 * 86_400))
        }
        #expect(states.isSuperset(of: ["Pending", "InProgress", "Finished", "InReview", "Retracted"]))
    }

    @Test("a record's bytes change at its own moments alone")
    func stability() throws {
        let configuration = configuration("2026-03-03T00:00:00Z")
        let clock = SimulatorClock(start: try #require(configuration.now), isFrozen: true)
        let service = try service(configuration, clock)
        let start = try #require(SimulatorInstant("2026-03-01T00:00:00Z"))
        for entry in service.book.assigned(from: start, to: clock.now).prefix(40) {
            var seen: [String] = []
            for state in entry.plan.states {
                var texts: Set<String> = []
                let next = entry.plan.states.first { $0.at > state.at }?.at ?? state.at.adding(milliseconds: 1_000)
                for moment in [state.at, next.adding(milliseconds: -1)] {
                    clock.set(to: moment)
                    var bytes = RecordBytes(capacity: 4_096)
                    service.book.append(entry, as: .listing(answers: true), to: &bytes)
                    texts.insert(bytes.string)
                }
                #expect(texts.count == 1)
                seen += texts
            }
            #expect(Set(seen).count == entry.plan.states.count)
        }
    }

    @Test("forms: the plain list has no questions, every version is found by its id, published ones never change")
    func forms() throws {
        let service = try service(configuration())
        let list = String(buffer: try ask(service, "/api/v2/quality/forms/evaluations", "").body)
        #expect(!list.contains("questionGroups") && !list.contains("\"published\":true"))
        let version = service.book.renderer.forms.forms[1][0]
        let whole = String(buffer: try ask(service, "/api/v2/quality/forms/evaluations/\(version.id)", "").body)
        #expect(whole.contains("questionGroups") && whole.contains("\"published\":true") && whole.contains(version.contextID))
        #expect(try ask(service, "/api/v2/quality/forms/evaluations/nothing", "").status == 404)
        let versions = String(buffer: try ask(service, "/api/v2/quality/forms/evaluations/\(version.id)/versions", "").body)
        #expect(versions.components(separatedBy: "\"modifiedDate\"").count == FormBook.publishedVersions + 2)
    }
}

extension Question {
    /// A GET.
    fileprivate init(path: String, query: String) {
        self.init(method: "GET", path: path, query: query, authorization: nil, contentType: nil, body: [])
    }
}
