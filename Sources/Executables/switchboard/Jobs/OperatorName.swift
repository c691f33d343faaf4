import Foundation

/// Who runs this command, as what it publishes says.
enum OperatorName {
    /// `user@host`.
    static var current: String {
        let environment = ProcessInfo.processInfo.environment
        let user =
            ["SUDO_USER", "USER", "LOGNAME"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "uid-\(getuid())"
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let name = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String("\(user)@\(name.isEmpty ? "unknown" : name)".prefix(200))
    }
}
