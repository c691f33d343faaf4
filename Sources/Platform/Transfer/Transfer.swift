// Transfer: HTTP over libcurl, for programs that move a lot of data and must not lose, repeat or leak any of it.
//
// Types in reading order:
//   HTTPRequest, HTTPMethod, HTTPHeaders, RequestBody, TransferLimits    what is asked
//   HTTPResponse, ResponseBody                                           what comes back, as a stream
//   TransferError                                                        what went wrong, and whether trying again may help
//   HTTPTransport                                                        the one-method protocol that users of HTTP depend on
//   HTTPClient, HTTPClientConfiguration                                  its implementation
//   RetryPolicy, RetryAfter, RateLimiter                                 policies beside the client, never inside it
//   (internal) TransferLoop, LoopThread, Exchange, UploadFeed, EasyHandle   one libcurl multi handle on one thread
//
// Guarantees:
//   1. One thread per client, none after `shutdown()`. No libcurl call blocks a thread of the cooperative pool.
//   2. Memory is flat: a response holds at most its buffer (1 MiB unless configured), whatever the body's size and however slow
//      its reader; an upload holds one chunk of its producer.
//   3. Cancelling the task, dropping the response or dropping the body ends the transfer and closes its connection.
//   4. Bytes are exact: nothing is decoded, followed or normalised unless the request or the configuration asks for it.
//   5. Errors and logs name host and port, never a path, query, header value or credential.
//   6. A request is sent once. The one exception is libcurl's own: when a kept-alive connection turns out to be closed before a
//      single byte of the answer, the request is sent again over a fresh one.
