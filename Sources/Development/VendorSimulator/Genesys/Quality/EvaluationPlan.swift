/// The life of one evaluation, whatever the clock says: a function of its conversation's seed.
struct EvaluationPlan: Sendable {
    enum Status: String, Sendable {
        case pending = "PENDING"
        case inProgress = "INPROGRESS"
        case finished = "FINISHED"
        case inReview = "INREVIEW"
        case retracted = "RETRACTED"

        /// The analytics copies spell it differently.
        var inAnalytics: String {
            switch self {
            case .pending: "Pending"
            case .inProgress: "InProgress"
            case .finished: "Finished"
            case .inReview: "InReview"
            case .retracted: "Retracted"
            }
        }
    }

    /// Who evaluates.
    enum Evaluator: Sendable, Hashable {
        /// A member of the role.
        case member(UInt64)
        /// Somebody who has lost the role.
        case former
        /// Nobody: the system submitted it.
        case system
    }

    /// What is true from a moment on.
    struct State: Sendable {
        var at: SimulatorInstant
        var status: Status
        var version = 1
        /// When the vendor says that it was changed last; a scheduled release may leave it alone.
        var changed: SimulatorInstant
        var submitted: SimulatorInstant?
        var released: SimulatorInstant?
        /// Whether it is a score given again.
        var isRescore = false
        /// Tells the answers of two versions apart.
        var answers: UInt64 = 0
    }

    /// 0, or 1 for a revision with an id of its own.
    var ordinal: Int
    var evaluator: Evaluator
    var assigned: SimulatorInstant
    /// Oldest first.
    var states: [State]
    /// Whether the caller may not see its content.
    var isRedacted = false
    /// Whether it has a successor with an id of its own.
    var isRevised = false
    var neverReleased = false

    /// What is true now; nil before it exists.
    func state(at now: SimulatorInstant) -> State? { states.last { $0.at <= now } }

    private enum Salt {
        static let evaluator: UInt64 = 1_920
        static let former: UInt64 = 1_921
        static let life: UInt64 = 1_922
        static let first: UInt64 = 1_923
        static let second: UInt64 = 1_924
        static let detail: UInt64 = 1_925
    }

    private static let hour: Int64 = 3_600_000
    private static let day = SimulatorInstant.millisecondsPerDay

    /// The days after the conversation's start by which the last of its evaluations is assigned: a conversation of four days,
    /// three until it is evaluated, ten until it is revised, and a part of a day on either side.
    static let assignedWithinDays: Int32 = 18

    /// The evaluations of a conversation that is evaluated from `assigned` on.
    ///
    /// - Parameter isPlain: each has one state, is finished and released at once, by a member of the role.
    static func plans(_ seed: RecordSeed, assigned: SimulatorInstant, isPlain: Bool) -> [EvaluationPlan] {
        let member = Evaluator.member(seed.bits(1_901))
        if isPlain {
            let state = State(at: assigned, status: .finished, changed: assigned, submitted: assigned, released: assigned)
            return [EvaluationPlan(ordinal: 0, evaluator: member, assigned: assigned, states: [state])]
        }
        let evaluator: Evaluator =
            switch seed.number(Salt.evaluator, below: 20) {
            case 0: .system
            case 1: .former
            default: member
            }
        func later(_ salt: UInt64, _ from: Int64, _ to: Int64, _ start: SimulatorInstant) -> SimulatorInstant {
            start.adding(milliseconds: from + Int64(seed.number(salt, below: UInt64(to - from))))
        }
        let pending = State(at: assigned, status: .pending, changed: assigned)
        func finished(_ at: SimulatorInstant, released: SimulatorInstant?) -> State {
            State(at: at, status: .finished, changed: at, submitted: at, released: released)
        }
        var plan = EvaluationPlan(ordinal: 0, evaluator: evaluator, assigned: assigned, states: [pending])
        if evaluator == .system {
            plan.states = [finished(assigned, released: assigned)]
            return [plan]
        }
        switch seed.number(Salt.life, below: 100) {
        case 0..<50:
            let done = later(Salt.first, 60_000, 8 * hour, assigned)
            plan.states.append(finished(done, released: done))
        case 50..<62:
            let begun = later(Salt.second, hour, day, assigned)
            let done = later(Salt.first, day, 12 * day, assigned)
            plan.states.append(State(at: begun, status: .inProgress, changed: begun))
            plan.states.append(finished(done, released: done))
        case 62..<72:
            let done = later(Salt.second, 60_000, 2 * hour, assigned)
            let release = later(Salt.first, 5 * day, 44 * day, assigned)
            var released = finished(done, released: release)
            released.at = release
            // Half of the releases by schedule show themselves in the release date alone.
            if seed.number(Salt.detail, below: 2) == 0 { released.changed = release }
            plan.states += [finished(done, released: nil), released]
        case 72..<80:
            let done = later(Salt.second, 60_000, 3 * hour, assigned)
            let again = later(Salt.first, day, 20 * day, assigned)
            var rescored = finished(again, released: again)
            rescored.version = 2
            rescored.isRescore = true
            rescored.answers = 1
            plan.states += [finished(done, released: done), rescored]
        case 80..<88:
            let done = later(Salt.second, 60_000, 3 * hour, assigned)
            let again = later(Salt.first, day, 10 * day, assigned)
            var retracted = finished(done, released: done)
            retracted.at = again
            retracted.changed = again
            retracted.status = .retracted
            plan.states += [finished(done, released: done), retracted]
            plan.isRevised = true
            var revision = finished(again, released: again)
            revision.version = 2
            revision.isRescore = true
            revision.answers = 2
            return [plan, EvaluationPlan(ordinal: 1, evaluator: evaluator, assigned: again, states: [revision])]
        case 88..<93:
            let begun = later(Salt.second, hour, day, assigned)
            plan.states.append(State(at: begun, status: .inProgress, changed: begun))
        case 93..<97:
            let done = later(Salt.first, 60_000, 8 * hour, assigned)
            plan.states.append(finished(done, released: done))
            plan.isRedacted = true
        case 97..<99:
            let done = later(Salt.first, 60_000, 8 * hour, assigned)
            let disputed = later(Salt.second, day, 2 * day, done)
            var review = finished(done, released: done)
            review.at = disputed
            review.changed = disputed
            review.status = .inReview
            var settled = review
            settled.at = later(Salt.detail, day, 3 * day, disputed)
            settled.changed = settled.at
            settled.status = .finished
            plan.states += [finished(done, released: done), review, settled]
        default:
            let done = later(Salt.first, 60_000, 8 * hour, assigned)
            plan.states.append(finished(done, released: nil))
            plan.neverReleased = true
        }
        return [plan]
    }
}
