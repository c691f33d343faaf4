import Foundation

@testable import Scheduler

/// A small generator with a fixed seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Zones with every oddity: half-hour changes, changes at and over midnight, a day left out, no changes.
let oddZones = [
    "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Manila", "Pacific/Apia", "America/Sao_Paulo",
    "America/Havana", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Antarctica/Troll", "Asia/Beirut",
    "Atlantic/Azores", "Pacific/Chatham", "UTC",
]

func zone(_ name: String) throws -> BusinessZone {
    guard let zone = BusinessZone(name) else { throw MissingZone(name: name) }
    return zone
}

struct MissingZone: Error { let name: String }

/// An instant by its ISO-8601 text; a text that is none fails the comparison it is used in.
func utc(_ text: String) -> Date { (try? Date(text, strategy: .iso8601)) ?? .distantPast }

func text(_ date: Date?) -> String { date.map { $0.formatted(.iso8601) } ?? "none" }
