internal import Contracts
internal import Foundation
internal import Scheduler

/// A configuration file of the scripts that Switchboard replaces, as configuration of ours: a file of schedules, and one for
/// each kind of worker that its reports need. Pure.
///
/// Every key of the file has at least one note that says what became of it. Secrets are in neither files nor notes.
public struct ConfigurationImport: Sendable {
    /// What the file can't say.
    public struct Options: Sendable {
        /// The vendor account of the schedules.
        public var source: String
        /// The zone of business days; nil for the file's, or one that its times lead to.
        public var zone: String?
        /// When the schedules fire, where the file doesn't say it.
        public var cron: String

        /// Options with defaults.
        public init(source: String = "genesys/main", zone: String? = nil, cron: String = "0 6 * * *") {
            self.source = source
            self.zone = zone
            self.cron = cron
        }
    }

    /// One file of ours.
    public struct File: Sendable, Hashable, Encodable {
        /// Its name, such as `schedules.yaml`.
        public let name: String
        /// Its text.
        public let text: String
    }

    /// The files; none when the file holds no report.
    public private(set) var files: [File] = []
    /// What became of each key, report by report.
    public private(set) var notes: [ImportNote] = []

    /// Whether somebody has to do something that this can't.
    public var asksForWork: Bool { files.isEmpty || notes.contains { $0.outcome.asksForWork } }

    /// The largest file that is read, bytes.
    public static let maximumBytes = 1 << 20

    /// Imports a file.
    ///
    /// - Throws: a ``UsageProblem`` when the bytes are no JSON, are too many, or an option is not allowed.
    public init(_ bytes: [UInt8], options: Options = Options()) throws(UsageProblem) {
        let value: JSONValue
        do throws(ContractError) {
            // A byte order mark is what editors of another system leave.
            value = try JSONValue.decode(
                bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes, upTo: Self.maximumBytes)
        } catch {
            throw UsageProblem("the file is no JSON that can be read: \(error); allowed are at most \(Self.maximumBytes) bytes")
        }
        guard ScheduleFile.isAllowed(source: options.source) else {
            throw UsageProblem("--source", given: options.source, allowed: "vendor/account such as genesys/main")
        }
        if let zone = options.zone, BusinessZone(zone) == nil {
            throw UsageProblem("--zone", given: zone, allowed: "an IANA time zone such as Asia/Manila, or UTC")
        }
        do throws(CronError) { _ = try CronExpression(options.cron) } catch {
            throw UsageProblem("--cron", given: options.cron, allowed: "five fields such as \"0 6 * * *\"")
        }
        let document = ImportedDocument(value)
        notes = document.notes
        var schedules: [ImportedReport] = []
        var names: Set<String> = []
        for report in document.reports {
            var imported = ImportedReport(report, secrets: document.secrets, options: options)
            imported.rename(unlike: names)
            notes += imported.notes
            guard let kind = imported.kind else { continue }
            names.insert(imported.name)
            if let other = schedules.first(where: { $0.kind == kind }) {
                notes.append(
                    ImportNote(
                        .left, imported.name,
                        "the schedule \(other.name) has the same data set \(kind.dataset): if both cover the same days, give one another data set"
                    ))
            }
            schedules.append(imported)
        }
        guard !schedules.isEmpty else { return }
        files = [File(name: "schedules.yaml", text: Self.schedules(schedules, options))]
        for kind in Set(schedules.compactMap { $0.kind?.kind }).sorted() {
            let reports = schedules.filter { $0.kind?.kind == kind }
            var file = ImportedWorker(kind: kind, reports: reports)
            notes += file.resolve()
            files.append(File(name: "\(kind)-worker.yaml", text: file.text))
        }
        // What is common to several reports is said once.
        var said: Set<ImportNote> = []
        notes = notes.filter { said.insert($0).inserted }
        notes.append(
            ImportNote(.missing, "kafka.bootstrap-servers", "the scripts had no brokers: put yours into the workers' files"))
    }

    private static func schedules(_ reports: [ImportedReport], _ options: Options) -> String {
        var text = "# Schedules, imported from a configuration of scripts. The scheduler reads them as scheduler.schedules.\n"
        text += "# What the scripts didn't do, such as picking up late and changed data, is done by schedules of other tasks:\n"
        text += "# docs/configuration.md names them.\n\nschedules:\n"
        for report in reports { text += report.schedule(source: options.source) }
        return text
    }

    /// The notes for people: outcome, key and text in columns.
    public var report: String {
        var table = TextTable([TextTable.Column("OUTCOME"), TextTable.Column("KEY"), TextTable.Column("WHAT")])
        for note in notes { table.add([note.outcome.rawValue, note.key, note.text]) }
        return table.text
    }
}
