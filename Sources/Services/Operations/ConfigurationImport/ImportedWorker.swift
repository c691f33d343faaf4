internal import Contracts

/// The configuration of one kind of worker that several reports may need.
struct ImportedWorker: Sendable {
    private let kind: String
    private let reports: [ImportedReport]
    private var settings: [String: JSONValue] = [:]

    init(kind: String, reports: [ImportedReport]) {
        self.kind = kind
        self.reports = reports
    }

    /// Brings the reports' settings together; what the file doesn't say, and what reports say differently, is noted.
    mutating func resolve() -> [ImportNote] {
        var notes: [ImportNote] = []
        let file = "\(kind)-worker.yaml"
        for report in reports {
            for (key, value) in report.settings.sorted(by: { $0.key < $1.key }) {
                if let other = settings[key], other != value {
                    notes.append(
                        ImportNote(
                            .left, key,
                            "\(file): the reports say it differently and the first is taken; run a second worker with a file of its own for \(report.name)"
                        ))
                } else {
                    settings[key] = value
                }
            }
        }
        if settings["genesys.domain"] == nil, settings["genesys.api-url"] == nil || settings["genesys.login-url"] == nil {
            settings["genesys.domain"] = .string("region.invalid")
            notes.append(
                ImportNote(.missing, "genesys.domain", "\(file): put your region's domain there, such as mypurecloud.jp"))
        }
        if settings["genesys.client-id"] == nil {
            settings["genesys.client-id"] = .string("00000000-0000-0000-0000-000000000000")
            notes.append(ImportNote(.missing, "genesys.client-id", "\(file): put the OAuth client's id there"))
        }
        settings["genesys.client-secret"] = .string("env:GENESYS_CLIENT_SECRET")
        if settings["lake.url"] == nil {
            settings["lake.url"] = .string("file:///var/lib/switchboard/lake")
            notes.append(ImportNote(.missing, "lake.url", "\(file): the file names no bucket; put your lake's address there"))
        }
        settings["kafka.bootstrap-servers"] = .string("localhost:9092")
        return notes
    }

    /// The file.
    var text: String {
        var text = "# \(kind)-worker, imported from a configuration of scripts. All keys: docs/configuration.md.\n"
        let sections = Dictionary(grouping: settings.keys) { $0.prefix { $0 != "." } }
        let order = ["kafka", "genesys", "conversations", "evaluations", "user-details", "lookups", "lake", "http", "log"]
        for section in order {
            guard let keys = sections[Substring(section)] else { continue }
            text += "\n\(section):\n"
            for key in keys.sorted() {
                text += YAMLText.entry(String(key.dropFirst(section.count + 1)), settings[key] ?? .null, indent: 2)
            }
        }
        return text
    }
}
