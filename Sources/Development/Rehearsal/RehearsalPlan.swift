public import Contracts
public import Foundation

/// All rehearsal jobs of a seed.
public struct RehearsalPlan: Sendable {
    /// The kind of the jobs.
    public static let kind = "rehearsal"
    /// The vendor account that they name.
    public static let source = "rehearsal/main"
    /// The data set of jobs that all complete.
    public static let dataset = "rehearsal"
    /// The data set of jobs of which some are given up, so that none of its days is ever whole.
    public static let doomedDataset = "rehearsal-doomed"

    /// How a job must end.
    public enum End: Sendable, Hashable {
        /// Completed, with these objects.
        case completed(task: RehearsalTask)
        /// Fanned out to these jobs.
        case planned(children: [String])
        /// In the dead topic.
        case failed
    }

    /// A job and how it must end.
    public struct Expectation: Sendable, Hashable {
        /// The job, as it is published.
        public var job: Job
        /// Its end.
        public var end: End
    }

    /// The jobs to publish, in this order.
    public let roots: [Job]
    /// Every job, children too, and its end.
    public let expectations: [Expectation]
    /// Messages that are no jobs: they end in the dead topic, bytes untouched.
    public let poison: [[UInt8]]

    /// The plan of a seed.
    ///
    /// - Parameters:
    ///   - jobs: how many jobs there are, children too; a few more when the last root has many children.
    ///   - createdAt: when they say they were made.
    public init(seed: UInt64, jobs: Int, createdAt: Date) {
        var random = SeededRandom(seed: SeededRandom.seed(seed, 0))
        var tasks: [RehearsalTask] = []
        var count = 0
        while count < jobs {
            let task = Self.root(&random, seed: SeededRandom.seed(seed, tasks.count + 1))
            tasks.append(task)
            count += Self.size(of: task)
        }
        // A day has about 150 roots: enough to be worked on for a while, few enough for the days to end one by one.
        let days = max(1, min(90, tasks.count / 150))
        var roots: [Job] = []
        var expectations: [Expectation] = []
        for (number, task) in tasks.enumerated() {
            let root = Job(
                id: "rehearsal-\(String(seed, radix: 16))-\(number)", kind: Self.kind, source: Self.source,
                dataset: task.isDoomed ? Self.doomedDataset : Self.dataset, day: Self.day(number * days / tasks.count),
                createdAt: createdAt, maximumAttempts: Self.maximumAttempts(task), parameters: task.parameters)
            roots.append(root)
            Self.walk(root, task, &expectations)
        }
        self.roots = roots
        self.expectations = expectations
        poison = (0..<max(2, jobs / 250)).map { Self.poison(&random, number: $0) }
    }

    private static func root(_ random: inout SeededRandom, seed: UInt64) -> RehearsalTask {
        let small = RehearsalTask.Work.objects(count: 1, bytes: random.number(in: 0...6_000), pause: 0)
        switch random.number(in: 0...999) {
        case 0..<6:
            // More than a part of an upload: what is killed in it leaves a part behind.
            return RehearsalTask(seed: seed, work: .objects(count: 1, bytes: 11 << 20, pause: 200))
        case 6..<30:
            return RehearsalTask(
                seed: seed,
                work: .objects(
                    count: random.number(in: 5...15), bytes: random.number(in: 2_000...60_000),
                    pause: random.number(in: 150...400)))
        case 30..<110:
            return RehearsalTask(seed: seed, work: .fanOut(width: random.number(in: 3...9), depth: random.number(in: 1...3)))
        case 110..<150: return RehearsalTask(seed: seed, work: small, trouble: .fails(attempts: random.number(in: 1...4)))
        case 150..<165: return RehearsalTask(seed: seed, work: small, trouble: .vendorUnavailable(attempts: 2))
        case 165..<180:
            return RehearsalTask(seed: seed, work: small, trouble: .snoozes(milliseconds: random.number(in: 1_000...8_000)))
        case 180..<195: return RehearsalTask(seed: seed, work: small, trouble: .dies(attempt: random.number(in: 1...3)))
        case 195..<205: return RehearsalTask(seed: seed, work: small, trouble: .exhausts(attempts: random.number(in: 1...3)))
        default: return RehearsalTask(seed: seed, work: small)
        }
    }

    private static func maximumAttempts(_ task: RehearsalTask) -> Int? {
        if case .exhausts(let attempts) = task.trouble { attempts } else { nil }
    }

    private static func size(of task: RehearsalTask) -> Int {
        var all: [Expectation] = []
        walk(Job(id: "x", kind: kind, source: source, dataset: dataset, createdAt: Date(timeIntervalSince1970: 0)), task, &all)
        return all.count
    }

    private static func walk(_ job: Job, _ task: RehearsalTask, _ all: inout [Expectation]) {
        guard !task.isDoomed else { return all.append(Expectation(job: job, end: .failed)) }
        guard case .fanOut = task.work else { return all.append(Expectation(job: job, end: .completed(task: task))) }
        let children = task.children(of: job)
        all.append(Expectation(job: job, end: .planned(children: children.map(\.id))))
        for child in children {
            guard let task = RehearsalTask(child.parameters) else { continue }
            walk(child, task, &all)
        }
    }

    private static func day(_ number: Int) -> String {
        let start = Date(timeIntervalSince1970: 1_767_225_600)  // 2026-01-01
        return String(Timestamp.string(start.addingTimeInterval(Double(number) * 86_400)).prefix(10))
    }

    private static func poison(_ random: inout SeededRandom, number: Int) -> [UInt8] {
        // The number makes each one different from all others.
        let number = Array("\(number):".utf8)
        switch random.number(in: 0...3) {
        case 0: return number + (0..<random.number(in: 1...300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        case 1: return Array(#"{"version":1,"id":"poison-"#.utf8) + number
        case 2: return Array(#"{"version":99,"id":"poison","kind":"rehearsal","number":""#.utf8) + number + Array("\"}".utf8)
        default: return Array(String(repeating: "[", count: random.number(in: 1...2_000)).utf8) + number
        }
    }

    // MARK: The lake

    /// How many roots each data set's business day has, which makes it whole.
    public var rootsOfDays: [String: [String: Int]] {
        roots.reduce(into: [:]) { counts, root in counts[root.dataset, default: [:]][root.day ?? "", default: 0] += 1 }
    }

    /// The manifest of a completed job and the objects that it names, in order.
    public static func manifest(of job: Job, _ task: RehearsalTask, object: (String, [UInt8], Int) -> Manifest.Object) -> Manifest
    {
        guard case .objects(let count, let size, _) = task.work else { return Manifest(of: job, objects: []) }
        return Manifest(
            of: job,
            objects: (0..<count).map { number in
                let (bytes, records) = RehearsalContent.object(number, of: job, task, bytes: size)
                return object(RehearsalContent.key(of: number, job: job), bytes, records)
            })
    }
}
