import Foundation

/// What the kernel says about processes.
enum ProcessTable {
    /// A line of the table.
    struct Entry: Hashable {
        let identifier: Int32
        let parent: Int32
        /// One letter: `R` and `S` run or wait, `T` is stopped, `Z` is dead and not waited for.
        let state: Character
        /// When it started, in ticks since the machine did: tells two processes of the same number apart.
        let start: String
    }

    /// A process; nil when there is none of this number.
    static func entry(_ identifier: Int32) -> Entry? {
        guard let line = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
            let end = line.lastIndex(of: ")")
        else { return nil }
        // What follows the name, which may hold anything.
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]) else { return nil }
        return Entry(identifier: identifier, parent: parent, state: state, start: String(fields[19]))
    }

    /// The children of a process, dead ones that were not waited for left out.
    static func children(of parent: Int32) -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap(entry).filter { $0.parent == parent && $0.state != "Z" }
    }

    /// Those that still run.
    static func alive(_ entries: [Entry]) -> [Entry] {
        entries.filter { former in
            guard let now = entry(former.identifier) else { return false }
            return now.start == former.start && now.state != "Z"
        }
    }
}
