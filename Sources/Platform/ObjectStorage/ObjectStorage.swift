// ObjectStorage: objects under keys, in a directory, in S3 or in memory, behind one small protocol.
//
// Types in reading order:
//   ObjectKey, ObjectInfo, PutOptions, PutResult     names and facts
//   ObjectStore, ObjectWriter                        the protocol that everybody writes against
//   ObjectBody, ObjectListing                        streams of bytes and of objects
//   ObjectStorageError                               what went wrong, and what to do about it
//   ObjectStorageLocation, ObjectStorageSettings     from a URL in a configuration to a store
//   FileObjectStore, S3ObjectStore, MemoryObjectStore   the backends
//   (internal) SignatureV4, XMLReader, BlockingExecutor
//
// Guarantees, the same for every backend (ObjectStoreConformance in the tests runs them all through these):
//   1. A put is atomic. Nothing is visible under the key before `finish()` returns, then the whole object is; a put that is
//      abandoned, dropped, cancelled or fails leaves what was there before.
//   2. When `finish()` returns the object is durable: synchronised to disk, or acknowledged by the service.
//   3. `ifAbsent` lets one of several writers win; the others get `.alreadyExists`. In S3 that is the service's promise, and one
//      that SeaweedFS 4 keeps for objects of one part only.
//   4. Listings are complete, temporary files excluded, and in the order of the keys' UTF-8 bytes. In S3 the order is the
//      service's: Amazon's is that, SeaweedFS sorts each level by itself, so that `a/1` comes before `a-b`.
//   5. Memory is bounded: a writer holds at most two parts (8 MiB each unless configured), a reader one buffer.
//   6. The SHA-256 in `PutResult` is that of the bytes that were stored.
