internal import Foundation

/// The processes of a chaos run: kills, pauses and restarts them, as a container platform does with those that end.
actor ChaosCrew {
    /// What became of the processes.
    struct Figures: Sendable {
        /// Processes that were killed, by program.
        var kills: [String: Int] = [:]
        /// Processes that stood still for a while.
        var pauses = 0
        /// Processes that ended although nobody had killed them, by program and how.
        var ends: [String: Int] = [:]
        /// Why they said they ended, and how often.
        var reasons: [String: Int] = [:]
        /// Processes that crashed, and what they said last.
        var crashes: [String] = []
        /// The most memory that a process of a program ever had, bytes.
        var memory: [String: Int] = [:]
    }

    private struct Place {
        var process: ManagedProcess?
        /// When a process is started again; nil: it runs, or isn't to.
        var restart: ContinuousClock.Instant?
        var resume: ContinuousClock.Instant?
    }

    private let stack: DevelopmentStack
    private var places: [StackMember: Place] = [:]
    private(set) var figures = Figures()
    /// How often each kind of member is chosen: the workers do the work, so they are killed most.
    private let members: [StackMember]

    init(_ stack: DevelopmentStack) {
        self.stack = stack
        members = stack.options.members
    }

    // MARK: Starting

    func startAll() async throws {
        for member in members { try await start(member) }
    }

    private func start(_ member: StackMember) async throws {
        places[member, default: Place()].restart = nil
        let process = try await stack.launch(member)
        places[member]?.process = process
    }

    // MARK: Disturbing

    /// Kills a process that runs, standing still or not.
    ///
    /// - Returns: which; nil when none runs.
    func kill(choice: UInt64, restart: Duration) async -> StackMember? {
        guard let member = choose(choice, where: { $0.process != nil }) else { return nil }
        return await kill(member, restart: restart) ? member : nil
    }

    /// Kills all processes of a program that run; they are started again at once.
    func killAll(_ program: String) async {
        for member in Set(members) where member.program == program { _ = await kill(member, restart: .zero) }
    }

    private func kill(_ member: StackMember, restart: Duration) async -> Bool {
        guard let process = places[member]?.process else { return false }
        note(process, member)
        places[member]?.process = nil
        places[member]?.resume = nil
        await process.kill()
        places[member]?.restart = ContinuousClock.now + restart
        figures.kills[member.program, default: 0] += 1
        return true
    }

    /// Makes a process stand still.
    func pause(choice: UInt64, time: Duration) -> StackMember? {
        guard let member = choose(choice, where: { $0.process != nil && $0.resume == nil }) else { return nil }
        places[member]?.process?.suspend()
        places[member]?.resume = ContinuousClock.now + time
        figures.pauses += 1
        return member
    }

    private func choose(_ choice: UInt64, where condition: (Place) -> Bool) -> StackMember? {
        let candidates = members.flatMap { member in
            guard let place = places[member], condition(place) else { return [] as [StackMember] }
            return Array(repeating: member, count: member.program == "rehearsal-worker" ? 3 : 1)
        }
        return candidates.isEmpty ? nil : candidates[Int(choice % UInt64(candidates.count))]
    }

    // MARK: Looking after

    /// Does what is due: resumes, restarts, notes ends and memory.
    func lookAfter() async throws {
        let now = ContinuousClock.now
        for member in members {
            guard let place = places[member] else { continue }
            if let process = place.process {
                note(process, member)
                if let resume = place.resume, resume <= now {
                    process.resume()
                    places[member]?.resume = nil
                }
                if let end = process.end { noteEnd(end, member) }
            } else if let restart = place.restart, restart <= now {
                try await start(member)
            }
        }
    }

    private func noteEnd(_ end: ProcessEnd, _ member: StackMember) {
        places[member]?.process = nil
        places[member]?.resume = nil
        places[member]?.restart = ContinuousClock.now + .milliseconds(500)
        figures.ends["\(member.program) \(end)", default: 0] += 1
        // Their last line says why, with names and numbers in it that would make each one different.
        let last = ReadyFile.tail(of: stack.log(of: member), lines: 1)
        if let error = last.range(of: "error=") {
            figures.reasons[String(last[error.upperBound...].filter { !$0.isNumber }.prefix(110)), default: 0] += 1
        }
        noteCrash(end, member)
    }

    /// A signal that nobody sent, or a code that isn't one of the two that say: start it again.
    private func noteCrash(_ end: ProcessEnd, _ member: StackMember) {
        switch end {
        case .exited(70), .exited(75): break
        case .killed, .exited:
            figures.crashes.append("\(member) \(end): \(ReadyFile.tail(of: stack.log(of: member), lines: 3))")
        }
    }

    private func note(_ process: ManagedProcess, _ member: StackMember) {
        guard let bytes = ProcessMemory.peak(of: process.identifier) else { return }
        figures.memory[member.program] = max(figures.memory[member.program] ?? 0, bytes)
    }

    // MARK: The end

    /// Ends all pauses and starts all that isn't running.
    func calm() async throws {
        for member in members {
            if places[member]?.resume != nil { places[member]?.process?.resume() }
            places[member]?.resume = nil
            if places[member]?.process == nil { try await start(member) }
        }
    }

    /// Asks all to stop.
    ///
    /// - Returns: those that didn't stop as they should, and how they ended.
    func stopAll() async -> [String] {
        let running = members.compactMap { member in places[member]?.process.map { (member, $0) } }
        for (member, process) in running { note(process, member) }
        places = [:]
        return await withTaskGroup(of: String?.self) { group in
            for (member, process) in running {
                group.addTask {
                    let end = await process.stop(grace: .seconds(30))
                    return end == .exited(0) || end == .exited(75) ? nil : "\(member) \(end)"
                }
            }
            return await group.reduce(into: []) { if let problem = $1 { $0.append(problem) } }.sorted()
        }
    }

    /// Processes that run now, standing still or not.
    var running: Int { places.values.count { $0.process != nil } }
}

/// What the kernel says about a process's memory.
enum ProcessMemory {
    /// The most memory that a process ever had at once, bytes; nil when it is gone.
    static func peak(of identifier: Int32) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kilobytes << 10
    }

    /// A process that another one started.
    struct Child: Sendable, CustomStringConvertible {
        let identifier: Int32
        let name: String
        /// Its program and arguments, separated by spaces.
        let command: String
        var description: String { "\(name) (process \(identifier))" }
    }

    /// The processes that a process has started and that have not ended.
    static func children(of parent: Int32) -> [Child] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { identifier in
            guard let text = try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8) else { return nil }
            var values: [Substring: Substring] = [:]
            for line in text.split(separator: "\n") {
                let pair = line.split(separator: ":", maxSplits: 1)
                if pair.count == 2 { values[pair[0]] = pair[1].drop { $0.isWhitespace } }
            }
            guard values["PPid"].flatMap({ Int32($0) }) == parent, values["State"]?.hasPrefix("Z") == false else { return nil }
            let command = FileManager.default.contents(atPath: "/proc/\(identifier)/cmdline").map {
                String(decoding: $0.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
            }
            return Child(identifier: identifier, name: String(values["Name"] ?? "?"), command: command ?? "")
        }
    }
}
