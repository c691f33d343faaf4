import CoreMetrics
import Testing

@testable import Service

@Suite("Prometheus metrics")
struct PrometheusMetricsTests {
    private let metrics = PrometheusMetrics(maximumSeries: 5, collectsProcess: false)

    private func lines() -> [String] { metrics.render().split(separator: "\n").map(String.init) }

    @Test("each kind is rendered with help, type and samples")
    func kinds() throws {
        metrics.describe("kafka_records_total", "Records\nread \\ sent.")
        let counter = metrics.makeCounter(label: "kafka_records", dimensions: [("topic", "jobs"), ("Kind", "x")])
        counter.increment(by: 2)
        counter.increment(by: -5)
        let floating = metrics.makeFloatingPointCounter(label: "cpu_seconds_total", dimensions: [])
        floating.increment(by: 0.25)
        metrics.makeMeter(label: "queue.depth", dimensions: []).set(Int64(3))
        metrics.makeRecorder(label: "last", dimensions: [], aggregate: false).record(1.5)
        metrics.makeTimer(label: "call", dimensions: [("code", "200")]).recordNanoseconds(2_000_000)
        #expect(
            lines().filter { !$0.contains("_bucket") } == [
                "# HELP call_seconds call seconds", "# TYPE call_seconds histogram", #"call_seconds_sum{code="200"} 0.002"#,
                #"call_seconds_count{code="200"} 1"#, "# HELP cpu_seconds_total cpu seconds total",
                "# TYPE cpu_seconds_total counter", "cpu_seconds_total 0.25",
                #"# HELP kafka_records_total Records\nread \\ sent."#, "# TYPE kafka_records_total counter",
                #"kafka_records_total{Kind="x",topic="jobs"} 2"#, "# HELP last last", "# TYPE last gauge", "last 1.5",
                "# HELP queue_depth queue depth", "# TYPE queue_depth gauge", "queue_depth 3",
            ])
    }

    @Test("histogram buckets are cumulative, a bound belongs to its bucket, the last is +Inf and equals the count")
    func histogram() {
        let recorder = metrics.makeRecorder(label: "records", dimensions: [], aggregate: true)
        for value in [0.0, 1, 1.5, 5, 7, 2e9, -3] { recorder.record(value) }
        recorder.record(Double.nan)
        let buckets = lines().filter { $0.hasPrefix("records_bucket") }
        #expect(buckets.count == Buckets.numbers.count + 1)
        #expect(buckets[0] == #"records_bucket{le="1"} 3"#)
        #expect(buckets[1] == #"records_bucket{le="2"} 4"#)
        #expect(buckets[2] == #"records_bucket{le="5"} 5"#)
        #expect(buckets[3] == #"records_bucket{le="10"} 6"#)
        #expect(buckets.last == #"records_bucket{le="+Inf"} 7"#)
        #expect(lines().last == "records_count 7")
        #expect(Buckets.numbers == Buckets.numbers.sorted() && Buckets.bytes == Buckets.bytes.sorted())
    }

    @Test("label values are escaped, names made valid, reserved names moved")
    func escaping() {
        metrics.makeMeter(
            label: "9 bad-name", dimensions: [("le", "a\"b\\c\nd"), ("__x", "1"), ("a.b", "2"), ("a-b", "3"), ("", "4")]
        ).set(1.0)
        #expect(lines()[2] == #"_9_bad_name{_="4",a_b="3",exported___x="1",exported_le="a\"b\\c\nd"} 1"#)
    }

    @Test("every rendered line is a comment or a sample of the text format")
    func grammar() throws {
        for value in [Double.infinity, -.infinity, .nan, 1e300, -0.5, 1e-9, 1.5e19] {
            metrics.makeMeter(label: "g", dimensions: [("v", "\(value)"), ("ü", "ü{}\",=")]).set(value)
        }
        metrics.makeTimer(label: "t", dimensions: [("a", "b")]).recordNanoseconds(1)
        let everything = PrometheusMetrics()
        everything.makeCounter(label: "c", dimensions: []).increment(by: 1)
        let comment = /# (HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*|TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram))/
        let sample =
            /[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\[\\"n])*",?)+\})? (NaN|[+-]Inf|-?[0-9.]+(e[+-]?[0-9]+)?)/
        for text in [metrics.render(), everything.render()] {
            #expect(text.hasSuffix("\n"))
            var typed: Set<Substring> = []
            for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
                #expect(line.wholeMatch(of: comment) != nil || line.wholeMatch(of: sample) != nil, "\(line)")
                if line.hasPrefix("# TYPE ") { #expect(typed.insert(line.split(separator: " ")[2]).inserted, "\(line)") }
            }
        }
        for name in [
            "process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds", "process_open_fds",
        ] {
            let line = try #require(everything.render().split(separator: "\n").first { $0.hasPrefix(name + " ") })
            #expect(Double(line.dropFirst(name.count + 1)) ?? -1 >= (name.contains("cpu") ? 0 : 1))
        }
    }

    @Test("a runaway label cannot eat the memory: further label sets share one series")
    func cardinality() {
        for index in 0..<1000 { metrics.makeCounter(label: "c", dimensions: [("id", "\(index)")]).increment(by: 1) }
        let samples = lines().filter { $0.hasPrefix("c_total") }
        #expect(samples.count == 6)
        #expect(samples.contains(#"c_total{overflow="true"} 995"#))
    }

    @Test("the same name and labels are one series, the same name of another kind is another metric")
    func identity() {
        metrics.makeCounter(label: "x_total", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
        metrics.makeCounter(label: "x", dimensions: [("b", "2"), ("a", "1")]).increment(by: 1)
        metrics.makeMeter(label: "x_total", dimensions: []).set(9.0)
        #expect(lines().contains(#"x_total{a="1",b="2"} 2"#))
        #expect(lines().contains("x_total_gauge 9"))
    }

    @Test("a destroyed metric is no longer rendered")
    func destroy() {
        let meter = metrics.makeMeter(label: "lag", dimensions: [("partition", "1")])
        meter.set(1.0)
        metrics.makeMeter(label: "lag", dimensions: [("partition", "2")]).set(2.0)
        metrics.destroyMeter(meter)
        #expect(lines() == ["# HELP lag lag", "# TYPE lag gauge", #"lag{partition="2"} 2"#])
    }
}
