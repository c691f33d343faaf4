#include "CLibrdkafka.h"

#include <string.h>
#include <sys/prctl.h>

rd_kafka_error_t *switchboard_rd_kafka_produce(
    rd_kafka_t *handle, const char *topic, int32_t partition, const void *key, size_t key_size, const void *value,
    size_t value_size, int64_t timestamp_ms, const switchboard_rd_kafka_header *headers, size_t header_count, void *opaque) {
    rd_kafka_headers_t *list = NULL;
    if (header_count > 0) {
        list = rd_kafka_headers_new(header_count);
        for (size_t i = 0; i < header_count; i++) {
            rd_kafka_resp_err_t error = rd_kafka_header_add(
                list, headers[i].name, -1, headers[i].value, headers[i].value ? (ssize_t)headers[i].value_size : 0);
            if (error) {
                rd_kafka_headers_destroy(list);
                return rd_kafka_error_new(error, "header %s was refused", headers[i].name);
            }
        }
    }
    rd_kafka_vu_t arguments[9];
    size_t count = 0;
    arguments[count].vtype = RD_KAFKA_VTYPE_TOPIC;
    arguments[count++].u.cstr = topic;
    arguments[count].vtype = RD_KAFKA_VTYPE_PARTITION;
    arguments[count++].u.i32 = partition;
    arguments[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    arguments[count++].u.i = RD_KAFKA_MSG_F_COPY;
    if (key) {
        arguments[count].vtype = RD_KAFKA_VTYPE_KEY;
        arguments[count].u.mem.ptr = (void *)key;
        arguments[count++].u.mem.size = key_size;
    }
    if (value) {
        arguments[count].vtype = RD_KAFKA_VTYPE_VALUE;
        arguments[count].u.mem.ptr = (void *)value;
        arguments[count++].u.mem.size = value_size;
    }
    if (timestamp_ms > 0) {
        arguments[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
        arguments[count++].u.i64 = timestamp_ms;
    }
    arguments[count].vtype = RD_KAFKA_VTYPE_OPAQUE;
    arguments[count++].u.ptr = opaque;
    if (list) {
        arguments[count].vtype = RD_KAFKA_VTYPE_HEADERS;
        arguments[count++].u.headers = list;
    }
    rd_kafka_error_t *error = rd_kafka_produceva(handle, arguments, count);
    // librdkafka owns the headers only when the message was accepted.
    if (error && list) rd_kafka_headers_destroy(list);
    return error;
}

void switchboard_rd_kafka_mock_push_errors(
    rd_kafka_mock_cluster_t *cluster, int16_t api_key, const rd_kafka_resp_err_t *errors, size_t count) {
    rd_kafka_mock_push_request_errors_array(cluster, api_key, count, errors);
}

void switchboard_name_thread(const char *name) {
    char text[16];
    strncpy(text, name, sizeof text - 1);
    text[sizeof text - 1] = 0;
    prctl(PR_SET_NAME, text, 0, 0, 0);
}
