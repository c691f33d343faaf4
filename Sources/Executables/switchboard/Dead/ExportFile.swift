import Foundation
import Operations

/// A file that appears whole or not at all, or standard output.
struct ExportFile {
    private let handle: FileHandle
    private let path: String?
    private let temporary: String

    init(_ file: String) throws {
        guard file != "-" else {
            handle = .standardOutput
            path = nil
            temporary = ""
            return
        }
        path = file
        temporary = "\(file).part-\(getpid())"
        // Dead letters may hold what not everybody should read.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure("\(file) can't be written: \(String(cString: strerror(errno)))")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func write(_ bytes: [UInt8]) throws {
        if path == nil {
            Output.result(String(decoding: bytes, as: UTF8.self))
            if Output.isClosed { throw CancellationError() }
        } else {
            try handle.write(contentsOf: Data(bytes))
        }
    }

    func finish() throws {
        guard let path else { return }
        try handle.synchronize()
        try handle.close()
        // A link, not a rename: it never takes the place of a file that was made meanwhile.
        guard link(temporary, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw Failure("\(path) can't be written: \(reason)", code: Ending.refused)
        }
        unlink(temporary)
    }

    func abandon() { if path != nil { unlink(temporary) } }
}
