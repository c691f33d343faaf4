internal import Kafka

/// The topics of a stack: made as on every other cluster, by `switchboard topics apply`.
enum StackTopics {
    /// Creates the topics of a folder of topic files.
    static func create(
        _ installation: Installation, folder: String, broker: TansuBroker, prefix: String, log: String
    ) async throws {
        let process = try await ManagedProcess.start(
            ProcessCommand(
                "switchboard", program: try installation.program("switchboard"),
                arguments: [
                    "topics", "apply", "--topics", folder, "--environment", "development", "--bootstrap-servers",
                    broker.bootstrapServers, "--prefix", prefix, "--execute",
                ], output: log))
        let end: ProcessEnd
        do {
            end = try await process.awaitEnd()
        } catch {
            await process.kill()
            throw error
        }
        guard end == .exited(0) else {
            throw DevelopmentError("switchboard topics apply \(end):\n\(ReadyFile.tail(of: log))")
        }
    }

    /// Deletes all topics with the prefix of this stack, so that a broker that goes on isn't littered.
    static func delete(broker: TansuBroker, prefix: String) async {
        guard !prefix.isEmpty, let admin = try? Admin(broker.kafka(client: "development-stack")) else { return }
        // A broker that is gone has nothing left to delete.
        if let names = try? await admin.metadata().topics.map(\.name).filter({ $0.hasPrefix(prefix) }) {
            _ = try? await admin.deleteTopics(names)
        }
        await admin.close()
    }
}
