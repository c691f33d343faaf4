public import Logging

/// How log events are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object per line, for machines.
    case json
    /// One readable line, for people at a terminal.
    case readable
    /// `readable` when standard error is a terminal, else `json`.
    case automatic
}

/// Where log lines go and who writes them.
public struct LogConfiguration: Sendable {
    /// Events below this level are dropped.
    public var level: Logger.Level
    /// How events are written.
    public var format: LogFormat

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - level: Events below this level are dropped.
    ///   - format: How events are written.
    public init(level: Logger.Level = .info, format: LogFormat = .automatic) {
        self.level = level
        self.format = format
    }

    /// Reads `level` and `format`.
    ///
    /// - Parameter settings: The section, usually `log`.
    public init(_ settings: Settings) {
        level = settings.choice("level", default: .info)
        format = settings.choice("format", default: .automatic)
    }
}
