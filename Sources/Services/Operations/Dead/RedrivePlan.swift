internal import Contracts
public import Foundation
public import Kafka

/// Which dead letters go back to work, and how their records look. Pure.
public struct RedrivePlan: Sendable {
    /// A letter that stays where it is.
    public struct Omission: Sendable, Hashable {
        /// The letter.
        public let letter: DeadLetter
        /// Why, in a few words, which are counted.
        public let reason: String
        /// What to do about it.
        public let advice: String
    }

    /// What goes back, the oldest first.
    public private(set) var letters: [DeadLetter] = []
    /// Older letters of a job and revision that goes back, by the position of the one that does.
    public private(set) var superseded: [DeadLetter.Position: [DeadLetter]] = [:]
    /// What stays.
    public private(set) var omissions: [Omission] = []

    /// After so many redrives a letter only goes back by force: something else is wrong.
    public static let maximumRedrives = 3

    /// Plans what becomes of letters.
    ///
    /// - Parameters:
    ///   - letters: the letters that the operator means; those that were redriven or discarded before are not among them.
    ///   - kind: the kind of the dead topic.
    ///   - limit: how many go back at most.
    ///   - known: what `job.events` say of the letters' roots.
    ///   - force: also what can't be read, was redriven often, is done by now, or whose deadline has passed.
    public init(_ letters: [DeadLetter], kind: String, limit: Int, known: KnownJobs, force: Bool, now: Date) {
        struct Work: Hashable {
            let id: String
            let revision: Int
        }
        let sorted = letters.sorted { ($0.record.timestamp, $0.position) < ($1.record.timestamp, $1.position) }
        var newest: [Work: DeadLetter] = [:]
        var going: [DeadLetter] = []
        for letter in sorted {
            if let omission = Self.omission(of: letter, kind: kind, known: known, force: force, now: now) {
                omissions.append(omission)
                continue
            }
            going.append(letter)
            if let job = letter.job { newest[Work(id: job.id, revision: job.revision)] = letter }
        }
        for letter in going {
            if let job = letter.job, let last = newest[Work(id: job.id, revision: job.revision)], last != letter {
                superseded[last.position, default: []].append(letter)
            } else if self.letters.count < limit {
                self.letters.append(letter)
            }
        }
        let positions = Set(self.letters.map(\.position))
        superseded = superseded.filter { positions.contains($0.key) }
    }

    private static func omission(
        of letter: DeadLetter, kind: String, known: KnownJobs, force: Bool, now: Date
    ) -> Omission? {
        if letter.truncatedFrom != nil {
            let place = letter.origin.map { "\($0)" } ?? "the topic that it was read from"
            return Omission(letter: letter, reason: "with a value that was cut", advice: "its whole value is in \(place)")
        }
        if force { return nil }
        guard let job = letter.job else {
            return Omission(
                letter: letter, reason: "unreadable", advice: "mend the program that wrote it; --force sends it back as it is")
        }
        if job.kind != kind {
            return Omission(
                letter: letter, reason: "of another kind",
                advice: "publish it with `switchboard jobs submit`; --force sends it back to jobs.\(kind)")
        }
        if let run = known.latest(job.root) {
            let isDone = run.revision == job.revision && run.nodes[job.id]?.state == .completed
            if isDone || run.revision > job.revision {
                return Omission(
                    letter: letter, reason: isDone ? "of jobs that completed since" : "of jobs that have a later revision",
                    advice: "nothing is to be done; `switchboard dead discard` puts them away")
            }
        }
        if letter.redrives >= maximumRedrives {
            return Omission(
                letter: letter, reason: "redriven \(maximumRedrives) times or more",
                advice: "look for the cause in `switchboard dead show`; --force sends it back once more")
        }
        if let deadline = job.deadline, deadline <= now {
            return Omission(
                letter: letter, reason: "with a deadline that has passed",
                advice: "it would die at once; `switchboard jobs rerun \(job.root)` gives it none")
        }
        return nil
    }

    /// How many stay, by reason.
    public var omissionCounts: [(reason: String, count: Int, advice: String)] {
        Dictionary(grouping: omissions, by: \.reason).map { ($0.key, $0.value.count, $0.value[0].advice) }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    // MARK: Records

    /// Headers that belong to the life that ended.
    private static let dropped: Set<String> = [
        JobHeader.attempt, JobHeader.notBefore, JobHeader.snoozedUntil, JobHeader.lastErrorClass, JobHeader.lastError,
    ]

    /// The record that goes back: key and value untouched, headers of the life that ended left out, one redrive more.
    public static func record(of letter: DeadLetter, to topic: String) -> ProducerRecord {
        let kept = letter.record.headers.filter { !dropped.contains($0.name) && !$0.name.hasPrefix("dlq-") }
        return ProducerRecord(
            topic: topic, key: letter.record.key, value: letter.record.value,
            headers: kept + [RecordHeader(JobHeader.redrives, "\(letter.redrives + 1)")])
    }
}
