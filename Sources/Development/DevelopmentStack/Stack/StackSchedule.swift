/// A schedule of the stack: it publishes each business day's job at once.
public struct StackSchedule: Sendable, Hashable {
    /// Its name, a part of the jobs' ids.
    public var name: String
    /// The kind of worker that runs its jobs.
    public var kind: String
    /// The data set that they add to.
    public var dataset: String
    /// Whether it publishes the last of the business days only.
    public var isSnapshot: Bool
    /// What the worker is to do; nil: what its data set says.
    public var task: String?

    /// A schedule.
    public init(_ name: String, kind: String, dataset: String? = nil, isSnapshot: Bool = false, task: String? = nil) {
        self.name = name
        self.kind = kind
        self.dataset = dataset ?? name
        self.isSnapshot = isSnapshot
        self.task = task
    }

    /// Conversations.
    public static let conversations = StackSchedule("conversations", kind: "conversation")
    /// Evaluations.
    public static let evaluations = StackSchedule("evaluations", kind: "evaluation")
    /// Presence and routing status of users.
    public static let userDetails = StackSchedule("user-details", kind: "user-details", dataset: "user_details")
    /// Evaluation forms.
    public static let evaluationForms = StackSchedule(
        "evaluation-forms", kind: "evaluation", dataset: "evaluation_forms", isSnapshot: true, task: "forms")
    /// Privacy requests of the vendor.
    public static let privacyRequests = StackSchedule(
        "gdpr-requests", kind: "conversation", dataset: "gdpr_requests", isSnapshot: true, task: "gdpr-requests")
    /// What ids mean: users, queues and so on.
    public static let lookups = StackJobs.lookups.map { dataset in
        StackSchedule(
            "lookup-" + dataset.replacing("_", with: "-"), kind: "user-details", dataset: dataset, isSnapshot: true)
    }

    /// Its entry in the file of schedules.
    func entry(_ days: BusinessDays, lag: Int, lines: [String]) -> String {
        var entry = """
              - name: \(name)
                kind: \(kind)
                dataset: \(dataset)
                source: \(StackConfiguration.source)
                cron: "0 0 * * *"
                zone: \(days.zone)
                lag: \(lag)
                start: \((isSnapshot ? days.days.last : days.days.first) ?? "")
                end: \(days.days.last ?? "")
                catch-up: all

            """
        if let task { entry += "    parameters: { task: \(task) }\n" }
        return entry + lines.map { "    \($0)\n" }.joined()
    }
}
