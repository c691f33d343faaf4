import Foundation

/// Says which requests go wrong and how; the same plan and the same requests give the same faults.
///
/// A plan is read from JSON, in which comments are allowed:
///
///     {
///       "seed": 7,
///       "mercy": 3,
///       "rules": [
///         {"path": "/oauth/token", "requests": [1], "fault": {"kind": "status", "status": 503, "body": "html"}},
///         {"path": "/api/v2/analytics", "probability": 0.05, "fault": {"kind": "truncate", "keep": 0.4}}
///       ]
///     }
///
/// For every request the rules are tried in order; the first that strikes decides.
public struct FaultPlan: Sendable, Codable, Equatable {
    /// Scrambles the probabilities.
    public var seed: UInt64 = 1
    /// The same request (method, path, query and body) is spared after so many faults in a row, so that a client that tries
    /// again gets through at last; 0 for no mercy.
    public var mercy = 3
    /// Tried in order.
    public var rules: [FaultRule] = []

    /// Makes a plan without faults.
    public init(seed: UInt64 = 1, mercy: Int = 3, rules: [FaultRule] = []) {
        self.seed = seed
        self.mercy = mercy
        self.rules = rules
    }

    /// Reads a plan; fields that are left out have their defaults, unknown ones are refused.
    public init(from decoder: any Decoder) throws {
        try KnownKeys.check(decoder, ["seed", "mercy", "rules"], in: "a fault plan")
        let values = try decoder.container(keyedBy: CodingKeys.self)
        seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? 1
        mercy = try values.decodeIfPresent(Int.self, forKey: .mercy) ?? 3
        rules = try values.decodeIfPresent([FaultRule].self, forKey: .rules) ?? []
    }

    /// Reads a plan from JSON.
    public init(json: [UInt8]) throws(FaultPlanError) {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        do {
            self = try decoder.decode(FaultPlan.self, from: Data(json))
        } catch let error as FaultPlanError {
            throw error
        } catch {
            throw FaultPlanError(reason: QueryRejection.explain(error))
        }
    }

    /// A plan by its name, `hostile` or `none`; nil for other names.
    public init?(preset: String) {
        switch preset {
        case "none": self.init()
        case "hostile": self = .hostile
        default: return nil
        }
    }
}

/// One way in which requests go wrong.
public struct FaultRule: Sendable, Codable, Equatable {
    /// The rule is for paths that begin with this.
    public var path: String
    /// The rule is for requests of this method, such as `GET`; nil for all.
    public var method: String?
    /// Strikes with this probability, 0 to 1.
    public var probability: Double?
    /// Strikes these requests, counted from 1 among those the rule is for.
    public var requests: [Int]?
    /// Strikes every so many requests.
    public var every: Int?
    /// Strikes at most so often.
    public var limit: Int?
    /// What happens.
    public var fault: Fault

    /// Makes a rule that strikes with a probability.
    public init(path: String, probability: Double, limit: Int? = nil, fault: Fault) {
        self.path = path
        self.probability = probability
        self.limit = limit
        self.fault = fault
    }

    /// Makes a rule that strikes certain requests, counted from 1 among those whose path begins with `path`.
    public init(path: String, requests: [Int], fault: Fault) {
        self.path = path
        self.requests = requests
        self.fault = fault
    }

    /// Reads a rule.
    public init(from decoder: any Decoder) throws {
        try KnownKeys.check(
            decoder, ["path", "method", "probability", "requests", "every", "limit", "fault"], in: "a fault rule")
        let values = try decoder.container(keyedBy: CodingKeys.self)
        path = try values.decodeIfPresent(String.self, forKey: .path) ?? "/"
        method = try values.decodeIfPresent(String.self, forKey: .method)
        probability = try values.decodeIfPresent(Double.self, forKey: .probability)
        requests = try values.decodeIfPresent([Int].self, forKey: .requests)
        every = try values.decodeIfPresent(Int.self, forKey: .every)
        limit = try values.decodeIfPresent(Int.self, forKey: .limit)
        fault = try values.decode(Fault.self, forKey: .fault)
        guard [probability != nil, requests != nil, every != nil].filter({ $0 }).count == 1 else {
            throw FaultPlanError(reason: "the rule for \(path) needs exactly one of probability, requests, every")
        }
        if let probability, !(0...1).contains(probability) {
            throw FaultPlanError(reason: "the probability of the rule for \(path) must be 0 to 1, not \(probability)")
        }
        if let every, every < 1 { throw FaultPlanError(reason: "every of the rule for \(path) must be at least 1, not \(every)") }
    }
}

/// Says why a fault plan cannot be used.
public struct FaultPlanError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, with the name of the field.
    public let reason: String

    /// The reason, with what it is about.
    public var description: String { "cannot read the fault plan: \(reason)" }
}

/// Refuses fields that nobody reads, which are mistakes.
enum KnownKeys {
    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int?

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            nil
        }
    }

    static func check(_ decoder: any Decoder, _ known: Set<String>, in place: String) throws {
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            let fields = known.sorted().joined(separator: ", ")
            throw FaultPlanError(reason: "\(place) has no field \(key.stringValue); it has \(fields)")
        }
    }
}
