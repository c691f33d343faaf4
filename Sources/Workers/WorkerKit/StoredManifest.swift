public import Contracts
public import ObjectStorage

/// What the lake has under a manifest's key.
///
/// Whoever decides by it what to write, to delete or to leave out must tell these cases apart: that a manifest could not be read
/// says nothing about what it names.
public enum StoredManifest: Sendable {
    /// There is none.
    case absent
    /// A manifest of this version, and the bytes that it was read from.
    case readable(Manifest, bytes: [UInt8])
    /// An object that is no manifest, and what is wrong with it: no reader can follow it, its job writes it again.
    case damaged(ContractError)

    /// The manifest that a reader can follow.
    public var manifest: Manifest? { if case .readable(let manifest, _) = self { manifest } else { nil } }

    /// Reads a manifest.
    ///
    /// - Throws: an `ObjectStorageError`: the store's, or of kind `.unsupported` for a manifest of a newer version, which names
    ///   objects that this program can't know.
    public static func read(_ key: ObjectKey, from store: any ObjectStore) async throws(ObjectStorageError) -> StoredManifest {
        let bytes: [UInt8]
        do throws(ObjectStorageError) {
            bytes = try await store.read(key, upTo: Manifest.maximumBytes)
        } catch {
            guard error.kind == .notFound else { throw error }
            return .absent
        }
        do throws(ContractError) {
            return .readable(try Manifest.decode(bytes), bytes: bytes)
        } catch {
            guard case .unknownVersion(let version) = error else { return .damaged(error) }
            throw ObjectStorageError(
                .unsupported, store: store.location, key: key.text,
                message: "a newer program wrote this manifest (version \(version)); let it finish, or update this one")
        }
    }
}
