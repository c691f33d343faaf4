internal import Contracts
internal import Logging
internal import ObjectStorage

/// What a worker remembers between attempts at a job, in small objects beside the data: starts without an end, and checkpoints.
struct JobMemory: Sendable {
    /// Counts starts, so that a job that ends its process is given up some time.
    let starts: StartLedger

    private let store: any ObjectStore
    private let configuration: JobWorkerConfiguration
    private let clock: WorkerClock
    private let logger: Logger

    init(store: any ObjectStore, configuration: JobWorkerConfiguration, clock: WorkerClock, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        starts = StartLedger(store: store, kind: configuration.kind, instance: configuration.instance, logger: logger)
    }

    func close() async { await starts.close() }
}
