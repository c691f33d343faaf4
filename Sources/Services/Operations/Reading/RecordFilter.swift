public import Kafka

/// Which records of a topic are meant.
public struct RecordFilter: Sendable, Hashable {
    /// One condition on a field.
    public struct Condition: Sendable, Hashable {
        /// How the field's text is compared.
        public enum Comparison: String, Sendable, Hashable, CaseIterable {
            /// It is something else, or there is no such field.
            case differs = "!="
            /// It is this.
            case equals = "="
            /// It contains this.
            case contains = "~"
        }

        let path: String
        let comparison: Comparison
        let text: String

        /// Reads a condition: `event=failed`, `job.kind!=recording`, `failure.message~timeout`, `header.dlq-reason=stalled`.
        ///
        /// - Throws: a ``UsageProblem`` that names the option.
        public init(_ condition: String, option: String) throws(UsageProblem) {
            let places = Comparison.allCases.compactMap { comparison in
                condition.firstRange(of: comparison.rawValue).map { (range: $0, comparison: comparison) }
            }
            // The first sign counts; of `!=` and the `=` inside of it, the longer one.
            guard
                let first = places.min(by: {
                    ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound)
                }),
                first.range.lowerBound > condition.startIndex
            else {
                throw UsageProblem(option, given: condition, allowed: "field=text, field!=text or field~text (contains)")
            }
            path = String(condition[..<first.range.lowerBound])
            comparison = first.comparison
            text = String(condition[first.range.upperBound...])
        }

        func matches(_ fields: RecordFields) -> Bool {
            let found = fields.text(path)
            return switch comparison {
            case .equals: found == text
            case .differs: found != text
            case .contains: found?.contains(text) ?? false
            }
        }
    }

    /// The keys, as text; empty for all.
    public var keys: Set<String> = []
    /// The kinds of the jobs; empty for all.
    public var kinds: Set<String> = []
    /// The sources of the jobs; empty for all.
    public var sources: Set<String> = []
    /// The business days of the jobs, `yyyy-MM-dd`; empty for all.
    public var days: Set<String> = []
    /// What else must hold.
    public var conditions: [Condition] = []

    /// All records.
    public init() {}

    /// Whether every record is meant.
    public var isEmpty: Bool { keys.isEmpty && kinds.isEmpty && sources.isEmpty && days.isEmpty && conditions.isEmpty }

    /// Whether a record is meant. One whose value isn't JSON has no kind, source or day.
    public func matches(_ record: ConsumerRecord) -> Bool {
        guard !isEmpty else { return true }
        if !keys.isEmpty, !(record.key.map { keys.contains(String(decoding: $0, as: UTF8.self)) } ?? false) { return false }
        if kinds.isEmpty && sources.isEmpty && days.isEmpty && conditions.isEmpty { return true }
        return matches(RecordFields(record))
    }

    /// Whether what is in the record is meant; its key is for ``matches(_:)-swift.method``.
    func matches(_ fields: RecordFields) -> Bool {
        func holds(_ wanted: Set<String>, _ path: String) -> Bool {
            wanted.isEmpty || fields.text(path).map { wanted.contains($0) } ?? false
        }
        return holds(kinds, "kind") && holds(sources, "source") && holds(days, "day")
            && conditions.allSatisfy { $0.matches(fields) }
    }
}
