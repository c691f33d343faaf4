public import Contracts
internal import Messaging
public import Service

/// How conversations are extracted.
public struct ConversationConfiguration: Sendable {
    /// Where things are in the lake.
    public var layout: LakeLayout
    /// Records of a page, 1 to 100.
    public var pageSize: Int
    /// Pages that are asked for at a time.
    public var concurrency: Int
    /// How often the pages are read at most while rows shift.
    public var maximumPasses: Int
    /// The largest conversation, bytes.
    public var maximumRecordBytes: Int
    /// Further fields of the request, such as filters; a job's own `request` parameter comes first.
    public var request: JSONValue?

    /// A configuration with defaults for everything that isn't named.
    public init(layout: LakeLayout = .standard, pageSize: Int = 100, concurrency: Int = 4, maximumPasses: Int = 10) {
        self.layout = layout
        self.pageSize = pageSize
        self.concurrency = concurrency
        self.maximumPasses = maximumPasses
        maximumRecordBytes = 32 << 20
    }

    /// Reads the sections `lake` and `conversations`:
    ///
    /// - `conversations.page-size` (100): records of a page, 1 to 100.
    /// - `conversations.concurrency` (4): pages that are asked for at a time.
    /// - `conversations.passes` (10): how often the pages are read at most while rows shift.
    /// - `conversations.maximum-record` (32MiB): the largest conversation.
    public init(_ settings: Settings) {
        let own = settings.scoped("conversations")
        self.init(
            layout: LakeLayout(settings), pageSize: own.int("page-size", default: 100, in: 1...100),
            concurrency: own.int("concurrency", default: 4, in: 1...64),
            maximumPasses: own.int("passes", default: 10, in: 1...100))
        maximumRecordBytes = own.byteCount("maximum-record", default: 32 << 20, in: 1024...(1 << 30))
    }
}
