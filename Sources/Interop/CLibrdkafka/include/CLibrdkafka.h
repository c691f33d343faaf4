#ifndef SWITCHBOARD_CLIBRDKAFKA_H
#define SWITCHBOARD_CLIBRDKAFKA_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

/// One header of a message for `switchboard_rd_kafka_produce`.
typedef struct {
    const char *name;
    const void *value;
    size_t value_size;
} switchboard_rd_kafka_header;

/// Swift can't call variadic functions: this is `rd_kafka_producev` with the arguments that a producer needs.
/// Key, value and headers are copied. `timestamp_ms` 0 means now. Returns NULL, or an error that the caller destroys.
rd_kafka_error_t *switchboard_rd_kafka_produce(
    rd_kafka_t *handle, const char *topic, int32_t partition, const void *key, size_t key_size, const void *value,
    size_t value_size, int64_t timestamp_ms, const switchboard_rd_kafka_header *headers, size_t header_count, void *opaque);

/// `rd_kafka_mock_push_request_errors` without variadics.
void switchboard_rd_kafka_mock_push_errors(
    rd_kafka_mock_cluster_t *cluster, int16_t api_key, const rd_kafka_resp_err_t *errors, size_t count);

/// Names the calling thread for debuggers and /proc; at most 15 bytes are kept.
void switchboard_name_thread(const char *name);

#endif
