import Synchronization

/// Remembers what was asked and answered, for tests to assert on.
public final class RequestLog: Sendable {
    /// One request and its answer.
    public struct Entry: Sendable, Codable, Equatable {
        /// Counted from 1 over all services.
        public var ordinal: Int
        /// Simulated time of the request, ISO-8601.
        public var time: String
        /// `login` or `api`.
        public var service: String
        /// The request's method.
        public var method: String
        /// The request's path without the query.
        public var path: String
        /// The request's query; it holds no secret of the vendor's API.
        public var query: String
        /// The status that was sent; 0 when the connection was reset before.
        public var status: Int
        /// The fault that struck, if any.
        public var fault: String?
        /// Bytes of the answer's body, before a fault cut it.
        public var bytes: Int
        /// Milliseconds from the request's body to the answer's first byte.
        public var milliseconds: Int
        /// The page that a conversation query asked for.
        public var page: Int?
    }

    /// How often something was answered.
    public struct Count: Sendable, Codable, Equatable {
        /// `login` or `api`.
        public var service: String
        /// Method and path, in which identifiers are `*`.
        public var route: String
        /// The status that was sent; 0 when the connection was reset before.
        public var status: Int
        /// The fault that struck, if any.
        public var fault: String?
        /// How often.
        public var count: Int
    }

    private struct Key: Hashable {
        var service: String
        var route: String
        var status: Int
        var fault: String?
    }

    private struct State {
        var total = 0
        var counts: [Key: Int] = [:]
        var recent: [Entry] = []
        /// Where the oldest entry is once `recent` is full.
        var oldest = 0
    }

    private let state = Mutex(State())
    /// Entries kept; older ones remain in the counts.
    public static let keptEntries = 20_000

    init() {}

    /// Requests so far.
    public var total: Int { state.withLock { $0.total } }

    /// How often each answer was given, the most frequent first.
    public var counts: [Count] {
        state.withLock { $0.counts }
            .map { Count(service: $0.service, route: $0.route, status: $0.status, fault: $0.fault, count: $1) }
            .sorted { ($1.count, $0.route, $0.status, $0.fault ?? "") < ($0.count, $1.route, $1.status, $1.fault ?? "") }
    }

    /// The last requests, oldest first, up to ``keptEntries``.
    public var entries: [Entry] {
        state.withLock { Array($0.recent[$0.oldest...] + $0.recent[..<$0.oldest]) }
    }

    /// The last requests, oldest first, up to a number.
    func entries(last count: Int) -> [Entry] {
        Array(entries.suffix(count))
    }

    /// Forgets everything and counts from one again.
    public func clear() {
        state.withLock { $0 = State() }
    }

    func record(_ entry: Entry) {
        state.withLock { state in
            state.total += 1
            var entry = entry
            entry.ordinal = state.total
            let key = Key(
                service: entry.service, route: entry.method + " " + RequestLog.route(entry.path), status: entry.status,
                fault: entry.fault)
            // The number of routes is bounded although paths come from outside.
            if state.counts[key] != nil || state.counts.count < 1_000 { state.counts[key, default: 0] += 1 }
            if state.recent.count < RequestLog.keptEntries {
                state.recent.append(entry)
            } else {
                state.recent[state.oldest] = entry
                state.oldest = (state.oldest + 1) % RequestLog.keptEntries
            }
        }
    }

    private static func route(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { ConversationID($0) == nil ? $0 : "*" }
            .joined(separator: "/")
    }
}
