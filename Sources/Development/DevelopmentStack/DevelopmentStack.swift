// DevelopmentStack runs everything as real processes: what `make demo` and the system tests start.
//
// Reading order
//   ManagedProcess      a process that never outlives this one
//   TansuBroker         the broker; Vendor, the simulator; LocalAPI, how programs are asked over HTTP
//   DevelopmentStack    all of them together, with topics and configuration, in a directory of their own
//   StackConfiguration  what each program is told
//   LakeFolder          what was written for a business day
//   Demo                three business days from start to end, on a terminal
//
// Guarantees
//   1. Nothing that was started survives, however this process ends.
//   2. Two stacks never meet: each has its own directory and ports and, on a broker that they share, its own topics.
internal import Contracts
public import Foundation
internal import Glibc
internal import Kafka
public import ObjectStorage

/// Broker, vendor simulator and our programs as real processes, in a directory of their own; nothing of it survives its owner.
public actor DevelopmentStack {
    /// What it consists of.
    public nonisolated let options: StackOptions
    /// Where programs and topic files are.
    public nonisolated let installation: Installation
    /// The business days that the schedule publishes.
    public nonisolated let days: BusinessDays
    /// The broker.
    public nonisolated let broker: TansuBroker
    /// The simulated vendor.
    public nonisolated let vendor: Vendor
    /// The configuration of the programs.
    public nonisolated let configuration: StackConfiguration
    /// Asks the programs over HTTP.
    public nonisolated let http: LocalAPI

    private let simulator: ManagedProcess
    private var running: [StackMember: RunningMember] = [:]
    /// The processes of our programs, ready or not.
    private var launched: [ManagedProcess] = []
    private var isStopped = false

    private init(
        options: StackOptions, installation: Installation, days: BusinessDays, broker: TansuBroker, vendor: Vendor,
        configuration: StackConfiguration, http: LocalAPI, simulator: ManagedProcess
    ) {
        self.options = options
        self.installation = installation
        self.days = days
        self.broker = broker
        self.vendor = vendor
        self.configuration = configuration
        self.http = http
        self.simulator = simulator
    }

    // MARK: Preparation

    /// Starts broker and simulator, creates the topics and writes the configuration; ``start()`` then starts the programs.
    ///
    /// - Throws: a ``DevelopmentError`` that says what is missing; nothing is left running.
    public static func prepare(
        _ options: StackOptions, installation: Installation, now: Date = Date()
    ) async throws -> DevelopmentStack {
        for program in Set(options.members.map(\.program)).union(["switchboard", "vendor-simulator"]) {
            _ = try installation.program(program)
        }
        guard let days = BusinessDays(count: options.days, lag: options.lag, zone: options.zone, now: now) else {
            throw DevelopmentError("\(options.zone) is no time zone", advice: "name one of the IANA's, such as Asia/Manila")
        }
        let directory = options.directory
        for folder in ["lake", "logs", "configuration", "ready"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
        }
        let http = LocalAPI()
        var broker: TansuBroker?
        var simulator: ManagedProcess?
        do {
            // On a broker of somebody else's the topics' names tell this run from all others.
            let prefix = options.broker == nil ? "" : "development-\(UUID().uuidString.prefix(8).lowercased())."
            let started: TansuBroker
            if let existing = options.broker {
                started = try await TansuBroker.existing(existing)
            } else {
                started = try await TansuBroker.start(
                    installation, port: options.brokerPorts?.listening, advertisedPort: options.brokerPorts?.advertised,
                    log: "\(directory)/logs/broker.log")
            }
            broker = started
            try await StackTopics.create(
                installation, folder: options.topics ?? installation.topics, broker: started, prefix: prefix,
                log: "\(directory)/logs/topics.log")
            let (process, vendor) = try await startSimulator(options, installation, http: http, now: now)
            simulator = process
            let configuration = StackConfiguration(
                directory: directory, bootstrapServers: started.bootstrapServers, prefix: prefix, vendor: vendor, days: days,
                options: options)
            try Data(configuration.schedules.utf8).write(to: URL(filePath: configuration.schedulesPath), options: .atomic)
            return DevelopmentStack(
                options: options, installation: installation, days: days, broker: started, vendor: vendor,
                configuration: configuration, http: http, simulator: process)
        } catch {
            await simulator?.kill()
            await broker?.stop()
            await http.close()
            throw error
        }
    }

    private static func startSimulator(
        _ options: StackOptions, _ installation: Installation, http: LocalAPI, now: Date
    ) async throws -> (ManagedProcess, Vendor) {
        let readyFile = "\(options.directory)/ready/vendor-simulator"
        let process = try await ManagedProcess.start(
            ProcessCommand(
                "vendor-simulator", program: try installation.program("vendor-simulator"),
                arguments: [
                    "--ready-file", readyFile, "--freeze", "--now", Timestamp.string(now), "--conversations-per-day",
                    String(options.conversationsPerDay),
                ] + options.simulator, output: "\(options.directory)/logs/vendor-simulator.log"))
        do {
            let line = try await ReadyFile.wait(for: readyFile, of: process, limit: options.readyLimit)
            guard let vendor = Vendor(readyLine: line, http: http) else {
                throw DevelopmentError("vendor-simulator said what nobody understands when it was ready: \(line.prefix(200))")
            }
            return (process, vendor)
        } catch {
            await process.kill()
            throw error
        }
    }

    // MARK: Programs

    /// Starts all programs of the options at once and waits until they are ready.
    public func start() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for member in options.members { group.addTask { try await self.start(member) } }
            try await group.waitForAll()
        }
    }

    /// Starts a program and waits until it is ready.
    @discardableResult
    public func start(_ member: StackMember) async throws -> RunningMember {
        let process = try await launch(member)
        do {
            let text = try await ReadyFile.wait(for: readyFile(of: member), of: process, limit: options.readyLimit)
            struct Ready: Decodable { let admin: String }
            let admin = try JSONDecoder().decode(Ready.self, from: Data(text.utf8)).admin
            let started = RunningMember(member: member, process: process, admin: admin)
            guard !isStopped else { throw CancellationError() }
            running[member] = started
            return started
        } catch {
            await process.kill()
            throw error
        }
    }

    /// Starts a program with its usual configuration, or another, and doesn't wait until it is ready.
    public func launch(_ member: StackMember, _ file: ConfigurationFile? = nil) async throws -> ManagedProcess {
        let path = "\(options.directory)/configuration/\(member.name).yaml"
        let file = file ?? configuration.file(for: member)
        try Data(file.yaml.utf8).write(to: URL(filePath: path), options: .atomic)
        if unlink(readyFile(of: member)) != 0, errno != ENOENT {
            throw DevelopmentError("cannot remove \(readyFile(of: member)): \(String(cString: strerror(errno)))")
        }
        // Variables that the user has set for other purposes would be laid over the file.
        var environment: [String: String?] = [StackConfiguration.secretVariable: StackConfiguration.client.secret]
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("SWITCHBOARD_") {
            environment.updateValue(nil, forKey: name)
        }
        let process = try await ManagedProcess.start(
            ProcessCommand(
                member.name, program: try installation.program(member.program),
                arguments: ["--config", path, "--ready-file", readyFile(of: member)], environment: environment,
                output: log(of: member)))
        guard !isStopped else {
            await process.kill()
            throw CancellationError()
        }
        launched.removeAll { !$0.isRunning }
        launched.append(process)
        return process
    }

    /// A program that was started and not stopped since.
    public func member(_ member: StackMember) throws(DevelopmentError) -> RunningMember {
        guard let found = running[member] else { throw DevelopmentError("\(member) was not started") }
        return found
    }

    /// The programs that were started and not stopped since.
    public var members: [RunningMember] { Array(running.values) }

    /// Kills a program (`kill -9`) and waits for its end.
    public func kill(_ member: StackMember) async {
        await running.removeValue(forKey: member)?.process.kill()
    }

    /// Asks a program to stop and waits for its end.
    @discardableResult
    public func stop(_ member: StackMember) async -> ProcessEnd? {
        await running.removeValue(forKey: member)?.process.stop()
    }

    private nonisolated func readyFile(of member: StackMember) -> String { "\(options.directory)/ready/\(member.name)" }

    /// The file with a program's output.
    public nonisolated func log(of member: StackMember) -> String { "\(options.directory)/logs/\(member.name).log" }

    /// The number of the simulator's process and, if it is ours, the broker's.
    public nonisolated var partIdentifiers: [Int32] { [simulator.identifier] + (broker.process.map { [$0.identifier] } ?? []) }

    // MARK: Looking

    /// Opens the lake.
    public nonisolated func lake() throws -> any ObjectStore { try ObjectStorageLocation.open(configuration.lake) }

    /// What was written for a data set's business day.
    public nonisolated func folder(of day: String, dataset: String = StackConfiguration.schedule) throws -> LakeFolder {
        LakeFolder(try lake(), source: StackConfiguration.source, dataset: dataset, day: day)
    }

    /// What the vendor has for a business day.
    public nonisolated func truth(of day: String) async throws -> ContentDigest {
        guard let interval = days.interval(of: day) else { throw DevelopmentError("\(day) is not one of the stack's days") }
        return try await vendor.digest(interval.description)
    }

    /// What the monitor knows.
    public func overview() async throws -> Overview {
        let answer = try await http.get("\(try member(.monitor).admin)/days")
        guard answer.status == 200 else { throw DevelopmentError("the monitor answers \(answer.status)") }
        return try answer.decoded(Overview.self)
    }

    // MARK: End

    /// Stops everything in the order of the flow, so that each part can finish what it was given; never throws, can be repeated.
    public func stop() async {
        isStopped = true
        // Workers in between: what the scheduler publishes is for them, what they publish for the monitor.
        let order = ["scheduler": 0, "monitor": 2]
        let members = running.values.sorted { order[$0.member.program] ?? 1 < order[$1.member.program] ?? 1 }
        running = [:]
        let (launched, simulator, broker, http, prefix) = (launched, simulator, broker, http, configuration.prefix)
        // In a task of its own: stopping is not given up because its caller was cancelled.
        await Task {
            for member in members { await member.process.stop() }
            for process in launched where process.isRunning { await process.kill() }
            await simulator.stop(grace: .seconds(5))
            if broker.isExternal { await StackTopics.delete(broker: broker, prefix: prefix) }
            await broker.stop()
            await http.close()
        }.value
    }
}
