/// Rows of text in columns for people to read.
public struct TextTable: Sendable, Hashable {
    /// On which side a column's text stands.
    public enum Side: Sendable, Hashable {
        /// Words.
        case left
        /// Numbers.
        case right
    }

    /// One column.
    public struct Column: Sendable, Hashable {
        let title: String
        let side: Side

        /// A column.
        public init(_ title: String, _ side: Side = .left) {
            self.title = title
            self.side = side
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    /// A table without rows.
    public init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row; missing cells are empty, further ones are left out.
    public mutating func add(_ cells: [String]) { rows.append(cells) }

    /// Whether there is no row.
    public var isEmpty: Bool { rows.isEmpty }

    /// The titles and rows, one a line, columns two spaces apart; with a newline at the end.
    public var text: String {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in all.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (index, column) in columns.enumerated() {
                let cell = row.count > index ? row[index] : ""
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                line += (index > 0 ? "  " : "") + (column.side == .right ? padding + cell : cell + padding)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
