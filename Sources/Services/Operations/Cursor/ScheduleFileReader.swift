internal import Foundation
public import Scheduler

extension ScheduleFile {
    /// The schedules of a file by their names.
    ///
    /// - Throws: a ``UsageProblem`` that says what is wrong with it.
    public static func read(_ path: String, option: String) throws(UsageProblem) -> [String: ScheduleDefinition] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw UsageProblem(option, given: path, allowed: "a readable file of schedules in UTF-8")
        }
        do {
            return Dictionary(try parse(yaml: text).map { ($0.name, $0) }) { first, _ in first }
        } catch {
            throw UsageProblem("\(option): \(path): \(error.lines.joined(separator: "; "))")
        }
    }
}
