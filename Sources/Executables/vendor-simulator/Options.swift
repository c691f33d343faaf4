public import ArgumentParser
import Foundation
public import VendorSimulator

/// Where the program listens.
struct AddressOptions: ParsableArguments {
    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port of the login address; 0 for a free one.")
    var loginPort = 0

    @Option(help: "The port of the API address; 0 for a free one.")
    var apiPort = 0

    @Option(help: "The port of the control address; 0 for a free one.")
    var controlPort = 0

    @Option(help: "A file that the ready line is written to as well, atomically.")
    var readyFile: String?

    func apply(to configuration: inout SimulatorConfiguration) {
        configuration.host = host
        configuration.loginPort = loginPort
        configuration.apiPort = apiPort
        configuration.controlPort = controlPort
    }
}

/// Who may ask how much.
struct AccessOptions: ParsableArguments {
    @Option(help: ArgumentHelp("An OAuth client; may be repeated. (default: simulator:simulator-secret)", valueName: "id:secret"))
    var client: [String] = []

    @Option(help: "Seconds that a token is valid.")
    var tokenLifetime = 86_400

    @Option(help: "Requests that a token may make in a window; 0 for no limit and no rate limit headers.")
    var rateLimit = 300

    @Option(help: "Seconds that a rate limit window lasts.")
    var rateWindow = 60

    @Flag(help: "All tokens of a client share one allowance.")
    var ratePerClient = false

    func apply(to configuration: inout SimulatorConfiguration) throws {
        configuration.countsClients = ratePerClient
        if !client.isEmpty {
            configuration.clients = [:]
            for pair in client {
                guard let colon = pair.firstIndex(of: ":"), colon > pair.startIndex else {
                    throw ValidationError("--client needs the form id:secret")
                }
                configuration.clients[String(pair[..<colon])] = String(pair[pair.index(after: colon)...])
            }
        }
        configuration.tokenLifetime = tokenLifetime
        configuration.rateLimit = rateLimit == 0 ? nil : rateLimit
        configuration.rateWindow = rateWindow
    }
}

/// What conversations there are.
struct DataOptions: ParsableArguments {
    @Option(help: "Scrambles all data.")
    var seed: UInt64 = 1

    @Option(help: "Conversations that start on each UTC day.")
    var conversationsPerDay = 2_000

    @Option(help: "One conversation in so many lasts one to four days; 0 for none.")
    var longEvery = 400

    @Option(help: "One conversation in so many gains an evaluation 1 to 72 hours after its end; 0 for none.")
    var evaluationEvery = 25

    @Flag(help: "Evaluations are finished and released the moment they are made, by members of the role, and never change.")
    var plainEvaluations = false

    @Option(help: "The number of evaluators, 1 to 200.")
    var evaluators = 14

    @Option(help: "One conversation in so many is changed by the nightly pipeline two days after its end; 0 for none.")
    var correctionEvery = 100

    @Option(help: "One conversation in so many carries awkward content; 0 for none.")
    var awkwardEvery = 20

    @Option(
        help: """
            Kinds of awkward content, comma-separated: \(AwkwardContent.allCases.map(\.rawValue).joined(separator: ", ")); all; \
            none; usual is all but newlines and lone-surrogates.
            """)
    var awkward = "usual"

    @Option(help: ArgumentHelp("Indexes, on every day, of conversations with a very large record.", valueName: "17,123"))
    var huge = ""

    @Option(help: "The size of a very large record in bytes.")
    var hugeBytes = 5_000_000

    @Option(help: "The number of users.")
    var users = 231

    @Option(help: "What user details tell of records over an interval's end: returned, omitted, clipped, withheld, unended.")
    var crossing: UserData.Crossing = .returned

    @Option(help: "When simulated time begins, ISO-8601. (default: the real time)")
    var now: String?

    @Flag(help: "Simulated time stands still unless it is moved, so that data don't change between two looks.")
    var freeze = false

    func apply(to configuration: inout SimulatorConfiguration) throws {
        configuration.data.seed = seed
        configuration.data.conversationsPerDay = conversationsPerDay
        configuration.data.longEvery = longEvery
        configuration.data.evaluationEvery = evaluationEvery
        configuration.data.plainEvaluations = plainEvaluations
        configuration.data.evaluators = evaluators
        configuration.data.correctionEvery = correctionEvery
        configuration.data.awkwardEvery = awkwardEvery
        configuration.data.awkward = try awkwardKinds()
        configuration.data.hugeBytes = hugeBytes
        configuration.users.count = users
        configuration.users.crossing = crossing
        for text in huge.split(separator: ",") {
            guard let index = UInt32(text) else { throw ValidationError("--huge needs numbers, not '\(text)'") }
            configuration.data.hugeIndexes.insert(index)
        }
        if let now {
            guard let instant = SimulatorInstant(now) else { throw ValidationError("--now needs ISO-8601, not '\(now)'") }
            configuration.now = instant
        }
        configuration.isClockFrozen = freeze
    }

    private func awkwardKinds() throws -> Set<AwkwardContent> {
        var kinds: Set<AwkwardContent> = []
        for name in awkward.split(separator: ",") {
            switch name {
            case "all": kinds.formUnion(AwkwardContent.allCases)
            case "usual": kinds.formUnion(AwkwardContent.usual)
            case "none": break
            default:
                guard let kind = AwkwardContent(rawValue: String(name)) else {
                    throw ValidationError("--awkward knows no '\(name)'; see --help")
                }
                kinds.insert(kind)
            }
        }
        return kinds
    }
}

extension UserData.Crossing: ExpressibleByArgument {}
extension PageShift.Mode: ExpressibleByArgument {}

/// How the vendor behaves and misbehaves.
struct BehaviourOptions: ParsableArguments {
    @Flag(help: "A query returns what started on a UTC day touched by its interval and was active in it.")
    var startDayRule = false

    @Option(help: "Records that paging of one query reaches (page size × page number); 0 for any number.")
    var depthLimit = 100_000

    @Option(help: "A query whose interval is longer than so many seconds is answered with 504; 0 for none.")
    var longestInterval = 0

    @Option(help: "A query that finds more conversations is answered with 504; 0 for none.")
    var mostHits = 0

    @Option(help: "totalHits is wrong by up to so many records.")
    var hitsJitter = 0

    @Option(help: "Records move while a query is paged through: late conversations are inserted, or the listing slips back.")
    var pageShift: PageShift.Mode = .none

    @Option(help: "They move after every so many pages,")
    var shiftEvery = 3

    @Option(help: "by so many records,")
    var shiftRows = 2

    @Option(help: "of which so many come again changed,")
    var shiftChanged = 1

    @Option(help: "and by so many records in all.")
    var shiftLimit = 50

    @Option(help: "The largest page of plain listings.")
    var listingPageLimit = 500

    @Flag(help: "Plain listings state a wrong total and page count.")
    var wrongTotals = false

    @Option(help: ArgumentHelp("How details jobs go: hostile, none, or a JSON file.", valueName: "behaviour"))
    var jobs = "none"

    @Option(help: "How far the availability date of details jobs is behind the clock, in seconds. (default: 21600)")
    var availabilityLag: Int?
    @Option(help: "The evaluations query answers 504 to windows of more than so many hours; 0 for none.")
    var evaluationWindowHours = 0

    @Option(help: ArgumentHelp("What goes wrong: hostile, none, or a JSON file with a fault plan.", valueName: "plan"))
    var faults = "none"

    func apply(to configuration: inout SimulatorConfiguration) throws {
        configuration.startDayRule = startDayRule
        configuration.depthLimit = depthLimit == 0 ? nil : depthLimit
        configuration.width.seconds = longestInterval == 0 ? nil : longestInterval
        configuration.width.hits = mostHits == 0 ? nil : mostHits
        configuration.hitsJitter = hitsJitter
        configuration.pageShift.mode = pageShift
        configuration.pageShift.everyPages = shiftEvery
        configuration.pageShift.rows = shiftRows
        configuration.pageShift.changed = shiftChanged
        configuration.pageShift.limit = shiftLimit
        configuration.listingPageLimit = listingPageLimit
        configuration.wrongTotals = wrongTotals
        try applyJobs(to: &configuration)
        configuration.longestEvaluationWindow = evaluationWindowHours > 0 ? .seconds(evaluationWindowHours * 3_600) : nil
        if let plan = FaultPlan(preset: faults) {
            configuration.faults = plan
            return
        }
        do {
            configuration.faults = try FaultPlan(json: Array(try Data(contentsOf: URL(fileURLWithPath: faults))))
        } catch let error as FaultPlanError {
            throw ValidationError("\(faults): \(error)")
        } catch {
            throw ValidationError("cannot read the fault plan \(faults): \(error.localizedDescription)")
        }
    }

    private func applyJobs(to configuration: inout SimulatorConfiguration) throws {
        switch jobs {
        case "none": break
        case "hostile": configuration.jobs = .hostile
        default:
            do {
                let data = try Data(contentsOf: URL(fileURLWithPath: jobs))
                configuration.jobs = try JSONDecoder().decode(DetailsJobBehaviour.self, from: data)
            } catch {
                throw ValidationError("cannot read the behaviour of jobs \(jobs): \(error)")
            }
        }
        if let availabilityLag { configuration.jobs.availabilityLag = availabilityLag }
    }
}
