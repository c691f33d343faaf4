internal import Contracts
internal import Foundation
internal import Hummingbird
internal import NIOCore
public import Service

/// The monitor's page for people (`/`) and its JSON for programs (`/days`).
public enum StatusPage {
    /// The routes, for the program's admin server.
    public static func routes(_ monitor: MonitorService) -> AdminRoutes {
        { router in
            router.get("/days") { _, _ in
                try Self.response(Self.json(monitor.rows, monitor.firing, monitor), type: "application/json")
            }
            router.get("/") { _, _ in
                try Self.response(Array(Self.html(monitor.rows, monitor.firing).utf8), type: "text/html; charset=utf-8")
            }
        }
    }

    private static func response(_ body: [UInt8], type: String) throws -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    // MARK: JSON

    private struct Document: Encodable {
        struct Day: Encodable {
            let source: String
            let dataset: String
            let day: String
            let state: String
            let folder: String
            let jobs: Int
            let jobsDone: Int
            let figures: [String: Int]
            let schedule: String?
            let worker: String?
            let reason: String?
            let message: String?
            let deadline: String?
            let lastEvent: String
        }
        let days: [Day]
        let alerts: [Alert]
    }

    static func json(_ rows: [DayBoard.Row], _ alerts: [Alert], _ monitor: MonitorService) throws -> [UInt8] {
        let days = rows.map { row in
            Document.Day(
                source: row.key.source, dataset: row.key.dataset, day: row.key.day, state: row.status.rawValue,
                folder: monitor.folder(of: row.key), jobs: row.jobs, jobsDone: row.jobsDone, figures: row.figures,
                schedule: row.schedule, worker: row.worker, reason: row.failure?.reason, message: row.failure?.message,
                deadline: row.deadline.map(Timestamp.string), lastEvent: Timestamp.string(row.lastEvent))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Timestamp.string(date))
        }
        return Array(try encoder.encode(Document(days: days, alerts: alerts)))
    }

    // MARK: HTML

    static func html(_ rows: [DayBoard.Row], _ alerts: [Alert]) -> String {
        var counts: [DayBoard.Status: Int] = [:]
        for row in rows { counts[row.status, default: 0] += 1 }
        let summary = counts.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { #"<span class="chip \#($0.key.rawValue)">\#($0.value) \#($0.key.rawValue)</span>"# }.joined(separator: " ")
        let alertRows = alerts.map { alert in
            """
            <li class="\(alert.severity.rawValue)"><strong>\(escape(alert.summary))</strong>
            <div class="muted">since \(Timestamp.string(alert.since))\(alert.advice.map { " · \(escape($0))" } ?? "")</div></li>
            """
        }.joined()
        let dayRows = rows.map { row in
            let records = row.figures["records"].map(String.init) ?? "–"
            let pages = row.figures["pages"].map(String.init) ?? "–"
            return """
                <tr><td>\(escape(row.key.day))</td><td>\(escape(row.key.dataset))</td><td>\(escape(row.key.source))</td>
                <td><span class="chip \(row.status.rawValue)">\(row.status.rawValue)</span></td>
                <td class="number">\(row.jobsDone)/\(row.jobs)</td><td class="number">\(pages)</td><td class="number">\(records)</td>
                <td>\(escape(row.failure?.message ?? ""))</td><td class="muted">\(Timestamp.string(row.lastEvent))</td></tr>
                """
        }.joined(separator: "\n")
        return """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
            <meta name="viewport" content="width=device-width, initial-scale=1"><title>Switchboard</title><style>
            :root{color-scheme:light dark;--line:#8884;--muted:#888}
            body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
            h1{font-size:1.4rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
            table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
            th{font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums}.muted{color:var(--muted)}
            .chip{border-radius:1rem;padding:.1rem .6rem;background:#8883;white-space:nowrap}
            .chip.done{background:#1a7f3733;color:#1a7f37}.chip.failed,.chip.late{background:#cf222e33;color:#cf222e}
            .chip.running{background:#0969da33;color:#0969da}.chip.waiting{background:#9a670033;color:#9a6700}
            ul{list-style:none;padding:0}li{border-left:4px solid #cf222e;padding:.3rem .8rem;margin:.5rem 0}li.warning{border-color:#9a6700}
            </style></head><body><h1>Switchboard</h1><p>\(summary.isEmpty ? "No days yet." : summary)</p>
            <h2>Alerts</h2>\(alerts.isEmpty ? #"<p class="muted">None.</p>"# : "<ul>\(alertRows)</ul>")
            <h2>Days</h2><table><thead><tr><th>Day</th><th>Data set</th><th>Source</th><th>State</th><th class="number">Jobs</th>
            <th class="number">Pages</th><th class="number">Records</th><th>Reason</th><th>Last event</th></tr></thead>
            <tbody>\(dayRows)</tbody></table></body></html>
            """
    }

    /// What comes from messages is untrusted: nothing of it becomes markup.
    static func escape(_ text: String) -> String {
        // By scalars: a combining mark behind a bracket makes one Character with it, which is none of these.
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
