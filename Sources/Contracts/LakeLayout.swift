/// Where things are in the lake.
///
/// A template names a folder with `{source}`, `{dataset}`, `{yyyy}`, `{MM}`, `{dd}` and `{day}` (`yyyy-MM-dd`). Values come
/// from jobs, whose names are checked when they are read, so a folder can't leave the lake.
public struct LakeLayout: Sendable, Hashable {
    /// The folder of a data set's business day.
    public let dayFolder: String

    /// The layout of design section 4.
    public static let standardDayFolder = "genesys/{dataset}/{yyyy}/{MM}/{dd}"

    private static let fields: Set<String> = ["source", "dataset", "yyyy", "MM", "dd", "day"]

    /// A layout; nil when the template has an unknown field, misses the data set or the day, is no relative
    /// path, or is longer than 200 bytes.
    public init?(dayFolder: String = LakeLayout.standardDayFolder) {
        var used: Set<String> = []
        for part in dayFolder.split(separator: "{", omittingEmptySubsequences: false).dropFirst() {
            guard let end = part.firstIndex(of: "}"), Self.fields.contains(String(part[..<end])) else { return nil }
            used.insert(String(part[..<end]))
        }
        let hasDay = used.contains("day") || used.isSuperset(of: ["yyyy", "MM", "dd"])
        guard used.contains("dataset"), hasDay, Self.isRelativePath(dayFolder) else { return nil }
        self.dayFolder = dayFolder
    }

    /// Whether the store can take keys below this path: what `ObjectKey` refuses is refused at the start, not with every job.
    private static func isRelativePath(_ text: String) -> Bool {
        guard text.utf8.count <= 200,
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) })
        else { return false }
        // By bytes: a combining character behind a separator makes one Character with it.
        return text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { segment in
            !segment.allSatisfy { $0 == UInt8(ascii: ".") } && !segment.starts(with: ".tmp-".utf8)
        }
    }

    /// The standard layout.
    public static let standard = LakeLayout(unchecked: standardDayFolder)

    private init(unchecked dayFolder: String) { self.dayFolder = dayFolder }

    /// The folder of one business day, without a slash at the end. `day` is `yyyy-MM-dd`.
    public func folder(source: String, dataset: String, day: String) -> String {
        let parts = day.split(separator: "-").map(String.init)
        let values = [
            "source": source, "dataset": dataset, "day": day, "yyyy": parts.first ?? "", "MM": parts.count > 1 ? parts[1] : "",
            "dd": parts.count > 2 ? parts[2] : "",
        ]
        var text = ""
        for (index, part) in dayFolder.split(separator: "{", omittingEmptySubsequences: false).enumerated() {
            guard index > 0, let end = part.firstIndex(of: "}") else {
                text += part
                continue
            }
            text += (values[String(part[..<end])] ?? "") + part[part.index(after: end)...]
        }
        return text
    }

    /// The folder of what a data set has that belongs to no day, without a slash at the end: the template's folders above the
    /// first one that names a part of the day.
    public func folder(source: String, dataset: String) -> String {
        let segments = dayFolder.split(separator: "/").prefix { segment in
            !["{day}", "{yyyy}", "{MM}", "{dd}"].contains { segment.contains($0) }
        }
        let path = segments.joined(separator: "/").replacing("{source}", with: source).replacing("{dataset}", with: dataset)
        return segments.contains { $0.contains("{dataset}") } ? path : path.isEmpty ? dataset : "\(path)/\(dataset)"
    }

    /// The key of a job's manifest in its folder.
    public static func manifest(of job: String, in folder: String) -> String { "\(folder)/_manifest.\(job).json" }

    /// The key of the tag that says that a day is whole.
    public static func success(in folder: String) -> String { "\(folder)/_SUCCESS" }

    /// The key of the tag that says that a day was given up or is late.
    public static func failure(in folder: String) -> String { "\(folder)/_FAILURE" }
}
