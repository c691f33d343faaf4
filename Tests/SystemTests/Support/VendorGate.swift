import DevelopmentStack
import Foundation

/// Holds conversation queries back at the vendor, so that jobs are in their middle for as long as a test wants.
enum VendorGate {
    private static let path = "/api/v2/analytics/conversations/details"

    /// A simulator that answers this many conversation queries at once and holds all others for 8 s, until ``open(_:)``.
    ///
    /// Long enough to look and to kill, short enough to wait for what a living worker has asked already.
    static func arguments(after answered: Int, in directory: String) throws -> [String] {
        let held = (answered + 1...answered + 500).map(String.init).joined(separator: ",")
        let plan = #"{"rules":[{"path":"\#(path)","requests":[\#(held)],"fault":{"kind":"slow","milliseconds":8000}}]}"#
        let file = "\(directory)/gate.json"
        try Data(plan.utf8).write(to: URL(filePath: file))
        return ["--faults", file]
    }

    /// Lets all further queries through.
    static func open(_ stack: DevelopmentStack) async throws { try await stack.vendor.setFaults(#"{"preset":"none"}"#) }
}

extension DevelopmentStack {
    /// Waits until jobs are in their middle: pages are written, and no day has its manifest.
    nonisolated func awaitMiddle() async throws {
        try await until("a page is written") {
            for day in days.days where try await !folder(of: day).pages().isEmpty { return true }
            return false
        }
        for day in days.days {
            guard try await folder(of: day).names().allSatisfy({ !$0.hasPrefix("_") }) else {
                throw NeverHappened(description: "\(day) was complete before the middle: the gate is too wide")
            }
        }
    }
}
