/// The command line options that all programs share.
public struct ProgramOptions: Sendable, Equatable {
    /// The configuration file (`--config FILE`); without one everything comes from the environment.
    public var configurationFile: String?
    /// The file that is written once the program is ready (`--ready-file FILE`).
    public var readyFile: String?
    /// Whether to print the configuration in effect and end (`--print-config`).
    public var printsConfiguration = false

    /// Creates options.
    ///
    /// - Parameters:
    ///   - configurationFile: The configuration file.
    ///   - readyFile: The file that is written once the program is ready.
    ///   - printsConfiguration: Whether to print the configuration in effect and end.
    public init(configurationFile: String? = nil, readyFile: String? = nil, printsConfiguration: Bool = false) {
        self.configurationFile = configurationFile
        self.readyFile = readyFile
        self.printsConfiguration = printsConfiguration
    }

    /// What a command line asks for.
    enum Request: Equatable { case run(ProgramOptions), help, version }

    /// Parses a command line.
    ///
    /// - Parameter arguments: The arguments after the program's name.
    /// - Throws: ``ProgramFailure`` (usage).
    static func parse(_ arguments: [String]) throws(ProgramFailure) -> Request {
        var options = ProgramOptions()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            func value() throws(ProgramFailure) -> String {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst(), !value.isEmpty else {
                    throw ProgramFailure(.usage, "\(name) needs a file name; see --help")
                }
                return value
            }
            switch name {
            case "--config", "-c": options.configurationFile = try value()
            case "--ready-file": options.readyFile = try value()
            case "--print-config" where parts.count == 1: options.printsConfiguration = true
            case "--help", "-h": return .help
            case "--version": return .version
            default: throw ProgramFailure(.usage, "unknown argument \(Spelling.shown(argument)); see --help")
            }
        }
        return .run(options)
    }

    static func help(name: String, summary: String) -> String {
        """
        \(name): \(summary)

        Usage: \(name) [--config FILE] [--ready-file FILE] [--print-config]

          -c, --config FILE   YAML file; every key can be overridden by an environment variable:
                              kafka.bootstrap.servers is \(Settings.environmentPrefix)KAFKA_BOOTSTRAP_SERVERS
          --ready-file FILE   written once ready: {"pid":…,"admin":"http://127.0.0.1:PORT"}
          --print-config      print the configuration in effect (secrets as references) and end
          --version           print the version and end

        Exit codes: 0 stopped as asked, 64 wrong usage, 70 failed, 75 restart it: something it needs is unavailable, or work was handed back,
        78 wrong configuration.

        """
    }
}
