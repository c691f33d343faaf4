/// What the scripts' `gcs_report` says: which data are extracted, and which worker does it here.
struct ReportKind: Sendable, Hashable {
    /// The kind of job.
    let kind: String
    /// The data set.
    let dataset: String

    /// The worker's program.
    var program: String { "\(kind)-worker" }

    /// The task in the schedule's parameters; nil where the worker knows it by the data set.
    var task: String? { dataset == "evaluation_forms" ? "forms" : nil }

    /// Whether it is a look at the present: whatever day is asked for, it would get today's.
    var isSnapshot: Bool { ![Self.conversations, .evaluations, .userDetails].contains(self) }

    /// The section of the worker's configuration.
    var settings: String {
        switch dataset {
        case "conversations": "conversations"
        case "evaluations", "evaluation_forms": "evaluations"
        case "user_details": "user-details"
        default: "lookups"
        }
    }

    static let conversations = ReportKind(kind: "conversation", dataset: "conversations")
    static let evaluations = ReportKind(kind: "evaluation", dataset: "evaluations")
    static let userDetails = ReportKind(kind: "user-details", dataset: "user_details")

    /// Every data set with the words that scripts have for it; one line each.
    private static let table: [(report: ReportKind, words: [String])] = [
        (conversations, ["conversations", "conversation", "conversationdetails", "conversationsdetails", "details"]),
        (evaluations, ["evaluations", "evaluation", "qualityevaluations", "qualityevaluation", "quality", "evals"]),
        (lookup("evaluation_forms", "evaluation"), ["evaluationforms", "evaluationform", "forms", "qualityforms"]),
        (userDetails, ["userdetails", "usersdetails", "userdetail", "userstatus", "agentstatus", "userpresence", "presence"]),
        (lookup("users"), ["users", "user", "agents"]),
        (lookup("queues"), ["queues", "queue", "routingqueues"]),
        (lookup("wrapup_codes"), ["wrapupcodes", "wrapupcode", "wrapups"]),
        (lookup("skills"), ["skills", "routingskills"]),
        (lookup("presence_definitions"), ["presencedefinitions", "presences"]),
        (lookup("divisions"), ["divisions"]),
        (lookup("groups"), ["groups"]),
        (lookup("teams"), ["teams"]),
        (lookup("flows"), ["flows"]),
    ]

    private static func lookup(_ dataset: String, _ kind: String = "user-details") -> ReportKind {
        ReportKind(kind: kind, dataset: dataset)
    }

    /// What a script calls a report; prefixes such as `genesys_`, `gc_` and `analytics_` don't matter.
    init?(_ text: String) {
        var word = ImportedKey.plain(text)
        for prefix in ["genesyscloud", "genesys", "purecloud", "analytics", "gcs", "gc", "get"]
        where word.hasPrefix(prefix) && word != prefix {
            word = String(word.dropFirst(prefix.count))
        }
        for suffix in ["report", "query", "data", "lookup", "list"] where word.hasSuffix(suffix) && word != suffix {
            word = String(word.dropLast(suffix.count))
        }
        guard let found = Self.table.first(where: { $0.words.contains(word) })?.report else { return nil }
        self = found
    }

    private init(kind: String, dataset: String) {
        self.kind = kind
        self.dataset = dataset
    }

    /// The names that are known, for messages.
    static let known = table.map(\.report.dataset).joined(separator: ", ")
}
