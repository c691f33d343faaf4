/// The objects of a listing in the order of their keys, fetched page by page while they are read.
public struct ObjectListing: AsyncSequence, Sendable {
    /// Facts about one object.
    public typealias Element = ObjectInfo
    /// The error that iteration throws.
    public typealias Failure = ObjectStorageError

    /// Returns the next page of a listing, or nil after the last; pages may be empty.
    typealias Pages = @Sendable () async throws(ObjectStorageError) -> [ObjectInfo]?

    private let start: @Sendable () -> Pages

    init(_ start: @escaping @Sendable () -> Pages) { self.start = start }

    /// Starts the listing from its first object.
    public func makeAsyncIterator() -> Iterator { Iterator(pages: start()) }

    /// Reads the whole listing into memory.
    public func collect() async throws(ObjectStorageError) -> [ObjectInfo] {
        var objects: [ObjectInfo] = []
        let pages = start()
        while let page = try await pages() { objects += page }
        return objects
    }

    /// An iterator over the objects.
    public struct Iterator: AsyncIteratorProtocol {
        let pages: Pages
        private var page: ArraySlice<ObjectInfo> = []
        private var isOver = false

        init(pages: @escaping Pages) { self.pages = pages }

        /// Returns the next object, or nil after the last.
        ///
        /// - Throws: `ObjectStorageError`.
        public mutating func next() async throws(ObjectStorageError) -> ObjectInfo? { try await next(isolation: nil) }

        /// Returns the next object, or nil after the last.
        ///
        /// - Throws: `ObjectStorageError`.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ObjectStorageError) -> ObjectInfo? {
            while page.isEmpty, !isOver {
                if let next = try await pages() { page = next[...] } else { isOver = true }
            }
            return page.popFirst()
        }
    }
}
