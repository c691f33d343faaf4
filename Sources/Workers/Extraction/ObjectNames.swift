public import Contracts
internal import Foundation
public import ObjectStorage

/// What the objects of a job are called.
public struct ObjectNames: Sendable {
    /// The folder of all of them.
    public let folder: String
    /// What all of the job's objects begin with, and no other job's.
    public let prefix: String

    /// `genesys_<dataset>_<yyyyMMdd>_<page>.json`; a part of a day has its interval in place of the day, so that no name
    /// of a part begins with what all names of the whole day begin with.
    ///
    /// - Parameter isPart: whether the job is a part of a larger one, whose interval its name has however long it is.
    public init(folder: String, dataset: String, day: String, interval: Interval, isPart: Bool = false) {
        self.folder = folder
        let name = dataset.replacing("/", with: "_")
        let isWholeDay = !isPart && interval.end.timeIntervalSince(interval.start) >= 23 * 3600
        let span = "\(Timestamp.compact(interval.start))-\(Timestamp.compact(interval.end))"
        let part = isWholeDay ? day.filter { $0 != "-" } : span
        prefix = "\(folder)/genesys_\(name)_\(part)_"
    }

    /// The key of the object with this number, from 1.
    public func key(_ number: UInt32) throws(ObjectStorageError) -> ObjectKey { try ObjectKey("\(prefix)\(number).json") }
}
