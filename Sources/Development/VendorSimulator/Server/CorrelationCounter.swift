import Synchronization

/// Makes the correlation ids of answers; the same run gives the same ids in the same order.
final class CorrelationCounter: Sendable {
    private let seed: UInt64
    private let count = Atomic<UInt64>(0)

    init(seed: UInt64) {
        self.seed = seed
    }

    func next() -> String {
        var bytes = RecordBytes(capacity: 36)
        bytes.append(identifier: Mixing.combine(seed, count.wrappingAdd(1, ordering: .relaxed).newValue))
        return bytes.string
    }
}
