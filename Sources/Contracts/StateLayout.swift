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

    /// The folder of a kind's ledgers of started jobs.
    public static func starts(of kind: String) -> String { "\(root)/\(kind)/starts" }

    /// The key of the ledger of a worker, by its instance's name.
    public static func starts(kind: String, instance: String) -> String { "\(starts(of: kind))/\(instance).json" }

    /// The folder of the lists of records that were open when they were read, such as conversations without an end.
    public static func openRecords(of kind: String) -> String { "\(root)/\(kind)/open" }
}
