import Glibc

/// A walk through a directory tree in the order of keys, page by page.
///
/// A directory sorts as its name with a `/` behind it, so that `a-b` comes before `a/c` as it does in a listing of keys. One
/// directory's names are in memory at a time for each level.
struct FileWalk {
    private struct Level {
        /// Relative to the root, with a `/` behind it unless it is the root.
        let directory: [UInt8]
        /// In reverse order, so that the next is the last; directories with a `/` behind them.
        var names: [[UInt8]]
    }

    private static let pageSize = 1000
    private static let slash = UInt8(ascii: "/")

    private let root: String
    private let prefix: [UInt8]
    private let isPossible: Bool
    private let files: FileSystem
    private var levels: [Level] = []
    private var isStarted = false

    init(root: String, prefix: String, files: FileSystem) {
        self.root = root
        self.prefix = Array(prefix.utf8)
        isPossible = ObjectKey.canBegin(with: prefix)
        self.files = files
    }

    mutating func nextPage() throws(ObjectStorageError) -> [ObjectInfo]? {
        if !isStarted {
            isStarted = true
            try start()
        }
        var page: [ObjectInfo] = []
        while page.count < Self.pageSize, let level = levels.indices.last {
            guard let name = levels[level].names.popLast() else {
                levels.removeLast()
                continue
            }
            let path = levels[level].directory + name
            if name.last == Self.slash {
                try enter(path)
            } else if let object = try object(path) {
                page.append(object)
            }
        }
        return page.isEmpty ? nil : page
    }

    /// Enters the deepest directory that the prefix names, if it could be part of a key.
    private mutating func start() throws(ObjectStorageError) {
        guard isPossible else { return }
        let directory = prefix.lastIndex(of: Self.slash).map { Array(prefix[...$0]) } ?? []
        try enter(directory)
    }

    private mutating func enter(_ directory: [UInt8]) throws(ObjectStorageError) {
        let path = absolute(directory)
        var names: [[UInt8]] = []
        for (name, type) in try files.names(in: path) {
            if name.starts(with: ObjectKey.reservedPrefix.utf8) { continue }
            let isDirectory = try isDirectory(directory + name, type: type)
            let entry = isDirectory ? name + [Self.slash] : name
            let key = directory + entry
            if key.starts(with: prefix) || (isDirectory && prefix.starts(with: key)) { names.append(entry) }
        }
        names.sort { $1.lexicographicallyPrecedes($0) }
        levels.append(Level(directory: directory, names: names))
    }

    private func isDirectory(_ path: [UInt8], type: UInt8) throws(ObjectStorageError) -> Bool {
        switch Int(type) {
        case Int(DT_DIR): return true
        case Int(DT_REG): return false
        default: return try files.status(absolute(path), key: nil).map(FileSystem.isDirectory) ?? false
        }
    }

    private func object(_ path: [UInt8]) throws(ObjectStorageError) -> ObjectInfo? {
        // Names that are no keys were not put by a store: they are not its objects.
        guard let text = String(validating: path, as: UTF8.self), let key = Self.key(text),
            let status = try files.status(absolute(path), key: text), FileSystem.isRegular(status)
        else { return nil }
        return FileObjectStore.info(key, status)
    }

    private static func key(_ text: String) -> ObjectKey? {
        do throws(ObjectStorageError) {
            return try ObjectKey(text)
        } catch {
            return nil
        }
    }

    private func absolute(_ path: [UInt8]) -> String {
        (root == "/" ? "" : root) + "/" + String(decoding: path, as: UTF8.self)
    }
}
