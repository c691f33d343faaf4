import Glibc
import Logging

/// Makes swift-log write to standard error.
enum Logs {
    /// Bootstraps swift-log; at most once in a process.
    static func bootstrap(_ configuration: LogConfiguration, service: String, instance: String) {
        let sink = DescriptorLogSink(descriptor: STDERR_FILENO)
        let format = resolved(configuration.format, isTerminal: isatty(STDERR_FILENO) == 1)
        LoggingSystem.bootstrap { label in
            LineLogHandler(
                label: label, format: format, line: LogLine(service: service, instance: instance), sink: sink,
                logLevel: configuration.level)
        }
    }

    static func resolved(_ format: LogFormat, isTerminal: Bool) -> LogFormat {
        format == .automatic ? (isTerminal ? .readable : .json) : format
    }
}
