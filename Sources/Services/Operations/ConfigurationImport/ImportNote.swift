/// What became of one key of an imported file, in a line.
public struct ImportNote: Sendable, Hashable, Encodable {
    /// What became of it.
    public enum Outcome: String, Sendable, Encodable, CaseIterable {
        /// It means the same here.
        case carried
        /// Something else stands for it here; the text says what is different.
        case changed
        /// A secret: a reference stands in its place, the value is nowhere.
        case secret
        /// Nothing here needs it, the text says why.
        case needless
        /// It has no counterpart; the text says what to do instead.
        case left
        /// Nobody knows what it means.
        case unknown
        /// The file doesn't say it and it is needed.
        case missing

        /// Whether somebody has to do something about it.
        public var asksForWork: Bool {
            switch self {
            case .carried, .changed, .needless: false
            case .secret, .left, .unknown, .missing: true
            }
        }
    }

    /// What became of it.
    public let outcome: Outcome
    /// The key's path in the file, such as `reports[2].start_date`; the name of ours where the file has none.
    public let key: String
    /// Where it went, what is different, or what to do instead; never a secret.
    public let text: String

    init(_ outcome: Outcome, _ key: String, _ text: String) {
        self.outcome = outcome
        self.key = key
        self.text = text
    }
}
