internal import Contracts
internal import Foundation

/// A file of the scripts, taken apart: its reports, each with what is common to all.
struct ImportedDocument: Sendable {
    /// One value and where it stood.
    struct Entry: Sendable {
        let path: String
        let value: JSONValue
    }

    /// One report's keys.
    struct Report: Sendable {
        /// Where it stood; empty for the whole file.
        let path: String
        /// The name under which it stood, if it was one of several.
        let name: String?
        var entries: [ImportedKey: Entry] = [:]
    }

    private(set) var reports: [Report] = []
    /// Keys that nobody knows, secrets, and what else is to be said about the file's shape.
    private(set) var notes: [ImportNote] = []
    /// Values that must be nowhere, neither in a file nor in a message.
    private(set) var secrets: Set<String> = []

    /// The most reports of one file.
    static let maximumReports = 100

    init(_ value: JSONValue) {
        collectSecrets(value)
        var common = Report(path: "", name: nil)
        switch value {
        case .array(let elements): addReports(elements, path: "", common: common)
        case .object(let fields):
            let holders = fields.filter { Self.isReports($0.key, $0.value) }
            take(fields.filter { holders[$0.key] == nil }, path: "", group: "", into: &common)
            for (key, value) in holders.sorted(by: { $0.key < $1.key }) { addReports(value, path: key, common: common) }
            if holders.isEmpty { reports = [common] }
        case .null, .bool, .integer, .number, .string:
            notes.append(ImportNote(.left, "(file)", "no JSON object and no list of objects: nothing to import"))
        }
    }

    // MARK: Shape

    /// Whether a value holds reports: a list of objects, or objects by name, under a name that says so or that is a report's.
    private static func isReports(_ key: String, _ value: JSONValue) -> Bool {
        switch value {
        case .array(let elements):
            return ImportedKey.holdsReports(key) && !elements.isEmpty
                && elements.allSatisfy { if case .object = $0 { true } else { false } }
        case .object(let fields):
            if ImportedKey.holdsReports(key) { return true }
            return ReportKind(key) != nil && ImportedKey(name: key) == nil
                && fields.contains { ImportedKey(name: $0.key) != nil && $0.key.lowercased() != "comment" }
        case .null, .bool, .integer, .number, .string: return false
        }
    }

    private mutating func addReports(_ value: JSONValue, path: String, common: Report) {
        switch value {
        case .array(let elements): addReports(elements, path: path, common: common)
        case .object(let fields):
            let isByName = fields.values.allSatisfy { if case .object = $0 { true } else { false } } && ReportKind(path) == nil
            guard isByName else {
                add(fields, path: path, name: ReportKind(path) == nil ? nil : path, common: common)
                return
            }
            for (name, report) in fields.sorted(by: { $0.key < $1.key }) {
                if case .object(let fields) = report { add(fields, path: "\(path).\(name)", name: name, common: common) }
            }
        case .null, .bool, .integer, .number, .string: break
        }
    }

    private mutating func addReports(_ elements: [JSONValue], path: String, common: Report) {
        for (index, element) in elements.enumerated() {
            let place = "\(path)[\(index + 1)]"
            guard case .object(let fields) = element else {
                notes.append(ImportNote(.unknown, Self.shown(place), "no object: a report is an object"))
                continue
            }
            add(fields, path: place, name: nil, common: common)
        }
    }

    private mutating func add(_ fields: [String: JSONValue], path: String, name: String?, common: Report) {
        guard reports.count < Self.maximumReports else {
            notes.append(ImportNote(.left, Self.shown(path), "more than \(Self.maximumReports) reports: split the file"))
            return
        }
        var report = Report(path: path, name: name)
        take(fields, path: path, group: "", into: &report)
        report.entries.merge(common.entries) { own, _ in own }
        reports.append(report)
    }

    /// Takes keys in; groups of keys (`"gcs": {"report": …}`) are looked into.
    private mutating func take(_ fields: [String: JSONValue], path: String, group: String, into report: inout Report) {
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            let place = path.isEmpty ? name : "\(path).\(name)"
            if value == .null {
                notes.append(ImportNote(.needless, Self.shown(place), "it is empty"))
                continue
            }
            let key = ImportedKey(name: group + name) ?? ImportedKey(name: name)
            if key != .clientSecret, ImportedKey.isSecret(name) {
                notes.append(Self.secret(place))
                continue
            }
            if case .object(let inner) = value, key == nil || !Self.mayBeObject(key) {
                take(inner, path: place, group: group + name, into: &report)
                continue
            }
            guard let key else {
                notes.append(ImportNote(.unknown, Self.shown(place), "nobody knows this key; look what the script does with it"))
                continue
            }
            if let other = report.entries[key], other.value != value, key != .warehouse, key != .remark, key != .retries {
                notes.append(
                    ImportNote(.left, Self.shown(place), "\(Self.shown(other.path)) says the same otherwise and is taken"))
                continue
            }
            switch key {
            case .remark: notes.append(ImportNote(.needless, Self.shown(place), "a remark"))
            case .pageNumber: notes.append(ImportNote(.needless, Self.shown(place), "pages are read until one is empty"))
            case .retries:
                notes.append(
                    ImportNote(
                        .needless, Self.shown(place),
                        "workers wait and try again by themselves: worker.retry-delays, worker.attempts, worker.attempt-timeout"))
            case .warehouse:
                notes.append(
                    ImportNote(
                        .left, Self.shown(place),
                        "workers write the lake only; load it from there by its manifests, once a day has its _SUCCESS"))
            default: report.entries[key] = Entry(path: place, value: value)
            }
        }
    }

    private static func mayBeObject(_ key: ImportedKey?) -> Bool { key == .request || key == .startDate || key == .endDate }

    // MARK: Secrets

    static func secret(_ path: String) -> ImportNote {
        ImportNote(
            .secret, shown(path),
            "left out; give it as a secret reference (env:NAME, file:/path or gcp-secret:projects/…) where it is needed, and change it: it stood in a file"
        )
    }

    private mutating func collectSecrets(_ value: JSONValue) {
        switch value {
        case .object(let fields):
            for (name, value) in fields { if ImportedKey.isSecret(name) { collectTexts(value) } else { collectSecrets(value) } }
        case .array(let elements): for element in elements { collectSecrets(element) }
        case .null, .bool, .integer, .number, .string: break
        }
    }

    private mutating func collectTexts(_ value: JSONValue) {
        switch value {
        case .object(let fields): for value in fields.values { collectTexts(value) }
        case .array(let elements): for element in elements { collectTexts(element) }
        // Shorter ones are words like "true", and would be found everywhere.
        case .string(let text) where text.utf8.count >= 6: secrets.insert(text)
        case .null, .bool, .integer, .number, .string: break
        }
    }

    /// A path as it may be shown.
    static func shown(_ path: String) -> String { TerminalText.escaped(path, limit: 120) }
}
