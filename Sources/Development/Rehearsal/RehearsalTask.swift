public import Contracts

/// What a rehearsal job does. It is carried in the job's parameters and says everything about the job's end.
public struct RehearsalTask: Sendable, Hashable {
    /// What comes out in the end.
    public enum Work: Sendable, Hashable {
        /// So many objects, each of about so many bytes, with a pause before each (ms) in which the vendor is asked.
        case objects(count: Int, bytes: Int, pause: Int)
        /// So many children, each of which may be fanned out again while the depth is more than 1.
        case fanOut(width: Int, depth: Int)
    }

    /// What happens before the work is done.
    public enum Trouble: Sendable, Hashable {
        /// The first attempts fail.
        case fails(attempts: Int)
        /// The vendor is unavailable for the first attempts and says when to come back.
        case vendorUnavailable(attempts: Int)
        /// It can't be done in the first so many ms of each ``quotaWindow``.
        case snoozes(milliseconds: Int)
        /// It is given up at this attempt.
        case dies(attempt: Int)
        /// Every attempt fails, and it has only so many.
        case exhausts(attempts: Int)
        /// The process that runs it kills itself.
        case crashes
    }

    /// How long a window of the vendor's quota lasts, in which a task that snoozes has its turn at the end; seconds.
    public static let quotaWindow = 10.0

    /// The seed of its bytes and children.
    public var seed: UInt64
    /// What it does.
    public var work: Work
    /// What happens before; nil when nothing does.
    public var trouble: Trouble?

    /// A task.
    public init(seed: UInt64, work: Work, trouble: Trouble? = nil) {
        self.seed = seed
        self.work = work
        self.trouble = trouble
    }

    /// Whether it ends in the dead topic.
    public var isDoomed: Bool {
        switch trouble {
        case .dies, .exhausts, .crashes: true
        case .fails, .vendorUnavailable, .snoozes, nil: false
        }
    }

    // MARK: Parameters

    /// The task as a job's parameters.
    public var parameters: JSONValue {
        var values: [String: JSONValue] = ["seed": .string(String(seed, radix: 16))]
        switch work {
        case .objects(let count, let bytes, let pause):
            values["objects"] = .integer(Int64(count))
            values["bytes"] = .integer(Int64(bytes))
            values["pause"] = .integer(Int64(pause))
        case .fanOut(let width, let depth):
            values["width"] = .integer(Int64(width))
            values["depth"] = .integer(Int64(depth))
        }
        if let (name, number) = trouble.map(Self.pair) { values[name] = .integer(Int64(number)) }
        return .object(values)
    }

    private static func pair(_ trouble: Trouble) -> (String, Int) {
        switch trouble {
        case .fails(let attempts): ("fails", attempts)
        case .vendorUnavailable(let attempts): ("vendor-unavailable", attempts)
        case .snoozes(let milliseconds): ("snoozes", milliseconds)
        case .dies(let attempt): ("dies", attempt)
        case .exhausts(let attempts): ("exhausts", attempts)
        case .crashes: ("crashes", 1)
        }
    }

    /// Reads a job's parameters; nil when they are no task.
    public init?(_ parameters: JSONValue) {
        guard let seed = parameters["seed"]?.string.flatMap({ UInt64($0, radix: 16) }) else { return nil }
        func number(_ name: String, _ range: ClosedRange<Int64>) -> Int? {
            parameters[name]?.integer.flatMap { range.contains($0) ? Int($0) : nil }
        }
        self.seed = seed
        if let count = number("objects", 0...10_000), let bytes = number("bytes", 0...(64 << 20)),
            let pause = number("pause", 0...60_000)
        {
            work = .objects(count: count, bytes: bytes, pause: pause)
        } else if let width = number("width", 0...1_000), let depth = number("depth", 1...5) {
            work = .fanOut(width: width, depth: depth)
        } else {
            return nil
        }
        trouble = Self.trouble(number)
    }

    private static func trouble(_ number: (String, ClosedRange<Int64>) -> Int?) -> Trouble? {
        let attempts: ClosedRange<Int64> = 1...1_000
        if let count = number("fails", attempts) { return .fails(attempts: count) }
        if let count = number("vendor-unavailable", attempts) { return .vendorUnavailable(attempts: count) }
        if let milliseconds = number("snoozes", 0...9_000) { return .snoozes(milliseconds: milliseconds) }
        if let attempt = number("dies", attempts) { return .dies(attempt: attempt) }
        if let count = number("exhausts", attempts) { return .exhausts(attempts: count) }
        return number("crashes", 1...1) == nil ? nil : .crashes
    }

    // MARK: Children

    /// The jobs that a job with this task is fanned out to; empty when it isn't.
    public func children(of job: Job) -> [Job] {
        guard case .fanOut(let width, let depth) = work else { return [] }
        return (0..<width).map { number in
            let task = Self.child(seed: SeededRandom.seed(seed, number), depth: depth)
            return Job(
                id: "\(job.id).\(number)", kind: job.kind, source: job.source, dataset: job.dataset, day: job.day,
                revision: job.revision, parent: job.id, root: job.root, createdAt: job.createdAt, parameters: task.parameters)
        }
    }

    private static func child(seed: UInt64, depth: Int) -> RehearsalTask {
        var random = SeededRandom(seed: seed)
        if depth > 1, random.happens(oneIn: 3) {
            return RehearsalTask(seed: seed, work: .fanOut(width: random.number(in: 2...4), depth: depth - 1))
        }
        let work = Work.objects(count: random.number(in: 1...3), bytes: random.number(in: 40...3_000), pause: 0)
        return RehearsalTask(
            seed: seed, work: work, trouble: random.happens(oneIn: 12) ? .fails(attempts: random.number(in: 1...2)) : nil)
    }
}
