public import Contracts
public import Service

extension LakeLayout {
    /// Reads `lake.day-folder`, by default `genesys/{dataset}/{yyyy}/{MM}/{dd}`.
    public init(_ settings: Settings) {
        let settings = settings.scoped("lake")
        let template = settings.string("day-folder", default: LakeLayout.standardDayFolder)
        if let layout = LakeLayout(dayFolder: template) {
            self = layout
        } else {
            settings.reject(
                "day-folder", given: template,
                allowed: "a relative path with {dataset} and {day} or {yyyy}, {MM}, {dd}; {source} if there are several")
            self = .standard
        }
    }
}
