import Foundation
import Operations

/// The files of `switchboard config import`.
enum ImportFile {
    /// Reads the scripts' file, at most one byte more than is allowed.
    static func read(_ path: String) throws -> [UInt8] {
        let handle: FileHandle
        if path == "-" {
            handle = .standardInput
        } else {
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw UsageProblem("file", given: path, allowed: "a JSON file that can be read, or - for standard input")
            }
            handle = file
        }
        do {
            var data = Data()
            while data.count <= ConfigurationImport.maximumBytes,
                let part = try handle.read(upToCount: ConfigurationImport.maximumBytes + 1 - data.count), !part.isEmpty
            {
                data.append(part)
            }
            return Array(data)
        } catch {
            throw Failure("\(path) can't be read: \((error as NSError).localizedDescription)")
        }
    }

    /// Writes all files or, where one exists and may not be overwritten, none.
    ///
    /// - Returns: their paths.
    static func write(_ files: [ConfigurationImport.File], into directory: String, force: Bool) throws -> [String] {
        let manager = FileManager.default
        let paths = files.map { directory.hasSuffix("/") ? directory + $0.name : "\(directory)/\($0.name)" }
        if !force {
            let present = paths.filter { manager.fileExists(atPath: $0) }
            guard present.isEmpty else {
                throw Failure(
                    present.map { "refused: \($0) exists already; choose another --output, or --force to overwrite it" }
                        .joined(separator: "\n"), code: Ending.refused)
            }
        }
        do {
            try manager.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for (file, path) in zip(files, paths) {
                // Without overwriting, a file that came into being meanwhile isn't lost either.
                try Data(file.text.utf8).write(to: URL(filePath: path), options: force ? .atomic : .withoutOverwriting)
            }
        } catch {
            throw Failure("\(directory): \((error as NSError).localizedDescription)")
        }
        return paths
    }
}
