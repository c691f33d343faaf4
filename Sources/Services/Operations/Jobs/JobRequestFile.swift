internal import Contracts
internal import Foundation

/// Reads requests from NDJSON: one object a line, with the keys of the options.
///
/// ```json
/// {"kind": "conversation", "source": "genesys/main", "dataset": "conversations", "day": "2026-03-01", "zone": "Asia/Manila"}
/// ```
/// `interval` (`{"start": …, "end": …}`) may stand for `from` and `to`, so that a job as it stands in a topic is a request too.
public enum JobRequestFile {
    /// The most lines that are read.
    public static let maximumLines = 100_000

    private static let keys: Set<String> = [
        "id", "schedule", "kind", "source", "dataset", "day", "zone", "from", "to", "interval", "revision", "parameters",
        "notBefore", "deadline", "maximumAttempts",
    ]
    /// What a job in a topic has besides; it is given anew.
    private static let ignored: Set<String> = ["version", "root", "createdAt", "traceparent"]

    /// Reads all requests, each with the number of its line; empty lines are left out.
    ///
    /// - Throws: every problem of every line.
    public static func parse(_ text: String) throws(JobRequest.Problems) -> [(line: Int, request: JobRequest)] {
        var problems: [String] = []
        var requests: [(Int, JobRequest)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.allSatisfy(\.isWhitespace) { continue }
            guard requests.count < maximumLines else {
                problems.append("line \(index + 1): more than \(maximumLines) jobs; split the file")
                break
            }
            if let request = request(String(line), line: index + 1, &problems) { requests.append((index + 1, request)) }
            if problems.count >= 100 { break }
        }
        guard problems.isEmpty else { throw JobRequest.Problems(lines: problems) }
        return requests
    }

    private static func request(_ json: String, line: Int, _ problems: inout [String]) -> JobRequest? {
        let before = problems.count
        guard json.utf8.count <= Message.maximumBytes,
            case .object(let object)? = try? JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
        else {
            problems.append("line \(line): not a JSON object; write one job a line")
            return nil
        }
        for key in object.keys.sorted() where !keys.contains(key) && !ignored.contains(key) {
            let hint = key == "parent" ? "it is a child; name its root" : "allowed are \(keys.sorted().joined(separator: ", "))"
            problems.append("line \(line): unknown key \"\(TerminalText.escaped(key, limit: 100))\"; \(hint)")
        }
        func reject(_ key: String, _ allowed: String) {
            problems.append("line \(line): \(key): allowed is \(allowed)")
        }
        func text(_ key: String) -> String? {
            guard let value = object[key], value != .null else { return nil }
            if value.string == nil { reject(key, "text") }
            return value.string
        }
        func instant(_ value: JSONValue?, _ key: String) -> Date? {
            guard let value, value != .null else { return nil }
            let date = value.string.flatMap { Timestamp.date($0) }
            if date == nil { reject(key, "an instant such as 2026-03-01T00:00:00Z") }
            return date
        }
        func count(_ key: String) -> Int? {
            guard let value = object[key], value != .null else { return nil }
            if value.integer == nil { reject(key, "a whole number") }
            return value.integer.flatMap { Int(exactly: $0) }
        }
        var request = JobRequest()
        request.id = text("id")
        request.schedule = text("schedule")
        request.kind = text("kind")
        request.source = text("source")
        request.dataset = text("dataset")
        request.day = text("day")
        request.zone = text("zone")
        request.from = instant(object["from"] ?? object["interval"]?["start"], "from")
        request.to = instant(object["to"] ?? object["interval"]?["end"], "to")
        request.revision = count("revision") ?? 0
        request.notBefore = instant(object["notBefore"], "notBefore")
        request.deadline = instant(object["deadline"], "deadline")
        request.maximumAttempts = count("maximumAttempts")
        request.parameters = object["parameters"].flatMap { $0 == .null ? nil : $0 }
        return problems.count == before ? request : nil
    }
}
