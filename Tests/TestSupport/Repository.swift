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
}
