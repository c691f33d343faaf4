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
        var pieces = Pieces(number, of: job, task, bytes: size)
        var bytes: [UInt8] = []
        while let piece = pieces.next() { bytes += piece }
        return (bytes, pieces.records)
    }

    /// The bytes of an object piece by piece, so that a large one needs little memory.
    public struct Pieces: Sendable {
        /// Records in all pieces so far.
        public private(set) var records = 0
        private var random: SeededRandom
        private var left: Int
        private var isBegun = false
        private let head: [UInt8]
        private let values: Int

        /// A piece is at least so large, unless it is the last, bytes.
        private static let size = 256 << 10
        private static let tail = Array("\"}\n".utf8)
        private static let digits = Array("0123456789abcdef".utf8)

        /// The pieces of an object.
        public init(_ number: Int, of job: Job, _ task: RehearsalTask, bytes size: Int) {
            random = SeededRandom(seed: SeededRandom.seed(task.seed, number))
            head = Array(#"{"job":"\#(job.id)","revision":\#(job.revision),"object":\#(number),"value":""#.utf8)
            // Long values where much is wanted: making them must cost less than writing them.
            values = size > 100_000 ? 64 : 2
            left = size
        }

        /// The next piece; nil after the last.
        public mutating func next() -> [UInt8]? {
            guard left > 0 || !isBegun else { return nil }
            isBegun = true
            var bytes: [UInt8] = []
            bytes.reserveCapacity(min(left, Self.size) + 1_200)
            repeat {
                bytes += head
                for _ in 0..<values { Self.append(random.next(), to: &bytes) }
                bytes += Self.tail
                records += 1
            } while bytes.count < min(left, Self.size)
            left -= bytes.count
            return bytes
        }

        private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
            for shift in stride(from: 60, through: 0, by: -4) {
                bytes.append(digits[Int(truncatingIfNeeded: value >> UInt64(shift)) & 15])
            }
        }
    }
}
