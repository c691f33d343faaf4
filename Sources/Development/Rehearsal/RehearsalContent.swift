public import Contracts

/// What a rehearsal job leaves in the lake.
public enum RehearsalContent {
    /// The folder of a job's objects: that of its business day.
    public static func folder(of job: Job, layout: LakeLayout = .standard) -> String {
        layout.folder(source: job.source, dataset: job.dataset, day: job.day ?? "1970-01-01")
    }

    /// What the keys of a job's objects begin with; the number and `.json` follow.
    public static func prefix(of job: Job, layout: LakeLayout = .standard) -> String {
        "\(folder(of: job, layout: layout))/rehearsal_\(job.id)_"
    }

    /// The key of an object.
    public static func key(of number: Int, job: Job, layout: LakeLayout = .standard) -> String {
        "\(prefix(of: job, layout: layout))\(number).json"
    }

    /// The bytes of an object: lines of JSON, of about the size that the task says; its records are the lines.
    public static func object(_ number: Int, of job: Job, _ task: RehearsalTask, bytes size: Int) -> (
        bytes: [UInt8], records: Int
    ) {
        var random = SeededRandom(seed: SeededRandom.seed(task.seed, number))
        let head = Array(#"{"job":"\#(job.id)","revision":\#(job.revision),"object":\#(number),"value":""#.utf8)
        let tail = Array("\"}\n".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + 1_200)
        var records = 0
        repeat {
            bytes += head
            // Long values where much is wanted: making them must cost less than writing them.
            for _ in 0..<(size > 100_000 ? 64 : 2) { append(random.next(), to: &bytes) }
            bytes += tail
            records += 1
        } while bytes.count < size
        return (bytes, records)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            bytes.append(digits[Int(truncatingIfNeeded: value >> UInt64(shift)) & 15])
        }
    }
}
