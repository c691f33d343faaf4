internal import Contracts
internal import Foundation
internal import Scheduler

/// One report of a script's file, with what became of its keys.
struct ImportedReport: Sendable {
    /// Which worker does it; nil when nobody knows what it is.
    private(set) var kind: ReportKind?
    /// The schedule's name.
    private(set) var name = ""
    /// The notes about its keys.
    private(set) var notes: [ImportNote] = []
    /// Settings of the worker, by their keys.
    private(set) var settings: [String: JSONValue] = [:]

    private let report: ImportedDocument.Report
    private let secrets: Set<String>
    private var time = ImportedSchedule(ImportedSchedule.Given())
    private var cron: String
    private var request: JSONValue?

    init(_ report: ImportedDocument.Report, secrets: Set<String>, options: ConfigurationImport.Options) {
        self.report = report
        self.secrets = secrets
        cron = options.cron
        readKind()
        guard kind != nil else { return }
        readName()
        readTime(options)
        readRequest()
        readFileName()
        readVendor()
        readRest()
        checkRequest(options)
    }

    /// Whatever stands in a request must come through our own reader; what doesn't is left out.
    private mutating func checkRequest(_ options: ConfigurationImport.Options) {
        guard request != nil else { return }
        do throws(ScheduleFile.Problems) {
            _ = try ScheduleFile.parse(yaml: "schedules:\n" + schedule(source: options.source))
        } catch {
            request = nil
            say(.left, .request, "something in it can't be written into a schedule; put it into parameters.request by hand")
        }
    }

    /// Gives the schedule a name that no other has.
    mutating func rename(unlike names: Set<String>) {
        guard names.contains(name) else { return }
        let base = name.prefix(58)
        name = (2...).lazy.map { "\(base)-\($0)" }.first { !names.contains($0) } ?? name
        say(
            .changed, report.path.isEmpty ? "(file)" : report.path, "another report has this name: the schedule is called \(name)"
        )
    }

    // MARK: Values

    private mutating func say(_ outcome: ImportNote.Outcome, _ path: String, _ text: String) {
        notes.append(ImportNote(outcome, ImportedDocument.shown(path), text))
    }

    private mutating func say(_ outcome: ImportNote.Outcome, _ key: ImportedKey, _ text: String) {
        // The scripts' spelling of what they don't say.
        let name = key.rawValue.map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
        say(outcome, report.entries[key]?.path ?? name, text)
    }

    private func value(_ key: ImportedKey) -> JSONValue? { report.entries[key]?.value }

    /// A key's text, whatever it was written as; nil when there is none, when it is no single value, or when it holds a secret.
    private func text(_ key: ImportedKey) -> String? {
        let text: String
        switch value(key) {
        case .string(let string): text = string.trimmingCharacters(in: .whitespacesAndNewlines)
        case .integer(let number): text = "\(number)"
        case .array(let elements) where elements.count == 1: text = elements[0].string ?? ""
        default: return nil
        }
        guard !text.isEmpty, text.utf8.count <= 500, !secrets.contains(where: { text.contains($0) }) else { return nil }
        return text
    }

    /// The names of roles, one or several; nil when one of them is none or holds a secret.
    private func roles() -> [String]? {
        guard case .array(let elements)? = value(.role) else {
            return text(.role).flatMap { $0.utf8.count <= 200 ? [$0] : nil }
        }
        let names = elements.compactMap { $0.string?.trimmingCharacters(in: .whitespacesAndNewlines) }
        guard !names.isEmpty, names.count == elements.count, names.count <= 100,
            names.allSatisfy({ name in
                !name.isEmpty && name.utf8.count <= 200 && !secrets.contains { name.contains($0) }
            })
        else { return nil }
        return names
    }

    private func count(_ key: ImportedKey, in range: ClosedRange<Int>) -> Int? {
        let number = value(key)?.integer ?? text(key).flatMap { Int64($0) }
        return number.flatMap { Int(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
    }

    /// Says that a key's value is none that has a meaning here. The value isn't shown: it may be anything.
    private mutating func refuse(_ key: ImportedKey, _ allowed: String) {
        if report.entries[key] != nil { say(.left, key, "its value is not what is expected here: \(allowed)") }
    }

    // MARK: What and when

    private mutating func readKind() {
        if let text = text(.report), let kind = ReportKind(text) {
            self.kind = kind
            say(.carried, .report, "schedules.yaml: kind: \(kind.kind), dataset: \(kind.dataset)")
        } else if value(.report) != nil {
            say(.left, .report, "no data set of that name is known; there are \(ReportKind.known)")
        } else if let kind = report.name.flatMap(ReportKind.init(_:)) {
            self.kind = kind
            say(.carried, report.path, "schedules.yaml: kind: \(kind.kind), dataset: \(kind.dataset)")
        } else if value(.role) != nil || value(.answers) != nil {
            self.kind = .evaluations
            say(.missing, .report, "no report is named; a role or the answers' scores belong to evaluations")
        } else if value(.fileName) != nil || value(.request) != nil || value(.startDate) != nil {
            let guess = text(.fileName).flatMap { name in
                name.split { !$0.isLetter && $0 != "_" }.compactMap { ReportKind(String($0)) }.first
            }
            kind = guess
            say(
                .missing, .report,
                guess.map { "no report is named; by the file's name it is \($0.dataset)" }
                    ?? "no report is named: add gcs_report; there are \(ReportKind.known)")
        } else {
            say(.missing, .report, "no report is named: nothing is imported; there are \(ReportKind.known)")
        }
    }

    private mutating func readName() {
        let given = text(.name) ?? kind?.dataset ?? ""
        let plain = given.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        name = String(String(plain).prefix(63).drop { $0 == "-" })
        if name.isEmpty { name = "imported" }
        if value(.name) != nil { say(.carried, .name, "schedules.yaml: name: \(name)") }
    }

    private mutating func readTime(_ options: ConfigurationImport.Options) {
        var given = ImportedSchedule.Given()
        given.startDay = value(.startDate).flatMap(ImportedDay.init(_:))
        given.endDay = value(.endDate).flatMap(ImportedDay.init(_:))
        given.startTime = value(.startTime).flatMap(ImportedTime.init(_:))
        given.endTime = value(.endTime).flatMap(ImportedTime.init(_:))
        given.zone = (options.zone ?? text(.zone)).flatMap(BusinessZone.init(_:))
        time = ImportedSchedule(given)
        let isSnapshot = kind?.isSnapshot ?? false
        let spans = [ImportedKey.startDate, .endDate, .startTime, .endTime]
        if isSnapshot {
            time.makeSnapshot()
            let given = spans.filter { value($0) != nil }
            let text =
                "a list has no past, each snapshot is today's: schedules.yaml: lag: 0, catch-up: latest, without start and end"
            for key in given { say(.changed, key, text) }
            if given.isEmpty { say(.changed, .startDate, text) }
        }
        for (key, isRead) in [(ImportedKey.startDate, given.startDay != nil), (.endDate, given.endDay != nil)]
        where value(key) != nil && !isSnapshot {
            if isRead { say(time.days.0, key, time.days.1) } else { refuse(key, "days before today such as -1, or a date") }
        }
        for (key, isRead) in [(ImportedKey.startTime, given.startTime != nil), (.endTime, given.endTime != nil)]
        where value(key) != nil && !isSnapshot {
            if isRead { say(time.times.0, key, time.times.1) } else { refuse(key, "a time of day such as 16:00:00.000Z") }
        }
        if value(.startDate) == nil, value(.endDate) == nil, !isSnapshot { say(time.days.0, .startDate, time.days.1) }
        if value(.zone) != nil {
            if options.zone != nil {
                say(.changed, .zone, "schedules.yaml: zone: \(time.zone), as --zone says")
            } else if given.zone != nil {
                say(time.zoning.0, .zone, time.zoning.1)
            } else {
                refuse(.zone, "an IANA time zone such as Asia/Manila; name one with --zone. \(time.zoning.1)")
            }
        } else {
            say(time.zoning.0, .zone, time.zoning.1)
        }
        if value(.interval) != nil {
            say(
                .needless, .interval,
                "jobs ask for the intervals of their schedule; for those of the past use `switchboard jobs backfill`")
        }
        if let text = text(.cron), (try? CronExpression(text)) != nil {
            cron = text
            say(.carried, .cron, "schedules.yaml: cron, in the schedule's zone")
        } else if value(.cron) != nil {
            refuse(.cron, "five fields such as \"0 6 * * *\"; \(cron) is used")
        } else {
            say(.missing, .cron, "the file doesn't say when it ran: cron: \"\(cron)\" in \(time.zone); choose with --cron")
        }
    }

    // MARK: What is asked for

    private mutating func readRequest() {
        if let entry = report.entries[.request] {
            let read = ImportedRequest(entry.value)
            let hasSecret = read.fields.flatMap { $0.encoded() }.map { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                return secrets.contains { text.contains($0) }
            }
            let takesRequest = kind.map { $0 == .conversations || $0 == .userDetails } ?? false
            for note in read.notes where takesRequest || note.outcome != .carried {
                say(note.outcome, note.key.isEmpty ? entry.path : "\(entry.path).\(note.key)", note.text)
            }
            if hasSecret == true {
                say(.secret, entry.path, "left out: a value of the file's secrets stands in it")
            } else if takesRequest {
                request = read.fields
            } else if case .object(let fields)? = read.fields {
                for name in fields.keys.sorted() {
                    say(
                        .left, "\(entry.path).\(name)",
                        "the \(kind?.program ?? "worker") reads everything; filter where the lake is read")
                }
            }
            if read.notes.isEmpty { say(.needless, entry.path, "nothing in it that isn't said elsewhere") }
            if let size = read.pageSize { setPageSize(size, "\(entry.path) (page size)") }
            if let answers = read.answers { setAnswers(answers, "\(entry.path).expandAnswerTotalScores") }
        }
        if value(.pageSize) != nil {
            if let size = count(.pageSize, in: 1...100_000) {
                setPageSize(size, report.entries[.pageSize]?.path ?? "")
            } else {
                refuse(.pageSize, "a whole number of records")
            }
        }
        if let entry = report.entries[.answers] {
            if let answers = entry.value.bool
                ?? text(.answers).flatMap({ ["true": true, "1": true, "false": false, "0": false][$0.lowercased()] })
            {
                setAnswers(answers, entry.path)
            } else {
                refuse(.answers, "true or false")
            }
        }
        if value(.role) != nil {
            if kind?.dataset != "evaluations" {
                say(.needless, .role, "only evaluations are found by a role")
            } else if let roles = roles() {
                settings["evaluations.roles"] = .array(roles.map { .string($0) })
                say(.carried, .role, "evaluation-worker.yaml: evaluations.roles; a name must match exactly")
            } else {
                refuse(.role, "roles' names")
            }
        }
    }

    private mutating func setPageSize(_ size: Int, _ path: String) {
        let section = kind?.settings ?? "lookups"
        // Some lists give more, but a setting is for all lookups.
        let allowed = min(max(size, 1), 100)
        settings["\(section).page-size"] = .integer(Int64(allowed))
        say(
            allowed == size ? .carried : .changed, path,
            "\(kind?.program ?? "").yaml: \(section).page-size: \(allowed)\(allowed == size ? "" : ", which the vendor takes everywhere")"
        )
    }

    private mutating func setAnswers(_ answers: Bool, _ path: String) {
        guard kind?.dataset == "evaluations" else {
            say(.needless, path, "only evaluations have answers")
            return
        }
        settings["evaluations.expand-answer-total-scores"] = .bool(answers)
        say(.carried, path, "evaluation-worker.yaml: evaluations.expand-answer-total-scores: \(answers)")
    }

    // MARK: Where to

    private mutating func readFileName() {
        for key in [ImportedKey.fileName, .folder] where value(key) != nil && text(key) == nil {
            refuse(key, "text, without secrets")
        }
        let read = ImportedFileName(
            pattern: text(.fileName), folder: text(.folder), report: text(.report) ?? report.name ?? "",
            dataset: kind?.dataset ?? "")
        if let folder = read.dayFolder { settings["lake.day-folder"] = .string(folder) }
        if let folder = read.folder { say(folder.outcome, text(.folder) == nil ? .fileName : .folder, folder.text) }
        if let name = read.name { say(name.outcome, .fileName, name.text) }
        guard value(.bucket) != nil else { return }
        guard let bucket = text(.bucket).map({ String($0.trimmingPrefix("gs://").split(separator: "/").first ?? "") }),
            bucket.wholeMatch(of: /[a-z0-9][a-z0-9._\-]{1,61}[a-z0-9]/) != nil
        else {
            refuse(.bucket, "a bucket's name; set lake.url yourself")
            return
        }
        settings["lake.url"] = .string("s3://\(bucket)")
        settings["lake.endpoint"] = .string("https://storage.googleapis.com")
        settings["lake.region"] = .string("auto")
        settings["lake.access-key"] = .string("env:LAKE_ACCESS_KEY")
        settings["lake.secret-key"] = .string("env:LAKE_SECRET_KEY")
        say(
            .changed, .bucket,
            "lake.url: s3://\(bucket) at Google's address that speaks S3; it needs an HMAC key in LAKE_ACCESS_KEY and LAKE_SECRET_KEY"
        )
    }

    // MARK: The vendor

    private mutating func readVendor() {
        if value(.domain) != nil {
            if let domain = text(.domain).flatMap(GenesysRegion.domain) {
                settings["genesys.domain"] = .string(domain)
                say(.carried, .domain, "genesys.domain: \(domain)")
            } else {
                refuse(.domain, "a region's domain such as mypurecloud.jp, or its AWS name; set genesys.domain yourself")
            }
        }
        for (key, setting) in [(ImportedKey.apiURL, "genesys.api-url"), (.loginURL, "genesys.login-url")] where value(key) != nil
        {
            readAddress(key, setting)
        }
        if value(.clientID) != nil {
            if let id = text(.clientID), id.wholeMatch(of: /[A-Za-z0-9_.\-]{1,100}/) != nil {
                settings["genesys.client-id"] = .string(id)
                say(.carried, .clientID, "genesys.client-id")
            } else {
                refuse(.clientID, "an OAuth client's id; set genesys.client-id yourself")
            }
        }
        if value(.clientSecret) != nil {
            say(
                .secret, .clientSecret,
                "genesys.client-secret: env:GENESYS_CLIENT_SECRET; put a new secret there: this one stood in a file")
        }
    }

    private mutating func readAddress(_ key: ImportedKey, _ setting: String) {
        guard let text = text(key), let url = URL(string: text.contains("://") ? text : "https://\(text)"), let host = url.host(),
            ["http", "https"].contains(url.scheme)
        else { return refuse(key, "an address such as https://api.mypurecloud.jp") }
        if let domain = GenesysRegion.domain(host), host.hasPrefix("api.") || host.hasPrefix("login.") {
            if settings["genesys.domain"] == nil { settings["genesys.domain"] = .string(domain) }
            say(.carried, key, "genesys.domain: \(domain)")
        } else {
            // User, password and query stay behind.
            let address = "\(url.scheme ?? "https")://\(host)" + (url.port.map { ":\($0)" } ?? "")
            settings[setting] = .string(address)
            say(address == text ? .carried : .changed, key, "\(setting): scheme, host and port")
        }
    }

    // MARK: The rest

    private mutating func readRest() {
        if value(.concurrency) != nil {
            if kind?.dataset == "conversations", let number = count(.concurrency, in: 1...64) {
                settings["conversations.concurrency"] = .integer(Int64(number))
                say(.carried, .concurrency, "conversation-worker.yaml: conversations.concurrency: \(number)")
            } else {
                say(.needless, .concurrency, "worker.slots says how many jobs run at a time; start more workers for more")
            }
        }
        if value(.requestsPerMinute) != nil {
            if let number = count(.requestsPerMinute, in: 1...1_000_000) {
                settings["genesys.requests-per-minute"] = .integer(Int64(number))
                say(.carried, .requestsPerMinute, "genesys.requests-per-minute: \(number), of all workers together")
            } else {
                refuse(.requestsPerMinute, "a whole number of requests a minute")
            }
        }
        if value(.proxy) != nil {
            if let text = text(.proxy), let url = URL(string: text), let host = url.host(),
                ["http", "https"].contains(url.scheme)
            {
                let port = url.port.map { ":\($0)" } ?? ""
                settings["http.proxy"] = .string("\(url.scheme ?? "http")://\(host)\(port)")
                if url.user() != nil {
                    settings["http.proxy-user"] = .string(url.user(percentEncoded: false) ?? "")
                    settings["http.proxy-password"] = .string("env:HTTP_PROXY_PASSWORD")
                    say(
                        .secret, .proxy, "http.proxy, http.proxy-user; http.proxy-password: env:HTTP_PROXY_PASSWORD, put it there"
                    )
                } else {
                    say(.carried, .proxy, "http.proxy")
                }
            } else {
                refuse(.proxy, "an address such as http://proxy.example.net:3128")
            }
        }
        if value(.logLevel) != nil {
            let levels = [
                "debug": "debug", "info": "info", "warning": "warning", "warn": "warning", "error": "error",
                "critical": "critical",
            ]
            if let level = text(.logLevel).flatMap({ levels[$0.lowercased()] }) {
                settings["log.level"] = .string(level)
                say(.carried, .logLevel, "log.level: \(level)")
            } else {
                refuse(.logLevel, "debug, info, warning, error or critical")
            }
        }
    }

    // MARK: Writing

    /// The schedule as an entry of the file's list.
    func schedule(source: String) -> String {
        guard let kind else { return "" }
        var lines: [(String, JSONValue)] = [
            ("kind", .string(kind.kind)), ("dataset", .string(kind.dataset)), ("source", .string(source)),
            ("cron", .string(cron)),
            ("zone", .string(time.zone)), ("lag", .integer(Int64(time.lag))), ("window", .string(time.window)),
        ]
        if !kind.isSnapshot { lines.append(("settle", .string("10m"))) }
        if let start = time.start { lines.append(("start", .string(start))) }
        if let end = time.end { lines.append(("end", .string(end))) }
        // What was missed of a list is gone: days that are caught up with would all get today's.
        lines.append(("catch-up", .string(kind.isSnapshot ? "latest" : "all")))
        var parameters: [String: JSONValue] = [:]
        parameters["request"] = request
        parameters["task"] = kind.task.map { .string($0) }
        if !parameters.isEmpty { lines.append(("parameters", .object(parameters))) }
        return "  - name: \(YAMLText.text(name))\n" + lines.map { YAMLText.entry($0.0, $0.1, indent: 4) }.joined()
    }
}
