import Configuration
import Synchronization

/// The configuration of one program: a YAML file with environment variables laid over it.
///
/// Keys are dotted paths (`kafka.bootstrap.servers`); in the file they may be written nested or dotted. The environment
/// variable of a key is `SWITCHBOARD_` and the key in upper case with every other character replaced by `_`
/// (`SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS`); it wins over the file. Empty variables count as unset, `null` in the file too.
///
/// A component declares its keys by reading them. A getter never throws: a problem is noted, a harmless placeholder is
/// returned, and ``finish()`` throws all problems at once. Nothing may be opened or connected before ``finish()`` returned.
///
/// ```swift
/// struct FetchSettings {
///     let pageSize: Int
///     init(_ settings: Settings) { pageSize = settings.int("page-size", default: 100, in: 1...100) }
/// }
/// let fetch = FetchSettings(settings.scoped("fetch"))
/// try settings.finish()
/// ```
public struct Settings: Sendable {
    /// What all environment variables of Switchboard's programs begin with.
    public static let environmentPrefix = "SWITCHBOARD_"

    let prefix: String
    let ledger: SettingsLedger

    /// Reads the configuration from YAML text and environment variables.
    ///
    /// - Parameters:
    ///   - yaml: The text of the file, at most 1 MiB.
    ///   - fileName: The name of the file in error messages.
    ///   - environment: Every environment variable; those without ``environmentPrefix`` matter to `env:` secrets only.
    ///   - resolver: Resolves secret references while they are read.
    /// - Throws: ``SettingsError`` when the text is not a YAML mapping.
    public init(
        yaml: String, fileName: String = "configuration", environment: [String: String] = [:], resolver: SecretResolver? = nil
    ) throws(SettingsError) {
        self.init(
            file: try SettingsFile(yaml: yaml, name: fileName), environment: environment,
            resolver: resolver ?? SecretResolver(environment: environment))
    }

    /// Loads the configuration of a process.
    ///
    /// - Parameters:
    ///   - path: The YAML file; nil takes everything from the environment.
    ///   - environment: The environment variables.
    ///   - googleCloudSecrets: What fetches `gcp-secret:` references, all before this returns.
    /// - Throws: ``SettingsError`` when the file cannot be read or is no YAML mapping.
    public static func load(
        file path: String?, environment: [String: String], googleCloudSecrets: SecretResolver.GoogleCloud? = nil
    ) async throws(SettingsError) -> Settings {
        let file = if let path { try SettingsFile(path: path) } else { SettingsFile() }
        let texts = file.values.values.map(\.text) + environment.filter { $0.key.hasPrefix(Self.environmentPrefix) }.values
        let resolver = await SecretResolver(environment: environment, googleCloud: googleCloudSecrets)
            .fetching(texts.compactMap { SecretReference($0) })
        return Settings(file: file, environment: environment, resolver: resolver)
    }

    init(file: SettingsFile, environment: [String: String], resolver: SecretResolver) {
        prefix = ""
        ledger = SettingsLedger(file: file, environment: environment, resolver: resolver)
    }

    private init(prefix: String, ledger: SettingsLedger) {
        self.prefix = prefix
        self.ledger = ledger
    }

    /// Returns the same settings, seen from below a key: `scoped("kafka").string("client-id")` reads `kafka.client-id`.
    ///
    /// - Parameter key: The key of a section.
    public func scoped(_ key: String) -> Settings {
        Settings(prefix: absolute(key) + ".", ledger: ledger)
    }

    /// Returns one scoped view per entry of a list of sections, in the order of the file.
    ///
    /// The keys of the third entry of `routes` are called `routes[2].name` in messages. Lists of sections cannot be given
    /// by environment variables.
    ///
    /// - Parameter key: The key of the list. Without it the result is empty.
    public func sections(_ key: String) -> [Settings] {
        let key = absolute(key)
        guard let count = ledger.file.sectionCounts[key] else {
            if let value = ledger.file.values[key], value.content != .null {
                note(SettingsProblem(key: key, given: value.text, allowed: "a list of sections, each entry beginning with '- '"))
            }
            ledger.declare(key)
            return []
        }
        return (0..<count).map { Settings(prefix: "\(key)[\($0)].", ledger: ledger) }
    }

    /// Says whether the file or the environment gives a value for a key or, in the file, for any key below it.
    ///
    /// - Parameter key: The key of a value or section.
    public func contains(_ key: String) -> Bool {
        let key = absolute(key)
        return ledger.lookUp(key) != nil || ledger.file.values.keys.contains { $0.hasPrefix(key + ".") }
            || ledger.file.sectionCounts[key] != nil
    }

    /// Notes a problem that a getter cannot see, such as two keys that contradict each other.
    ///
    /// - Parameters:
    ///   - key: The key to name, relative to this scope.
    ///   - given: The value as given, never a secret; nil when it's missing.
    ///   - allowed: What would be right, to be read after "is not allowed:".
    public func reject(_ key: String, given: String?, allowed: String) {
        note(SettingsProblem(key: absolute(key), given: given, allowed: allowed))
    }

    /// Ends the reading: throws everything that is wrong, keys of the file that nobody read included.
    ///
    /// - Throws: ``SettingsError`` with one line per problem.
    public func finish() throws(SettingsError) {
        let problems = ledger.allProblems()
        if !problems.isEmpty { throw SettingsError(problems: problems) }
    }

    /// The configuration in effect, one `key: value` line of YAML per key read so far, secrets shown as their references only.
    public var effective: String { ledger.effectiveConfiguration() }

    /// The names of environment variables that have our prefix and that no key read so far corresponds to.
    ///
    /// They are no problem, since programs that share an environment don't share all keys, but worth a word in the log.
    public var unusedEnvironment: [String] { ledger.unusedEnvironment() }

    func absolute(_ key: String) -> String { prefix + key }

    func note(_ problem: SettingsProblem) { ledger.note(problem) }
}

/// What all scopes of one ``Settings`` share: the two layers, and what was read and rejected so far.
final class SettingsLedger: Sendable {
    enum Source: Sendable, Equatable { case environment(String), file(line: Int) }

    struct Found: Sendable, Equatable {
        let content: SettingsFile.Content
        let source: Source
    }

    private struct State {
        var declared: [String] = []
        var declaredSet: Set<String> = []
        var subtrees: [String] = []
        var usedVariables: Set<String> = []
        var problems: [SettingsProblem] = []
        var effective: [(key: String, text: String)] = []
    }

    let file: SettingsFile
    let resolver: SecretResolver
    private let environmentNames: [String]
    private let environmentLayer: KeyMappingProvider<EnvironmentVariablesProvider>
    private let fileLayer: InMemoryProvider
    private let state = Mutex(State())

    init(file: SettingsFile, environment: [String: String], resolver: SecretResolver) {
        self.file = file
        self.resolver = resolver
        let ours = environment.filter { $0.key.hasPrefix(Settings.environmentPrefix) && !$0.value.isEmpty }
        environmentNames = ours.keys.sorted()
        environmentLayer = EnvironmentVariablesProvider(environmentVariables: ours).prefixKeys(with: "switchboard")
        fileLayer = InMemoryProvider(
            values: Dictionary(
                uniqueKeysWithValues: file.values.compactMap { key, value in
                    value.configValue.map { (AbsoluteConfigKey(ConfigKey(key)), $0) }
                }))
    }

    /// The value that wins for a key; declares the key.
    func lookUp(_ key: String) -> Found? {
        declare(key)
        let configKey = AbsoluteConfigKey(ConfigKey(key))
        if let result = try? environmentLayer.value(forKey: configKey, type: .string), let value = result.value,
            case .string(let text) = value.content
        {
            state.withLock { _ = $0.usedVariables.insert(result.encodedKey) }
            return Found(content: .scalar(text), source: .environment(result.encodedKey))
        }
        guard let entry = file.values[key] else { return nil }
        // The layer answers "another type" by throwing, which is how a list and a scalar are told apart.
        if let result = try? fileLayer.value(forKey: configKey, type: .string), case .string(let text)? = result.value?.content {
            return Found(content: .scalar(text), source: .file(line: entry.line))
        }
        if let result = try? fileLayer.value(forKey: configKey, type: .stringArray),
            case .stringArray(let texts)? = result.value?.content
        {
            return Found(content: .list(texts), source: .file(line: entry.line))
        }
        return nil
    }

    /// The keys below a key in the file, without that prefix, with their values; declares the subtree.
    func subtree(_ key: String) -> [(key: String, value: SettingsFile.Value)] {
        state.withLock { $0.subtrees.append(key + ".") }
        return file.values.filter { $0.key.hasPrefix(key + ".") }.map { (String($0.key.dropFirst(key.count + 1)), $0.value) }
            .sorted { $0.0 < $1.0 }
    }

    func declare(_ key: String) {
        state.withLock { state in
            if state.declaredSet.insert(key).inserted { state.declared.append(key) }
        }
    }

    func note(_ problem: SettingsProblem) {
        state.withLock { state in
            if !state.problems.contains(problem) { state.problems.append(problem) }
        }
    }

    func noteEffective(_ key: String, _ text: String) {
        state.withLock { state in
            if let index = state.effective.firstIndex(where: { $0.key == key }) {
                state.effective[index].text = text
            } else {
                state.effective.append((key, text))
            }
        }
    }

    func allProblems() -> [SettingsProblem] {
        let (problems, declared, subtrees) = state.withLock { ($0.problems, $0.declared, $0.subtrees) }
        let known = Set(declared)
        // A section with nothing in it, all its lines commented out, gives no key.
        func isEmptySection(_ key: String, _ value: SettingsFile.Value) -> Bool {
            value.content == .null && (declared + subtrees).contains { $0.hasPrefix(key + ".") || $0.hasPrefix(key + "[") }
        }
        let unknown = file.values
            .filter { key, value in
                !known.contains(key) && !subtrees.contains { key.hasPrefix($0) } && !isEmptySection(key, value)
            }
            .sorted { $0.value.line < $1.value.line }
            .map { key, value in
                SettingsProblem(
                    unknown: key, file: file.name, line: value.line, known: declared)
            }
        return problems + unknown
    }

    func effectiveConfiguration() -> String {
        state.withLock { $0.effective }.map { "\($0.key): \($0.text)\n" }.joined()
    }

    func unusedEnvironment() -> [String] {
        let used = state.withLock { $0.usedVariables }
        return environmentNames.filter { !used.contains($0) }
    }
}
