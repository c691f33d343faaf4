/// How far the demo's days are: what the monitor says of each, and what the comparison with the vendor gave. Pure.
struct DemoProgress: Sendable {
    /// What came of comparing a day with the vendor.
    enum Comparison: Sendable, Hashable {
        case equal(ContentDigest)
        case different(lake: ContentDigest, vendor: ContentDigest)
        /// Every record is the vendor's, the latest version of each once; in whatever order.
        case equalRecords(Int)
        case differentRecords(RecordDifference)
        /// There is nothing to compare with but the manifest, and what it names is there.
        case complete(records: Int)
        /// The day was given up, or its tag is not what it should be.
        case failed(String)
    }

    /// One line of the table.
    struct Row: Sendable, Hashable {
        let dataset: String
        let day: String
        var state = "expected"
        var pages = 0
        var records = 0
        var comparison: Comparison?
    }

    private(set) var rows: [Row]

    init(_ rows: [(dataset: String, day: String)]) { self.rows = rows.map { Row(dataset: $0.dataset, day: $0.day) } }

    /// Whether every day was compared.
    var isComplete: Bool { rows.allSatisfy { $0.comparison != nil } }

    /// Whether every day is there and equal.
    var isGood: Bool {
        rows.allSatisfy { row in
            switch row.comparison {
            case .equal?, .equalRecords?, .complete?: true
            case .different?, .differentRecords?, .failed?, nil: false
            }
        }
    }

    /// Takes in what the monitor says.
    mutating func update(_ overview: Overview) {
        for index in rows.indices {
            guard let day = overview.day(rows[index].day, dataset: rows[index].dataset) else { continue }
            rows[index].state = day.state
            rows[index].pages = day.figures["pages"] ?? 0
            rows[index].records = day.figures["records"] ?? 0
        }
    }

    /// Takes in what a comparison gave.
    mutating func compared(_ row: Row, _ comparison: Comparison) {
        for index in rows.indices where rows[index].day == row.day && rows[index].dataset == row.dataset {
            rows[index].comparison = comparison
        }
    }

    /// Days of a data set.
    func rows(of dataset: String) -> [Row] { rows.filter { $0.dataset == dataset } }

    /// Takes in days that come later.
    mutating func add(_ dataset: String, _ days: [String]) { rows += days.map { Row(dataset: dataset, day: $0) } }

    /// The days that are to be compared now.
    var uncompared: [Row] { rows.filter { $0.comparison == nil && ["done", "failed", "late"].contains($0.state) } }

    // MARK: Text

    /// The table with its head.
    var table: [String] { [Self.head] + rows.map(Self.line) }

    private static let head = line("DATA SET", "DAY", "PAGES", "RECORDS", "STATE", "COMPARED WITH THE VENDOR")

    /// A day as a line.
    static func line(_ row: Row) -> String {
        line(
            row.dataset, row.day, row.pages == 0 ? "-" : Layout.number(row.pages),
            row.records == 0 ? "-" : Layout.number(row.records), row.state, text(row.comparison))
    }

    private static func line(
        _ dataset: String, _ day: String, _ pages: String, _ records: String, _ state: String, _ comparison: String
    ) -> String {
        "  " + Layout.left(dataset, 22) + Layout.left(day, 12) + Layout.right(pages, 5) + Layout.right(records, 9) + "  "
            + Layout.left(state, 10) + comparison
    }

    private static func text(_ comparison: Comparison?) -> String {
        switch comparison {
        case nil: ""
        case .equal(let digest):
            "equal: \(Layout.number(digest.records)) records, \(Layout.size(digest.bytes)), sha256 \(digest.sha256.prefix(8))…"
        case .different(let lake, let vendor):
            "DIFFERENT: \(Layout.number(lake.records)) records of \(Layout.number(vendor.records)), "
                + "\(Layout.number(lake.bytes)) bytes of \(Layout.number(vendor.bytes))"
        case .equalRecords(let records): "equal: \(Layout.number(records)) records, each in its latest version once"
        case .differentRecords(let difference):
            "DIFFERENT: \(Layout.number(difference.missing)) missing, \(Layout.number(difference.doubled)) twice, "
                + "\(Layout.number(difference.strange)) unknown"
        case .complete(let records): "as its manifest says: \(Layout.number(records)) records"
        case .failed(let reason): "FAILED: \(reason)"
        }
    }
}
