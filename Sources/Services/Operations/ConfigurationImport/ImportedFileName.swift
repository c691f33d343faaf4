internal import Contracts
internal import Foundation

/// The scripts' pattern of file names, as far as the lake can be laid out by it.
struct ImportedFileName: Sendable {
    /// The layout's folder; nil where the pattern has none or none that a layout can say.
    let dayFolder: String?
    /// What became of the folder.
    let folder: (outcome: ImportNote.Outcome, text: String)?
    /// What became of the name itself.
    let name: (outcome: ImportNote.Outcome, text: String)?

    /// - Parameters:
    ///   - pattern: such as `lake/%Y/%m/%d/conversations_{page}.json`, with strftime's fields, or ours in braces.
    ///   - folder: a folder that the file names apart.
    ///   - dataset: what is written in place of the report's name.
    init(pattern: String?, folder apart: String?, report: String, dataset: String) {
        var segments = Self.fields(in: apart ?? "").split(separator: "/").map(String.init)
        var file: String?
        if let pattern {
            let text = Self.fields(in: pattern)
            var parts = text.split(separator: "/").map(String.init)
            // The bucket is named elsewhere.
            if let scheme = text.firstRange(of: "://") {
                parts = text[scheme.upperBound...].split(separator: "/").dropFirst().map(String.init)
            }
            file = text.hasSuffix("/") ? nil : parts.popLast()
            segments += parts
        }
        let layout = Self.layout(segments, report: report, dataset: dataset)
        dayFolder = layout?.dayFolder
        if segments.isEmpty {
            folder = nil
        } else if let layout {
            folder = (
                .carried,
                "lake.day-folder: \(layout.dayFolder); the same must stand in the monitor's and the tool's configuration"
            )
        } else {
            folder = (
                .left,
                "a day's folder must name the data set and the whole day: \(LakeLayout.standardDayFolder) is used; choose your own as lake.day-folder"
            )
        }
        name = file.map { Self.name($0, dataset: dataset) }
    }

    private static func layout(_ segments: [String], report: String, dataset: String) -> LakeLayout? {
        guard !segments.isEmpty else { return nil }
        let texts = segments.map { [report.lowercased(), dataset].contains($0.lowercased()) ? "{dataset}" : $0 }
        let folder = texts.joined(separator: "/")
        if let layout = LakeLayout(dayFolder: folder) { return layout }
        // What stood in the file's name may stand in the folder's.
        return folder.contains("{dataset}") ? nil : LakeLayout(dayFolder: "{dataset}/\(folder)")
    }

    /// Names of fields, in strftime's and in the usual spellings, by ours.
    private static let spellings: [(String, String)] = [
        ("%Y", "{yyyy}"), ("%m", "{MM}"), ("%d", "{dd}"), ("%F", "{day}"),
        ("{YYYY}", "{yyyy}"), ("{year}", "{yyyy}"), ("{Year}", "{yyyy}"), ("{y}", "{yyyy}"), ("{month}", "{MM}"),
        ("{mm}", "{MM}"),
        ("{m}", "{MM}"), ("{DD}", "{dd}"), ("{d}", "{dd}"), ("{date}", "{day}"), ("{start_date}", "{day}"),
        ("{run_date}", "{day}"),
        ("{yyyy-MM-dd}", "{day}"), ("{report}", "{dataset}"), ("{gcs_report}", "{dataset}"), ("{report_name}", "{dataset}"),
        ("{name}", "{dataset}"), ("{dataset_name}", "{dataset}"),
    ]

    /// A pattern with our fields in place of the scripts'.
    static func fields(in pattern: String) -> String {
        var text = pattern.replacing("${", with: "{").replacing("{{", with: "{").replacing("}}", with: "}")
        // Format specifications of Python's braces: {date:%Y-%m-%d} is what follows the colon, {page:04d} is {page}.
        text = text.replacing(/\{[A-Za-z_]*:(%[^}]*)\}/) { String($0.1) }
        text = text.replacing(/\{([A-Za-z_]+):[^}]*\}/) { "{\($0.1)}" }
        // {day} of a script is the day of the month where its neighbours are a year or a month.
        if text.contains(/%Y|\{yyyy\}|\{YYYY\}|\{year\}|\{month\}/) { text = text.replacing("{day}", with: "{dd}") }
        for (theirs, ours) in spellings { text = text.replacing(theirs, with: ours) }
        return text.replacing("{yyyy}-{MM}-{dd}", with: "{day}")
    }

    private static func name(_ file: String, dataset: String) -> (ImportNote.Outcome, String) {
        let ours = "genesys_\(dataset)_<yyyyMMdd>_<n>.json"
        if file.hasPrefix("genesys_"), file.hasSuffix(".json"), file.contains(dataset) || file.contains("{dataset}") {
            return (.carried, "objects are called \(ours)")
        }
        return (
            .left,
            "objects are always called \(ours) (NDJSON), so that a rerun replaces what it wrote; read by manifests, not by names"
        )
    }
}
