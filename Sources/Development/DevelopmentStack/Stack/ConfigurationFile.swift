internal import Foundation

/// A program's configuration: dotted keys with their values as YAML.
public struct ConfigurationFile: Sendable, Hashable {
    /// The values as YAML by their dotted keys.
    public var values: [String: String]

    /// A configuration.
    public init(_ values: [String: String] = [:]) { self.values = values }

    /// The value of a dotted key as YAML; nil takes it out.
    public subscript(key: String) -> String? {
        get { values[key] }
        set { values[key] = newValue }
    }

    /// A text as a YAML value.
    public static func text(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20: quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The file's text.
    public var yaml: String {
        var lines: [String] = []
        var open: [Substring] = []
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let path = key.split(separator: ".")
            let parents = path.dropLast()
            var depth = 0
            while depth < parents.count, depth < open.count, parents[depth] == open[depth] { depth += 1 }
            for index in depth..<parents.count { lines.append(Self.indent(index) + "\(parents[index]):") }
            open = Array(parents)
            lines.append(Self.indent(parents.count) + "\(path.last ?? ""): \(value)")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}
