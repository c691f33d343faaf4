internal import Foundation
internal import Metrics

/// Turns librdkafka's statistics (`statistics.interval.ms`) into metrics.
struct StatisticsReporter: Sendable {
    let client: String

    /// The part of the statistics that operators look at; librdkafka's STATISTICS.md describes the fields.
    private struct Statistics: Decodable {
        struct Broker: Decodable {
            struct Window: Decodable {
                var p99: Int?
            }
            var nodeid: Int?
            var state: String?
            var rtt: Window?
            var txerrs: Int?
            var rxerrs: Int?
        }
        struct Topic: Decodable {
            struct Partition: Decodable {
                var consumer_lag: Int64?
                var partition: Int32?
            }
            var partitions: [String: Partition]?
        }
        var msg_cnt: Int?
        var tx_bytes: Int64?
        var rx_bytes: Int64?
        var brokers: [String: Broker]?
        var topics: [String: Topic]?
    }

    func report(_ json: UnsafeRawBufferPointer) {
        guard let statistics = try? JSONDecoder().decode(Statistics.self, from: Data(json)) else {
            // A newer librdkafka changed the document: statistics are a convenience, not worth a failure.
            return
        }
        let labels = [("client", client)]
        Gauge(label: "kafka_queued_records", dimensions: labels).record(statistics.msg_cnt ?? 0)
        Gauge(label: "kafka_sent_bytes", dimensions: labels).record(statistics.tx_bytes ?? 0)
        Gauge(label: "kafka_received_bytes", dimensions: labels).record(statistics.rx_bytes ?? 0)
        for broker in (statistics.brokers ?? [:]).values {
            guard let node = broker.nodeid, node >= 0 else { continue }
            let labels = labels + [("broker", "\(node)")]
            Gauge(label: "kafka_broker_up", dimensions: labels).record(broker.state == "UP" ? 1 : 0)
            Gauge(label: "kafka_broker_round_trip_p99_seconds", dimensions: labels)
                .record(Double(broker.rtt?.p99 ?? 0) / 1_000_000)
        }
        for (topic, values) in statistics.topics ?? [:] {
            for partition in (values.partitions ?? [:]).values {
                guard let number = partition.partition, number >= 0, let lag = partition.consumer_lag, lag >= 0 else { continue }
                Gauge(
                    label: "kafka_consumer_lag_records",
                    dimensions: labels + [("topic", topic), ("partition", "\(number)")]
                ).record(lag)
            }
        }
    }
}
