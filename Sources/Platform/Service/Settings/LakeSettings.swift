public import ObjectStorage
public import Transfer

/// Where the lake is, as a program's configuration says.
public struct LakeSettings: Sendable {
    private let url: String

    /// Reads the section `lake`:
    ///
    /// - `lake.url` (required): `file:///directory`.
    public init(_ settings: Settings) {
        let lake = settings.scoped("lake")
        url = lake.url("url", schemes: ["file"])
    }

    /// Opens the store and checks that it can be written.
    ///
    /// - Throws: a `ProgramFailure`: wrong settings stay wrong, a store that doesn't answer may answer later.
    public func open(http: HTTPClient) async throws -> any ObjectStore {
        do {
            let store = try FileObjectStore(directory: String(url.dropFirst("file://".count)))
            try await store.check()
            return store
        } catch let error as ObjectStorageError {
            throw ProgramFailure(error.isRetriable ? .temporary : .configuration, "lake.url \(url): \(error)")
        }
    }
}
