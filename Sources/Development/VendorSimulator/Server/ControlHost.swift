import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The address at which tests and people look into the simulator and steer it; the real vendor has no such thing.
///
///     GET    /health                       {"status":"ok"}
///     GET    /requests?last=100            counts of all answers and the last requests
///     DELETE /requests                     forget them
///     GET    /truth?interval=a/b           every record once in its latest state, one a line; with &attributes=true as the
///                                          results of details jobs have it
///     POST   /truth                        the same for the body of a details query (its paging is ignored)
///     GET    /truth/digest?interval=a/b    {"records":…,"bytes":…,"sha256":…} of those lines; POST as above
///     GET    /truth/users?interval=a/b     every presence and routing record that begins there: {"userId":…,"kind":…,"record":…};
///                                          with &reaching=true also those that began before and reach into it
///     GET    /jobs                         {"submitted":n,"availability":"…","behaviour":{…}}
///     PUT    /jobs                         a behaviour of details jobs; fields that are left out have their defaults
///     PUT    /availability                 {"date":"2026-03-05T00:00:00Z"} holds it still; {} lets it follow the clock
///     GET    /truth/evaluations?interval=a/b  the evaluations assigned in it, each in its latest version, one a line
///     GET    /clock                        {"now":"…","frozen":…}
///     POST   /clock                        {"advance": seconds} or {"now": "2026-03-05T00:00:00Z"}
///     POST   /tokens/revoke                revokes every token: {"revoked":n}
///     GET    /faults                       {"enabled":…,"plan":{…}}
///     PUT    /faults                       a plan, or {"preset":"hostile"}
///     POST   /faults                       {"enabled": false}
///     PUT    /rate-limit                   {"requests": 300, "window": 60}; without requests the limit is lifted
///     POST   /conversations/delete         {"ids":[…]}: {"changed":n}
///     POST   /conversations/revise         {"ids":[…]}: {"changed":n}
///     POST   /gdpr/requests                {"requestType":"GDPR_DELETE","conversations":[…]} and, if it isn't to be the first
///                                          one's customer, "subject":{…}; "replacementTerms":[…]: {"id":"…"}
///     POST   /gdpr/execute                 {"id":"…"}: {"changed":n} conversations are gone or changed at the vendor
struct ControlHost: SimulatedHost {
    let genesys: GenesysServices
    let faults: FaultInjector
    let log: RequestLog

    func respond(to request: Request, on connection: any Channel) async throws -> Response {
        do {
            return try await answer(try await Question(request))
        } catch let error as ControlError {
            return Answer(status: error.status, json: #"{"error":\#(JSONText.quoted(error.reason))}"#).response
        } catch let error as QueryRejection {
            return Answer(status: 400, json: #"{"error":\#(JSONText.quoted(error.message))}"#).response
        } catch let error as FaultPlanError {
            return Answer(status: 400, json: #"{"error":\#(JSONText.quoted(error.description))}"#).response
        } catch let error as DecodingError {
            return Answer(status: 400, json: #"{"error":\#(JSONText.quoted(QueryRejection.explain(error)))}"#).response
        }
    }

    private func answer(_ question: Question) async throws -> Response {
        switch (question.method, question.path) {
        case ("GET", "/health"): return Answer(json: #"{"status":"ok"}"#).response
        case ("GET", "/requests"): return try requests(question)
        case ("DELETE", "/requests"):
            log.clear()
            return try json(Changed(changed: 0))
        case ("GET", "/truth"), ("POST", "/truth"): return lines(of: try truth(question))
        case ("GET", "/truth/digest"), ("POST", "/truth/digest"):
            return try json(try await truth(question).digest())
        case ("GET", "/truth/users"): return try userLines(question)
        case ("GET", "/jobs"): return try jobs()
        case ("PUT", "/jobs"):
            genesys.jobs.behaviour = try decode(DetailsJobBehaviour.self, question)
            return try jobs()
        case ("PUT", "/availability"): return try setAvailability(question)
        case ("GET", "/truth/evaluations"): return try evaluations(question)
        case ("GET", "/clock"): return try clock()
        case ("POST", "/clock"): return try moveClock(question)
        case ("POST", "/tokens/revoke"): return Answer(json: #"{"revoked":\#(genesys.tokens.revokeAll())}"#).response
        case ("GET", "/faults"): return try plan()
        case ("PUT", "/faults"): return try setPlan(question)
        case ("POST", "/faults"):
            faults.isEnabled = try decode(Switch.self, question).enabled
            return try plan()
        case ("PUT", "/rate-limit"): return try setRateLimit(question)
        case ("POST", "/conversations/delete"): return try change(question) { genesys.store.delete($0) }
        case ("POST", "/conversations/revise"): return try change(question) { genesys.store.revise($0) }
        case ("POST", "/gdpr/requests"):
            return try json(Identifier(id: try genesys.privacy.add(question.body, in: genesys.store)))
        case ("POST", "/gdpr/execute"):
            let id = try decode(Identifier.self, question).id
            guard let changed = genesys.privacy.execute(id, in: genesys.store) else {
                throw ControlError(status: 404, reason: "there is no such request")
            }
            return try json(Changed(changed: changed))
        default: throw ControlError(status: 404, reason: "there is no \(question.method) \(question.path)")
        }
    }

    // MARK: Looking

    private struct Requests: Encodable {
        var total: Int
        var counts: [RequestLog.Count]
        var recent: [RequestLog.Entry]
    }

    private func requests(_ question: Question) throws -> Response {
        let last = FormBody.parse(question.query)["last"].map { Int($0) } ?? 100
        guard let last, last >= 0 else { throw ControlError(status: 400, reason: "last must be a number") }
        return try json(Requests(total: log.total, counts: log.counts, recent: log.entries(last: last)))
    }

    private func query(_ question: Question) throws -> ConversationQuery {
        if question.method == "POST" { return try ConversationQuery(body: question.body, depthLimit: nil) }
        guard let text = FormBody.parse(question.query)["interval"], let interval = SimulatorInterval(text),
            interval.length > 0, interval.length <= ConversationQuery.maximumInterval
        else { throw ControlError(status: 400, reason: "interval must be start/end in ISO-8601, up to 31 days") }
        return ConversationQuery(interval: interval)
    }

    private func truth(_ question: Question) throws -> Truth {
        Truth(
            store: genesys.store, query: try query(question),
            hasAttributes: FormBody.parse(question.query)["attributes"] == "true")
    }

    private func lines(of truth: Truth) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                var output = writer
                try await truth.writeLines { try await output.write(ByteBuffer(bytes: $0)) }
                try await output.finish(nil)
            })
    }

    private func userLines(_ question: Question) throws -> Response {
        let reaching = FormBody.parse(question.query)["reaching"] == "true"
        let lines = genesys.users.truth(try query(question).interval, reaching: reaching)
        return Answer(
            contentType: "application/x-ndjson",
            body: ByteBuffer(bytes: lines.flatMap { $0 + [UInt8(ascii: "\n")] })
        ).response
    }

    private struct Jobs: Encodable {
        var submitted: Int
        var availability: String
        var behaviour: DetailsJobBehaviour
    }

    private func jobs() throws -> Response {
        try json(
            Jobs(
                submitted: genesys.jobs.submitted, availability: genesys.jobs.availability.description,
                behaviour: genesys.jobs.behaviour))
    }

    private struct Availability: Decodable {
        var date: String?
    }

    private func setAvailability(_ question: Question) throws -> Response {
        let date = try decode(Availability.self, question).date
        let instant = date.map { SimulatorInstant($0) }
        if case .some(.none) = instant { throw ControlError(status: 400, reason: "date must be ISO-8601") }
        genesys.jobs.setAvailability(instant ?? nil)
        return try jobs()
    }

    private func evaluations(_ question: Question) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var body = ByteBuffer()
        for evaluation in EvaluationTruth(book: genesys.quality.book, interval: try query(question).interval).evaluations {
            body.writeBytes(try encoder.encode(evaluation))
            body.writeString("\n")
        }
        return Answer(contentType: "application/x-ndjson", body: body).response
    }

    private func clock() throws -> Response {
        let clock = genesys.store.clock
        return Answer(json: #"{"now":"\#(clock.now)","frozen":\#(clock.isFrozen)}"#).response
    }

    private struct Faults: Encodable {
        var enabled: Bool
        var plan: FaultPlan
    }

    private func plan() throws -> Response {
        try json(Faults(enabled: faults.isEnabled, plan: faults.plan))
    }

    // MARK: Steering

    private struct Move: Decodable {
        var advance: Double?
        var now: String?
    }

    private func moveClock(_ question: Question) throws -> Response {
        let move = try decode(Move.self, question)
        if let text = move.now {
            guard let instant = SimulatorInstant(text) else { throw ControlError(status: 400, reason: "now must be ISO-8601") }
            genesys.store.clock.set(to: instant)
        }
        if let seconds = move.advance {
            guard seconds.magnitude <= 1e9 else { throw ControlError(status: 400, reason: "advance must be seconds") }
            genesys.store.clock.advance(by: .seconds(seconds))
        }
        return try clock()
    }

    private struct Preset: Decodable {
        var preset: String
    }

    private func setPlan(_ question: Question) throws -> Response {
        if let named = try? JSONDecoder().decode(Preset.self, from: Data(question.body)) {
            guard let plan = FaultPlan(preset: named.preset) else {
                throw ControlError(status: 400, reason: "preset must be hostile or none")
            }
            faults.plan = plan
        } else {
            faults.plan = try FaultPlan(json: question.body)
        }
        return try plan()
    }

    private struct Switch: Decodable {
        var enabled: Bool
    }

    private struct Limit: Decodable {
        var requests: Int?
        var window: Int?
    }

    private func setRateLimit(_ question: Question) throws -> Response {
        let limit = try decode(Limit.self, question)
        guard limit.requests ?? 1 > 0, limit.window ?? 1 > 0 else {
            throw ControlError(status: 400, reason: "requests and window must be positive")
        }
        genesys.limiter.allowance = RateLimiter.Allowance(requests: limit.requests, window: limit.window ?? 60)
        return try json(genesys.limiter.allowance)
    }

    private struct Identifiers: Decodable {
        var ids: [String]
    }

    private struct Identifier: Codable {
        var id: String
    }

    private struct Changed: Encodable {
        var changed: Int
    }

    private func change(_ question: Question, _ change: (ConversationID) -> Bool) throws -> Response {
        let ids = try decode(Identifiers.self, question).ids
        return try json(Changed(changed: ids.compactMap { ConversationID($0) }.filter(change).count))
    }

    // MARK: Bodies

    private func decode<Value: Decodable>(_ type: Value.Type, _ question: Question) throws -> Value {
        try JSONDecoder().decode(type, from: Data(question.body))
    }

    private func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Answer(body: ByteBuffer(bytes: try encoder.encode(value))).response
    }
}

/// What is wrong with a request to the control address.
struct ControlError: Error {
    var status: Int
    var reason: String
}
