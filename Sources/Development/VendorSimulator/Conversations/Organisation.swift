/// The people and things of the simulated organisation that conversations refer to and listings list.
struct Organisation: Sendable {
    struct Member: Sendable {
        var id: String
        var name: String
    }

    let users: [Member]
    let teams: [Member]
    let queues: [Member]
    let wrapUpCodes: [Member]
    let divisions: [Member]
    let skills: [Member]
    let forms: [Member]
    let evaluators: [Member]
    /// Who has evaluated and lost the role.
    let formerEvaluator: Member
    let campaigns: [Member]
    let flows: [Member]
    let edges: [Member]
    let roles: [Member]
    let presences: [Member]
    let groups: [Member]

    /// The role whose members are the evaluators.
    static let evaluatorRole = "Quality Evaluator"

    /// - Parameters:
    ///   - users: the number of users; the first ones are the same whatever it is.
    ///   - evaluators: the number of those who evaluate.
    init(seed: UInt64, users count: Int = 231, evaluators evaluatorCount: Int = 14) {
        func members(_ salt: UInt64, _ names: [String]) -> [Member] {
            names.enumerated().map { index, name in
                var identifier = RecordBytes(capacity: 36)
                identifier.append(identifier: Mixing.combine(seed, salt << 32 | UInt64(index)))
                return Member(id: identifier.string, name: name)
            }
        }
        let given = ["Ana", "Ben", "Carla", "Diego", "Elena", "Farid", "Grace", "Hugo", "Imani", "Jonas", "Kim", "Liza", "Marco"]
        let family = ["Abad", "Bautista", "Cruz", "Dizon", "Evans", "Flores", "Garcia", "Hansen", "Ito", "Jacobs", "Khan"]
        users = members(1, (0..<max(17, count)).map { "\(given[$0 % given.count]) \(family[$0 % family.count])" })
        teams = members(2, ["Alpha", "Bravo", "Charlie", "Delta", "Echo"])
        queues = members(
            3, ["Billing", "Cards", "Claims", "Collections", "Loans", "Onboarding", "Priority", "Retention", "Sales", "Support"])
        wrapUpCodes = members(
            4, (1...42).map { "\(["Resolved", "Callback", "Escalated", "Wrong number", "Follow-up", "Complaint"][$0 % 6]) \($0)" }
        )
        divisions = members(5, ["Home", "North", "South"])
        skills = members(6, ["English", "Tagalog", "Cebuano", "Cards", "Loans", "VIP"])
        forms = members(7, ["Voice QA", "Chat QA", "E-mail QA"])
        // A small organisation has fewer; the last user of it is never one.
        evaluators = Array(users[3..<(3 + min(max(evaluatorCount, 1), 200, users.count - 4))])
        formerEvaluator = users[min(229, users.count - 1)]
        campaigns = members(8, ["Renewals", "Welcome calls"])
        flows = members(9, ["Main IVR", "After hours", "Cards IVR"])
        edges = members(10, ["Edge 1", "Edge 2"])
        presences = members(
            12,
            ["Available", "On Queue", "Busy", "Meal", "Break", "Out of office", "Meeting", "Away", "Training", "Idle", "Offline"])
        groups = members(13, (1...30).map { "Group \($0)" })
        // Near matches stand before the wanted role, as the vendor's search by name returns them.
        roles = members(
            11,
            ["Quality Evaluator - Trial", "Quality Evaluator Lead", "Senior Quality Evaluator", Organisation.evaluatorRole]
                + ["Admin", "Agent", "Employee", "Supervisor", "Telephony Admin", "User", "Reporting", "Recording Exporter"])
    }

    /// The state of a user; nil for an id that nobody has.
    func state(ofUser id: String) -> String? {
        users.firstIndex { $0.id == id }.map(Organisation.state(ofUserAt:))
    }

    /// The state of the user at a position of ``users``.
    static func state(ofUserAt index: Int) -> String {
        index % 17 == 11 ? "deleted" : index % 9 == 5 ? "inactive" : "active"
    }

    /// The members that a record's text names by `table`; nil for an unknown name.
    func table(_ table: Substring) -> [Member]? {
        switch table {
        case "user": users
        case "team": teams
        case "queue": queues
        case "wrapup": wrapUpCodes
        case "division": divisions
        case "skill": skills
        case "form": forms
        case "evaluator": evaluators
        case "campaign": campaigns
        case "flow": flows
        case "edge": edges
        default: nil
        }
    }
}
