import Foundation

/// Who runs this command, as what it publishes says.
enum OperatorName {
    /// `user@host`.
    static var current: String {
        // Who became root is more telling than root.
        let user = ProcessInfo.processInfo.environment["SUDO_USER"].flatMap { $0.isEmpty ? nil : $0 } ?? NSUserName()
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let name = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String("\(user)@\(name.isEmpty ? "unknown" : name)".prefix(200))
    }
}
