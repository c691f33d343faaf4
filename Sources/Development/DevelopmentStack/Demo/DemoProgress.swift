/// How far the demo's days are: what the monitor says of each, and what the comparison with the vendor gave. Pure.
struct DemoProgress: Sendable {
    /// What came of comparing a day with the vendor.
    enum Comparison: Sendable, Hashable {
        case equal(ContentDigest)
        case different(lake: ContentDigest, vendor: ContentDigest)
        /// The day was given up, or its tag is not what it should be.
        case failed(String)
    }

    /// One line of the table.
    struct Row: Sendable, Hashable {
        let day: String
        var state = "expected"
        var pages = 0
        var records = 0
        var comparison: Comparison?
    }

    private(set) var rows: [Row]

    init(days: [String]) { rows = days.map { Row(day: $0) } }

    /// Whether every day was compared.
    var isComplete: Bool { rows.allSatisfy { $0.comparison != nil } }

    /// Whether every day is there and equal.
    var isGood: Bool {
        rows.allSatisfy { row in
            if case .equal? = row.comparison { true } else { false }
        }
    }

    /// Takes in what the monitor says.
    mutating func update(_ overview: Overview) {
        for index in rows.indices {
            guard let day = overview.day(rows[index].day) else { continue }
            rows[index].state = day.state
            rows[index].pages = day.figures["pages"] ?? 0
            rows[index].records = day.figures["records"] ?? 0
        }
    }

    /// Takes in what a comparison gave.
    mutating func compared(_ day: String, _ comparison: Comparison) {
        for index in rows.indices where rows[index].day == day { rows[index].comparison = comparison }
    }

    /// The days that are to be compared now.
    var uncompared: [Row] { rows.filter { $0.comparison == nil && ["done", "failed", "late"].contains($0.state) } }

    // MARK: Text

    /// The table with its head.
    var table: [String] { [Self.head] + rows.map(Self.line) }

    private static let head = line("SCHEDULE", "DAY", "PAGES", "RECORDS", "STATE", "COMPARED WITH THE VENDOR")

    /// A day as a line.
    static func line(_ row: Row) -> String {
        line(
            StackConfiguration.schedule, row.day, row.pages == 0 ? "-" : Layout.number(row.pages),
            row.records == 0 ? "-" : Layout.number(row.records), row.state, text(row.comparison))
    }

    private static func line(
        _ schedule: String, _ day: String, _ pages: String, _ records: String, _ state: String, _ comparison: String
    ) -> String {
        "  " + Layout.left(schedule, 15) + Layout.left(day, 12) + Layout.right(pages, 5) + Layout.right(records, 9) + "  "
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
        case .failed(let reason): "FAILED: \(reason)"
        }
    }
}
