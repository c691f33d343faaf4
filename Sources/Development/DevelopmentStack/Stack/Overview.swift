public import Contracts

/// What the monitor's `/days` says, as far as it is shown here.
public struct Overview: Sendable, Decodable {
    /// A data set of a source on a business day.
    public struct Day: Sendable, Decodable {
        /// The vendor account.
        public let source: String
        /// The data set.
        public let dataset: String
        /// The business day, `yyyy-MM-dd`.
        public let day: String
        /// `planned`, `running`, `waiting`, `done`, `failed` or `late`.
        public let state: String
        /// Jobs that make the day whole.
        public let jobs: Int
        /// Jobs that are done.
        public let jobsDone: Int
        /// Figures such as `pages` and `records`.
        public let figures: [String: Int]
        /// The schedule that published the jobs.
        public let schedule: String?
        /// What went wrong, in a sentence.
        public let message: String?
    }

    /// Something that people should know.
    public struct FiringAlert: Sendable, Decodable {
        /// What it is about.
        public let key: String
        /// How bad it is.
        public let severity: Alert.Severity
        /// One line.
        public let summary: String
        /// What to do.
        public let advice: String?
    }

    /// All days.
    public let days: [Day]
    /// What is firing.
    public let alerts: [FiringAlert]

    /// A business day of a data set.
    public func day(_ day: String, dataset: String = StackConfiguration.schedule) -> Day? {
        days.first { $0.day == day && $0.dataset == dataset && $0.source == StackConfiguration.source }
    }
}
