public import CoreMetrics
import Logging
import Synchronization

/// A swift-metrics backend that renders Prometheus' text format 0.0.4.
///
/// Counters get the suffix `_total` and timers `_seconds` unless their name ends so; timers and recorders are histograms,
/// meters gauges. Names and labels are made valid. A metric keeps at most ``maximumSeries`` label sets: what comes after
/// goes to one series labelled `overflow="true"` and is warned of once, so that a runaway label cannot eat the memory.
/// The same name used for two kinds of metric yields two metrics, the later one with its kind appended to the name.
public final class PrometheusMetrics: MetricsFactory {
    /// The number of label sets that one metric keeps when nothing else is said.
    public static let defaultMaximumSeries = 1000

    enum Kind: String { case counter, gauge, histogram }

    enum Series {
        case counter(CounterSeries), gauge(GaugeSeries), histogram(HistogramSeries)

        var identifier: ObjectIdentifier {
            switch self {
            case .counter(let series): ObjectIdentifier(series)
            case .gauge(let series): ObjectIdentifier(series)
            case .histogram(let series): ObjectIdentifier(series)
            }
        }
    }

    private struct Family {
        let kind: Kind
        var series: [String: Series] = [:]
        var hasOverflowed = false
    }

    private struct State {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
    }

    /// The number of label sets that one metric keeps.
    public let maximumSeries: Int

    private let state = Mutex(State())
    private let collectsProcess: Bool

    /// Creates an empty registry.
    ///
    /// - Parameters:
    ///   - maximumSeries: The number of label sets that one metric keeps.
    ///   - collectsProcess: Whether memory, processor time, start time and open files of this process are rendered too.
    public init(maximumSeries: Int = PrometheusMetrics.defaultMaximumSeries, collectsProcess: Bool = true) {
        self.maximumSeries = maximumSeries
        self.collectsProcess = collectsProcess
    }

    /// Gives a metric a help text.
    ///
    /// - Parameters:
    ///   - name: The name as rendered, suffix included.
    ///   - help: One sentence.
    public func describe(_ name: String, _ help: String) {
        state.withLock { $0.help[name] = help }
    }

    // MARK: MetricsFactory

    /// Returns the counter with this name and these labels.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    /// Returns the counter with this name and these labels.
    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    /// Returns the gauge with this name and these labels.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    /// Returns the histogram with this name and these labels, or a gauge when nothing is to be aggregated.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) }
        return histogram(PrometheusName.metric(label), dimensions, label.hasSuffix("bytes") ? Buckets.bytes : Buckets.numbers)
    }

    /// Returns the histogram of seconds with this name and these labels.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(PrometheusName.metric(label, suffix: "_seconds"), dimensions, Buckets.seconds)
    }

    /// Forgets a counter.
    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    /// Forgets a counter.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    /// Forgets a gauge.
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    /// Forgets a histogram or gauge.
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    /// Forgets a histogram.
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries {
        let series = series(PrometheusName.metric(label, suffix: "_total"), .counter, dimensions) { .counter(CounterSeries()) }
        guard case .counter(let counter) = series else { return CounterSeries() }
        return counter
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        let series = series(PrometheusName.metric(label), .gauge, dimensions) { .gauge(GaugeSeries()) }
        guard case .gauge(let gauge) = series else { return GaugeSeries() }
        return gauge
    }

    private func histogram(_ name: String, _ dimensions: [(String, String)], _ bounds: [Double]) -> HistogramSeries {
        let series = series(name, .histogram, dimensions) { .histogram(HistogramSeries(bounds: bounds)) }
        guard case .histogram(let histogram) = series else { return HistogramSeries(bounds: bounds) }
        return histogram
    }

    private func series(_ name: String, _ kind: Kind, _ dimensions: [(String, String)], make: () -> Series) -> Series {
        let labels = Self.render(dimensions)
        var overflowed = false
        let series = state.withLock { state -> Series in
            var name = name
            while let family = state.families[name], family.kind != kind { name += "_\(kind.rawValue)" }
            var family = state.families[name] ?? Family(kind: kind)
            if let known = family.series[labels] { return known }
            var labels = labels
            if family.series.count >= maximumSeries {
                labels = #"overflow="true""#
                overflowed = !family.hasOverflowed
                family.hasOverflowed = true
            }
            let series = family.series[labels] ?? make()
            family.series[labels] = series
            state.families[name] = family
            return series
        }
        if overflowed {
            Logger(label: "metrics").warning(
                "a metric has too many label sets; further ones are counted together, so look for an unbounded label",
                metadata: ["metric": "\(name)", "label_sets": "\(maximumSeries)"])
        }
        return series
    }

    private func forget(_ handler: AnyObject) {
        let identifier = ObjectIdentifier(handler)
        state.withLock { state in
            for (name, family) in state.families {
                guard let entry = family.series.first(where: { $0.value.identifier == identifier }) else { continue }
                state.families[name]?.series[entry.key] = nil
            }
        }
    }

    /// Labels in a fixed order, each name once: the last value given wins.
    private static func render(_ dimensions: [(String, String)]) -> String {
        var values: [String: String] = [:]
        for (name, value) in dimensions { values[PrometheusName.label(name)] = value }
        return values.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(PrometheusName.escaped($0.value))\"" }.joined(
            separator: ",")
    }

    // MARK: Rendering

    /// The content type of ``render()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Renders everything in Prometheus' text format, metrics and label sets in a fixed order.
    public func render() -> String {
        let (families, help) = state.withLock { ($0.families, $0.help) }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            Self.appendHead(name, family.kind, help[name], to: &text)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                Self.append(name, labels, series, to: &text)
            }
        }
        if collectsProcess {
            for sample in ProcessSample.current() where families[sample.name] == nil {
                Self.appendHead(sample.name, sample.kind, sample.help, to: &text)
                text += "\(sample.name) \(PrometheusName.number(sample.value))\n"
            }
        }
        return text
    }

    private static func appendHead(_ name: String, _ kind: Kind, _ help: String?, to text: inout String) {
        let sentence = help ?? name.split(separator: "_").joined(separator: " ")
        text += "# HELP \(name) \(PrometheusName.help(sentence))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private static func append(_ name: String, _ labels: String, _ series: Series, to text: inout String) {
        let braced = labels.isEmpty ? "" : "{\(labels)}"
        switch series {
        case .counter(let counter): text += "\(name)\(braced) \(PrometheusName.number(counter.value))\n"
        case .gauge(let gauge): text += "\(name)\(braced) \(PrometheusName.number(gauge.value))\n"
        case .histogram(let histogram):
            let snapshot = histogram.snapshot
            let separator = labels.isEmpty ? "" : ","
            var cumulative: UInt64 = 0
            for (bound, count) in zip(histogram.bounds + [.infinity], snapshot.counts) {
                cumulative += count
                text += "\(name)_bucket{\(labels)\(separator)le=\"\(PrometheusName.number(bound))\"} \(cumulative)\n"
            }
            text += "\(name)_sum\(braced) \(PrometheusName.number(snapshot.sum))\n\(name)_count\(braced) \(cumulative)\n"
        }
    }
}
