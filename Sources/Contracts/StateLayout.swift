/// Where workers keep what they must remember between attempts: small objects beside the data in the lake.
public enum StateLayout {
    /// The folder of everything that is no data.
    public static let root = "_switchboard"

    /// The folder of a kind's checkpoints.
    public static func checkpoints(of kind: String) -> String { "\(root)/\(kind)/checkpoints" }

    /// The key of a job's checkpoint.
    public static func checkpoint(kind: String, job: String, revision: Int) -> String {
        "\(checkpoints(of: kind))/\(job).\(revision).json"
    }

    /// The folder in which a kind remembers what is still open in the days of a data set.
    public static func open(of kind: String, source: String, dataset: String) -> String {
        "\(root)/\(kind)/open/\(source)/\(dataset)"
    }

    /// The key of what is still open in a job's day.
    public static func open(kind: String, source: String, dataset: String, day: String, job: String) -> String {
        "\(open(of: kind, source: source, dataset: dataset))/\(day)/\(job).json"
    }

    /// The key of what was learned since about what is open in a job's day.
    public static func learned(kind: String, source: String, dataset: String, day: String, job: String) -> String {
        "\(root)/\(kind)/learned/\(source)/\(dataset)/\(day)/\(job).json"
    }

    /// The folder of a kind's ledgers of started jobs.
    public static func starts(of kind: String) -> String { "\(root)/\(kind)/starts" }

    /// The key of the ledger of a worker, by its instance's name.
    public static func starts(kind: String, instance: String) -> String { "\(starts(of: kind))/\(instance).json" }

    /// The folder of the lists of records that were open when they were read, such as conversations without an end.
    public static func openRecords(of kind: String) -> String { "\(root)/\(kind)/open" }

    /// The folder of the notes about manifests that are being switched.
    public static let switches = "\(root)/switches"

    /// The folder of what is remembered about privacy requests.
    public static let privacy = "\(root)/gdpr"

    /// The key of what was told of a source's privacy requests.
    public static func privacyMemory(source: String) -> String { "\(privacy)/told/\(source).json" }

    /// The folder of rewritings of the lake that aren't finished.
    public static let privacyPending = "\(privacy)/pending/"

    /// The folder of the notes about what was done for privacy requests.
    public static let privacyApplied = "\(privacy)/applied/"
}
