internal import Contracts
internal import Foundation
internal import ObjectStorage
internal import Rehearsal

/// Everything that a chaos run starts: the stack, the storage, and a proxy before each thing that our programs connect to.
struct ChaosStack: Sendable {
    let stack: DevelopmentStack
    let storage: SeaweedStorage?
    let proxies: [DisturbancePlan.Link: [FaultProxy]]

    /// The programs, and how many of each.
    static let members =
        [("monitor", 2), ("rehearsal-worker", 3), ("conversation-worker", 2), ("scheduler", 2)].flatMap { program, count in
            (1...count).map { StackMember(program, instance: String($0)) }
        }

    /// Rehearsal jobs that a worker runs at a time.
    static let slots = 8

    // MARK: Starting

    /// Starts broker, simulator, storage and proxies; none of our programs.
    static func prepare(_ options: ChaosOptions, installation: Installation, now: Date) async throws -> ChaosStack {
        _ = try installation.program("rehearsal-worker")
        try RehearsalTopics.write(installation, folder: "\(options.directory)/topics")
        var proxies: [DisturbancePlan.Link: [FaultProxy]] = [:]
        var storage: SeaweedStorage?
        do {
            func proxy(_ link: DisturbancePlan.Link, _ name: String, http: Bool = false, upstream: Int? = nil) throws
                -> FaultProxy
            {
                let proxy = try FaultProxy.start(name, upstream: upstream, speaksHTTP: http, seed: options.seed)
                proxies[link, default: []].append(proxy)
                return proxy
            }
            var stackOptions = stackOptions(options)
            if options.lake == .s3 {
                let started = try await SeaweedStorage.start(
                    installation, directory: "\(options.directory)/storage", log: "\(options.directory)/storage.log")
                storage = started
                let port = try proxy(.storage, "storage", http: true, upstream: started.port).port
                try configureLake(&stackOptions, options, port: port)
            }
            let login = try proxy(.vendor, "login")
            let api = try proxy(.vendor, "vendor")
            configure(&stackOptions, "conversation-worker", "genesys.login-url", "http://\(login.address)")
            configure(&stackOptions, "conversation-worker", "genesys.api-url", "http://\(api.address)")
            configure(&stackOptions, "rehearsal-worker", "rehearsal.vendor", "http://\(api.address)/api/v2/rehearsal")
            if options.broker == nil {
                let port = try LoopbackPort.free()
                let broker = try proxy(.broker, "broker", upstream: port)
                stackOptions.brokerPorts = (port, broker.port)
                for program in Set(members.map(\.program)) {
                    configure(&stackOptions, program, "kafka.bootstrap-servers", broker.address)
                }
            }
            let stack = try await DevelopmentStack.prepare(stackOptions, installation: installation, now: now)
            if let port = URL(string: stack.vendor.login)?.port { login.passOn(to: port) }
            if let port = URL(string: stack.vendor.api)?.port { api.passOn(to: port) }
            return ChaosStack(stack: stack, storage: storage, proxies: proxies)
        } catch {
            await storage?.kill()
            for proxy in proxies.values.joined() { await proxy.stop() }
            throw error
        }
    }

    /// What the undisturbed run and the disturbed one have in common: the same vendor data at the same time.
    static func stackOptions(_ options: ChaosOptions) -> StackOptions {
        var stack = StackOptions(directory: options.directory)
        stack.broker = options.broker
        stack.days = options.days
        stack.conversationsPerDay = options.conversationsPerDay
        stack.topics = "\(options.directory)/topics"
        stack.schedule = ["window: 1h"]
        stack.members = members
        stack.readyLimit = .seconds(90)
        // Slow enough for the days to be worked on for as long as things go wrong (a job asks about three times), in windows
        // short enough that being throttled in the last of them is soon over.
        let windows = max(1, options.pace * options.kills / .seconds(10))
        let rate = max(10, Int(Double(options.days * 24 * 3) / windows))
        stack.simulator = [
            "--seed", String(options.seed), "--rate-limit", String(rate), "--rate-window", "10", "--faults", "hostile",
        ]
        for program in ["rehearsal-worker", "conversation-worker"] {
            stack.settings[program] = [
                "worker.retry-delays": RehearsalTopics.retryDelays, "worker.attempts": "1000",
                "worker.window": String(options.window),
                // Here processes die and jobs are given up on purpose, more than anywhere else.
                "worker.checkpoint-interval": "500ms",
                // Several large uploads at a time are a job of few bytes each.
                "lake.part-size": "5MiB",
                "worker.crash-limit": "100000", "worker.circuit": "false",
            ]
        }
        stack.settings["rehearsal-worker"]?["worker.slots"] = String(slots)
        return stack
    }

    private static func configure(_ options: inout StackOptions, _ program: String, _ key: String, _ value: String) {
        options.settings[program, default: [:]][key] = ConfigurationFile.text(value)
    }

    private static func configureLake(_ stack: inout StackOptions, _ options: ChaosOptions, port: Int) throws {
        var secrets: [String: String] = [:]
        for (name, secret) in [
            ("access-key", SeaweedStorage.account.accessKey), ("secret-key", SeaweedStorage.account.secretKey),
        ] {
            let path = "\(options.directory)/\(name)"
            try Data(secret.utf8).write(to: URL(filePath: path))
            secrets[name] = "file:\(path)"
        }
        for program in ["rehearsal-worker", "conversation-worker", "monitor"] {
            configure(&stack, program, "lake.url", "s3://\(SeaweedStorage.bucket)")
            configure(&stack, program, "lake.endpoint", "http://127.0.0.1:\(port)")
            for (name, reference) in secrets { configure(&stack, program, "lake.\(name)", reference) }
        }
    }

    // MARK: Looking

    /// The lake, asked without any proxy.
    func lake() throws -> any ObjectStore {
        if let storage { return try storage.store() }
        return try stack.lake()
    }

    /// What is behind a proxy.
    var links: Set<DisturbancePlan.Link> { Set(proxies.keys) }

    // MARK: Faults

    func set(_ fault: ConnectionFault?, on link: DisturbancePlan.Link) {
        for proxy in proxies[link] ?? [] { proxy.set(fault) }
    }

    func cut(_ link: DisturbancePlan.Link) {
        for proxy in proxies[link] ?? [] { proxy.cut() }
    }

    func calm() {
        for link in links { set(nil, on: link) }
    }

    // MARK: The end

    func stop() async {
        calm()
        await stack.stop()
        await storage?.stop(grace: .seconds(10))
        for proxy in proxies.values.joined() { await proxy.stop() }
    }
}
