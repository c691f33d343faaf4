import Contracts
import Kafka
import Messaging
import ObjectStorage
import Service
import Transfer

/// A cluster and a lake, as the configuration says.
struct LakeConnection: Sendable {
    let kafka: KafkaConfiguration
    let topics: TopicNames
    let lake: LakeSettings
    let layout: LakeLayout
    let http: HTTPClientConfiguration

    /// Runs with the lake, and closes what it was reached by.
    func withStore<Result: Sendable>(_ body: (any ObjectStore) async throws -> Result) async throws -> Result {
        let client = HTTPClient(http)
        do {
            let result = try await body(try await lake.openAtOnce(http: client))
            await client.shutdown()
            return result
        } catch let failure as ProgramFailure {
            await client.shutdown()
            throw Failure("\(failure)")
        } catch let error as ObjectStorageError where error.kind == .cancelled {
            await client.shutdown()
            throw CancellationError()
        } catch {
            await client.shutdown()
            throw error
        }
    }
}
