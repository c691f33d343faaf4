import CoreMetrics
import Synchronization

/// One line of a counter: it only grows.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
    private let sum = Mutex(0.0)

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        // A counter that falls looks like a restart to Prometheus and makes rates wrong.
        guard amount > 0, amount.isFinite else { return }
        sum.withLock { $0 += amount }
    }

    func reset() { sum.withLock { $0 = 0 } }

    var value: Double { sum.withLock { $0 } }
}

/// One line of a gauge: the last value set.
final class GaugeSeries: MeterHandler, RecorderHandler {
    private let current = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.withLock { $0 = value } }
    func increment(by amount: Double) { current.withLock { $0 += amount } }
    func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    var value: Double { current.withLock { $0 } }
}

/// The lines of one histogram: counts per bucket, sum and count.
final class HistogramSeries: RecorderHandler, TimerHandler {
    struct Snapshot {
        /// One count per bound and one for everything above the last.
        var counts: [UInt64]
        var sum = 0.0
    }

    let bounds: [Double]
    private let state: Mutex<Snapshot>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(Snapshot(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        state.withLock { state in
            state.counts[low] += 1
            state.sum += value
        }
    }

    /// Records a duration, in seconds as Prometheus wants base units.
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    var snapshot: Snapshot { state.withLock { $0 } }
}

/// The bucket bounds of histograms.
enum Buckets {
    /// For timers, in seconds: from a millisecond to an hour.
    static let seconds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600,
    ]
    /// For sizes: from 64 bytes to 4 GiB by factors of four.
    static let bytes: [Double] = (0..<14).map { Double(64 << (2 * $0)) }
    /// For everything else: from 1 to a thousand million.
    static let numbers: [Double] = (0..<10).flatMap { exponent -> [Double] in
        let base = (0..<exponent).reduce(1.0) { product, _ in product * 10 }
        return exponent < 9 ? [base, base * 2, base * 5] : [base]
    }
}
