import Kafka
import TestSupport

/// Runs a body with an embedded cluster and a topic `t` on all its brokers; the cluster is closed however the body ends.
func withCluster(
    brokers: Int = 1, partitions: Int = 1, _ body: (EmbeddedCluster, KafkaConfiguration) async throws -> Void
) async throws {
    let cluster = try EmbeddedCluster(brokers: brokers, logger: .quiet)
    do {
        try await cluster.createTopic("t", partitions: partitions, replication: brokers)
        try await body(cluster, KafkaConfiguration(bootstrapServers: cluster.bootstrapServers, logger: .quiet))
    } catch {
        await cluster.close()
        throw error
    }
    await cluster.close()
}
