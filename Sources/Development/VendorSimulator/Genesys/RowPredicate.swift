/// The condition of a query, in a form that is quick to decide for a row.
indirect enum RowPredicate: Hashable, Sendable {
    case all([RowPredicate])
    case any([RowPredicate])
    /// Has an end, or has none.
    case ended(Bool)
    case identifier(String)
    case mediaType(String)
    case originatingDirection(String)
    /// Has an evaluation, or has none.
    case evaluated(Bool)
    /// Has an evaluation whose dimension has a value.
    case evaluation(EvaluationDimension, String)

    /// The dimensions of an evaluation that the simulator knows.
    enum EvaluationDimension: String, Sendable {
        case evaluationId, evaluatorId, userId, formId, queueId, evaluationStatus, released, systemSubmitted
    }

    /// Whether it asks for evaluations.
    var concernsEvaluations: Bool {
        switch self {
        case .all(let parts), .any(let parts): parts.contains(where: \.concernsEvaluations)
        case .evaluated, .evaluation: true
        case .ended, .identifier, .mediaType, .originatingDirection: false
        }
    }

    /// Whether every row matches.
    var isTrivial: Bool {
        if case .all(let parts) = self { return parts.allSatisfy(\.isTrivial) }
        return false
    }

    /// Decides for one conversation as it is at `now`.
    func matches(_ facts: ConversationFacts, now: SimulatorInstant, in world: RowPredicateWorld) -> Bool {
        switch self {
        case .all(let parts): return parts.allSatisfy { $0.matches(facts, now: now, in: world) }
        case .any(let parts): return parts.contains { $0.matches(facts, now: now, in: world) }
        case .ended(let wanted): return (facts.end <= now) == wanted
        case .identifier(let text): return ConversationID(text)?.row(seed: world.calendar.data.seed) == facts.row
        case .mediaType(let type): return facts.kind.mediaType == type
        case .originatingDirection(let direction): return facts.kind.originatingDirection == direction
        case .evaluated(let wanted): return isEvaluated(facts, now) == wanted
        case .evaluation(let dimension, let value):
            let seed = world.calendar.seed(of: facts.row)
            return facts.evaluations.contains { plan in
                guard let state = plan.state(at: now) else { return false }
                return world.evaluations.value(of: dimension, plan, state, facts, seed) == value
            }
        }
    }

    private func isEvaluated(_ facts: ConversationFacts, _ now: SimulatorInstant) -> Bool {
        facts.evaluated.map { $0 <= now } ?? false
    }
}

/// What predicates look up.
struct RowPredicateWorld: Sendable {
    let calendar: ConversationCalendar
    let evaluations: EvaluationRenderer
}

/// A filter of a query as it is sent.
struct QueryFilter: Decodable {
    struct Clause: Decodable {
        var type: String?
        var predicates: [Predicate]?
    }

    struct Predicate: Decodable {
        var type: String?
        var dimension: String?
        var metric: String?
        var property: String?
        var `operator`: String?
        var value: String?
    }

    enum Level {
        case conversation, segment, evaluation
    }

    var type: String?
    var clauses: [Clause]?
    var predicates: [Predicate]?

    func compiled(_ level: Level) throws(QueryRejection) -> RowPredicate {
        var parts: [RowPredicate] = []
        for predicate in predicates ?? [] { parts.append(try predicate.compiled(level)) }
        for clause in clauses ?? [] {
            var inner: [RowPredicate] = []
            for predicate in clause.predicates ?? [] { inner.append(try predicate.compiled(level)) }
            parts.append(try Self.joined(clause.type, inner))
        }
        return try Self.joined(type, parts)
    }

    private static func joined(_ type: String?, _ parts: [RowPredicate]) throws(QueryRejection) -> RowPredicate {
        guard !parts.isEmpty else { throw QueryRejection("A filter needs at least one predicate.", field: "predicates") }
        switch type {
        case "and": return .all(parts)
        case "or": return .any(parts)
        default: throw QueryRejection("The type of a filter must be and or or.", field: "type")
        }
    }
}

extension QueryFilter.Predicate {
    func compiled(_ level: QueryFilter.Level) throws(QueryRejection) -> RowPredicate {
        guard type ?? "dimension" == "dimension", metric == nil, property == nil, let dimension else {
            throw QueryRejection("The simulator filters by dimension only.", field: "type")
        }
        switch (level, dimension, `operator` ?? "matches") {
        case (.conversation, "conversationEnd", "exists"): return .ended(true)
        case (.conversation, "conversationEnd", "notExists"): return .ended(false)
        case (.conversation, "conversationId", "matches"): return .identifier(try required().lowercased())
        case (.conversation, "originatingDirection", "matches"): return .originatingDirection(try required())
        case (.segment, "mediaType", "matches"): return .mediaType(try required())
        case (.evaluation, "evaluationId", "exists"): return .evaluated(true)
        case (.evaluation, "evaluationId", "notExists"): return .evaluated(false)
        case (.evaluation, _, "matches"):
            guard let known = RowPredicate.EvaluationDimension(rawValue: dimension) else { throw unsupported(dimension) }
            return .evaluation(known, try required())
        default: throw unsupported(dimension)
        }
    }

    private func required() throws(QueryRejection) -> String {
        guard let value else { throw QueryRejection("The predicate needs a value.", field: "value") }
        return value
    }

    private func unsupported(_ dimension: String) -> QueryRejection {
        QueryRejection("The simulator cannot filter by \(dimension) \(`operator` ?? "matches").", field: "dimension")
    }
}
