#ifndef SWITCHBOARD_CLIBCURL_H
#define SWITCHBOARD_CLIBCURL_H

#include <curl/curl.h>

// Swift can't call variadic functions: one shim per argument type of setopt and getinfo.

CURLcode switchboard_curl_set_long(CURL *handle, CURLoption option, long value);
CURLcode switchboard_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
CURLcode switchboard_curl_set_string(CURL *handle, CURLoption option, const char *value);
CURLcode switchboard_curl_set_pointer(CURL *handle, CURLoption option, void *value);
CURLcode switchboard_curl_set_data_callback(
    CURL *handle, CURLoption option, size_t (*callback)(char *data, size_t size, size_t count, void *context));
CURLcode switchboard_curl_set_seek_callback(
    CURL *handle, int (*callback)(void *context, curl_off_t offset, int origin));
CURLcode switchboard_curl_set_progress_callback(
    CURL *handle,
    int (*callback)(void *context, curl_off_t down_total, curl_off_t down_now, curl_off_t up_total, curl_off_t up_now));
CURLcode switchboard_curl_set_before_request_callback(CURL *handle, curl_prereq_callback callback);

CURLcode switchboard_curl_get_long(CURL *handle, CURLINFO info, long *value);
CURLcode switchboard_curl_get_offset(CURL *handle, CURLINFO info, curl_off_t *value);
CURLcode switchboard_curl_get_string(CURL *handle, CURLINFO info, char **value);
CURLcode switchboard_curl_get_pointer(CURL *handle, CURLINFO info, void **value);

CURLMcode switchboard_curl_multi_set_long(CURLM *handle, CURLMoption option, long value);

/// The fields of a finished transfer's CURLMsg, whose union Swift can't read safely.
int switchboard_curl_next_done(CURLM *handle, CURL **transfer, CURLcode *result);

#endif
