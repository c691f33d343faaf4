internal import Contracts
public import Foundation

/// The running vendor simulator, and how to look into and steer it.
public struct Vendor: Sendable {
    /// The base URL for tokens.
    public let login: String
    /// The base URL of the API.
    public let api: String
    /// The base URL for steering.
    public let control: String

    private let http: LocalAPI

    /// Reads the line that the simulator writes when it listens: `ready login=… api=… control=…`.
    init?(readyLine: String, http: LocalAPI) {
        var addresses: [String: String] = [:]
        for part in readyLine.split(whereSeparator: \.isWhitespace) {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { addresses[String(pair[0])] = String(pair[1]) }
        }
        guard let login = addresses["login"], let api = addresses["api"], let control = addresses["control"] else { return nil }
        self.login = login
        self.api = api
        self.control = control
        self.http = http
    }

    /// What a perfect reader has of an interval `start/end`.
    public func digest(_ interval: String) async throws -> ContentDigest {
        let answer = try expect(try await http.get("\(control)/truth/digest?interval=\(interval)"))
        return try answer.decoded(ContentDigest.self)
    }

    /// Every record of an interval `start/end` once, one a line.
    public func truth(_ interval: String) async throws -> [UInt8] {
        try expect(try await http.get("\(control)/truth?interval=\(interval)")).body
    }

    /// The lines that a path of the control address tells, such as those of a data set's truth.
    func lines(_ path: String) async throws -> [UInt8] { try expect(try await http.get(control + path)).body }

    /// Moves the vendor's clock.
    public func setClock(_ now: Date) async throws {
        try expect(try await http.send("POST", "\(control)/clock", json: #"{"now":"\#(Timestamp.string(now))"}"#))
    }

    /// Holds the date still before which the vendor's details jobs know everything, and know it as it was then.
    func setAvailability(_ date: Date) async throws {
        try expect(try await http.send("PUT", "\(control)/availability", json: #"{"date":"\#(Timestamp.string(date))"}"#))
    }

    /// Changes what goes wrong: a fault plan, or `{"preset":"hostile"}`.
    public func setFaults(_ plan: String) async throws {
        try expect(try await http.send("PUT", "\(control)/faults", json: plan))
    }

    /// Changes the allowance of a token; nil lifts it.
    public func setRateLimit(requests: Int?, window: Int) async throws {
        let json = requests.map { #"{"requests":\#($0),"window":\#(window)}"# } ?? "{}"
        try expect(try await http.send("PUT", "\(control)/rate-limit", json: json))
    }

    /// Requests that the simulator has answered, by fault too.
    public func requestCounts() async throws -> [RequestCount] {
        try expect(try await http.get("\(control)/requests?last=0")).decoded(Requests.self).counts
    }

    /// Requests of one kind and outcome.
    public struct RequestCount: Sendable, Decodable {
        /// `login` or `api`.
        public let service: String
        /// Method and path, in which identifiers are `*`.
        public let route: String
        /// The status; 0 for a reset connection.
        public let status: Int
        /// The fault that struck, if any.
        public let fault: String?
        /// How many.
        public let count: Int
    }

    private struct Requests: Decodable {
        let counts: [RequestCount]
    }

    @discardableResult
    private func expect(_ answer: LocalAPI.Answer) throws(DevelopmentError) -> LocalAPI.Answer {
        guard answer.status == 200 else {
            throw DevelopmentError("the simulator answers \(answer.status): \(answer.text.prefix(300))")
        }
        return answer
    }
}

/// A short form of many lines, for comparing whole days.
public struct ContentDigest: Sendable, Hashable, Codable {
    /// The number of lines.
    public var records: Int
    /// Their bytes without line ends.
    public var bytes: Int
    /// The SHA-256 of all lines with their line ends, lower-case hexadecimal.
    public var sha256: String
}
