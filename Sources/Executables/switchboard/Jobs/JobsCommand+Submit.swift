import ArgumentParser
import Contracts
import Foundation
import Operations
import Scheduler

extension JobsCommand {
    /// `switchboard jobs submit`.
    struct Submit: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Publishes jobs that no schedule published.",
            discussion: """
                A job covers a business day (--day, in --zone) or a stretch of time (--from, --to). Its id follows from that: \
                with --schedule it is the one that the scheduler gives, and a job that is known with the same kind, source, data \
                set and interval is that job. A job that is active, or that ended, is refused.

                Exit codes: 0 published, 1 error, 2 there is something to publish and --execute was not given, 3 a job was \
                refused (the others are published), 64 wrong usage.
                """)

        static let examples = """
            # one business day, shown only, then published
            switchboard jobs submit --kind conversation --source genesys/main --dataset conversations --day 2026-03-01 --zone Asia/Manila
            switchboard jobs submit --kind conversation --source genesys/main --dataset conversations --day 2026-03-01 --zone Asia/Manila --execute

            # a day of a schedule: kind, source, data set, zone and parameters are the schedule's
            switchboard jobs submit --schedule conversations --schedules schedules.yaml --day 2026-03-01 --execute

            # an hour, with parameters
            switchboard jobs submit --kind conversation --source genesys/main --dataset conversations \
            --from 2026-03-01T08:00:00Z --to 2026-03-01T09:00:00Z --parameters '{"pageSize": 50}' --execute

            # many: one JSON object a line, with the same names
            switchboard jobs submit --file jobs.ndjson --execute
            echo '{"kind":"conversation","source":"genesys/main","dataset":"conversations","day":"2026-03-01"}' | \
            switchboard jobs submit --file - --execute
            """

        @Option(help: "The kind of worker, such as conversation.")
        var kind: String?

        @Option(help: "The vendor account, such as genesys/main.")
        var source: String?

        @Option(help: "The data set, such as conversations.")
        var dataset: String?

        @Option(help: ArgumentHelp("The business day.", valueName: "yyyy-MM-dd"))
        var day: String?

        @Option(help: "The zone of the day and of local times, such as Asia/Manila. Without it, UTC, or the schedule's.")
        var zone: String?

        @Option(help: ArgumentHelp("Where the interval begins.", valueName: "time"))
        var from: String?

        @Option(help: ArgumentHelp("Where the interval ends; this instant isn't part of it.", valueName: "time"))
        var to: String?

        @Option(help: ArgumentHelp("What the worker is told: a JSON object.", valueName: "json"))
        var parameters: String?

        @Option(help: "The id, instead of the one that follows from what the job is about.")
        var id: String?

        @Option(help: "The revision.")
        var revision: Int = 0

        @Option(help: ArgumentHelp("It may not run before this.", valueName: "time"))
        var notBefore: String?

        @Option(help: ArgumentHelp("After this it is given up.", valueName: "time"))
        var deadline: String?

        @Option(help: "How many attempts it has, instead of the worker's.")
        var attempts: Int?

        @Option(help: "The schedule whose job it is.")
        var schedule: String?

        @Option(help: ArgumentHelp("The file of schedules.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
        var schedules: String?

        @Option(
            name: .shortAndLong, help: ArgumentHelp("NDJSON with one job a line; - is standard input.", valueName: "file"),
            completion: .file())
        var file: String?

        @Flag(help: "Also publish jobs that are active.")
        var force = false

        @OptionGroup var options: PublicationOptions

        func run() async throws {
            let now = Date()
            let requests = try file.map { try Self.read($0) } ?? [try request(now: now)]
            var asked: [(request: JobRequest, job: Job)] = []
            var problems: [String] = []
            for (place, request) in requests {
                do throws(JobRequest.Problems) {
                    asked.append((request, try request.job(at: place, now: now)))
                } catch {
                    problems += error.lines
                }
            }
            guard problems.isEmpty else {
                throw file == nil ? UsageProblem(problems.joined(separator: "; ")) : Self.failure(problems)
            }
            let jobs = asked
            let force = force
            try await options.run { operations in
                let kinds = try await operations.kinds()
                for job in jobs.map(\.job) where !kinds.contains(job.kind) {
                    throw UsageProblem(
                        "--kind", given: job.kind,
                        allowed: kinds.isEmpty
                            ? "none: this cluster has no job topics; make them with `switchboard topics apply --execute`"
                            : kinds.joined(separator: ", "))
                }
                let known = try await operations.look(for: KnownJobs(of: jobs.map(\.job)))
                return .submit(jobs, known: known, force: force)
            } advice: { plan in
                guard let first = plan.publications.first?.job else { return nil }
                let scope = plan.publications.count == 1 ? first.id : "--kind \(first.kind)"
                return "follow what becomes of it with `switchboard jobs watch \(scope)`"
            }
        }

        /// One problem is one line; those of a file are one line each.
        private static func failure(_ lines: [String]) -> any Error {
            lines.count == 1 ? UsageProblem(lines[0]) : Failure(lines.joined(separator: "\n"), code: Ending.usage)
        }

        private static func read(_ file: String) throws -> [(String?, JobRequest)] {
            let data: Data
            do {
                data =
                    file == "-"
                    ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(filePath: file))
            } catch {
                throw UsageProblem("--file", given: file, allowed: "a file that can be read, or - for standard input")
            }
            do throws(JobRequest.Problems) {
                let requests = try JobRequestFile.parse(String(decoding: data, as: UTF8.self))
                guard !requests.isEmpty else { throw JobRequest.Problems(lines: ["--file: it holds no job; write one a line"]) }
                return requests.map { ("line \($0.line)", $0.request) }
            } catch {
                throw failure(error.lines)
            }
        }

        private func request(now: Date) throws -> (String?, JobRequest) {
            var request = JobRequest()
            if schedule != nil || schedules != nil {
                let definition = try ScheduleOption.load(schedule, from: schedules)
                request.schedule = definition.name
                request.kind = definition.kind
                request.source = definition.source
                request.dataset = definition.dataset
                request.zone = definition.zone.name
                request.parameters = definition.parameters
            }
            request.kind = kind ?? request.kind
            request.source = source ?? request.source
            request.dataset = dataset ?? request.dataset
            request.zone = zone ?? request.zone
            request.id = id
            request.day = day
            let zone = try TimeExpression.zone(request.zone)
            func time(_ text: String?, _ option: String) throws -> Date? {
                try text.map { try TimeExpression.parse($0, option: option, now: now, zone: zone) }
            }
            request.from = try time(from, "--from")
            request.to = try time(to, "--to")
            request.notBefore = try time(notBefore, "--not-before")
            request.deadline = try time(deadline, "--deadline")
            request.revision = revision
            request.maximumAttempts = attempts
            if let parameters {
                guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(parameters.utf8)) else {
                    throw UsageProblem("--parameters", given: parameters, allowed: "a JSON object such as {\"pageSize\": 100}")
                }
                request.parameters = value
            }
            return (nil, request)
        }
    }
}

/// Reads one schedule of a file.
enum ScheduleOption {
    static func load(_ name: String?, from file: String?) throws -> ScheduleDefinition {
        guard let file else { throw UsageProblem("--schedules is missing; give the file that the scheduler reads") }
        let text: String
        do {
            text = try String(contentsOf: URL(filePath: file), encoding: .utf8)
        } catch {
            throw UsageProblem("--schedules", given: file, allowed: "a file of schedules in YAML that can be read")
        }
        let definitions: [ScheduleDefinition]
        do {
            definitions = try ScheduleFile.parse(yaml: text)
        } catch {
            throw Failure("\(error)")
        }
        let names = definitions.map(\.name).joined(separator: ", ")
        guard let name else { throw UsageProblem("--schedule is missing; the file has \(names)") }
        guard let definition = definitions.first(where: { $0.name == name }) else {
            throw UsageProblem("--schedule", given: name, allowed: definitions.isEmpty ? "none: the file has none" : names)
        }
        return definition
    }
}
