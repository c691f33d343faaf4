import CLibcurl

/// libcurl's error codes in this module's words.
enum CurlFailure {
    /// Makes an error of a failed transfer.
    ///
    /// - Parameters:
    ///   - detail: libcurl's text; it is bounded, and dropped when it repeats part of the URL.
    ///   - proxyStatus: the status of the proxy's answer to CONNECT, 0 when there was none.
    ///   - isConnected: whether the connection stood and the request was about to be sent.
    static func error(_ code: CURLcode, detail: String, plan: RequestPlan, proxyStatus: Int, isConnected: Bool) -> TransferError {
        let kind =
            if proxyStatus != 0, !(200..<300).contains(proxyStatus) {
                TransferError.Kind.proxyRefused(status: proxyStatus)
            } else {
                kind(of: code, isConnected: isConnected)
            }
        var message = text(of: code, kind: kind)
        let detail = sanitized(detail, plan: plan)
        if !detail.isEmpty { message += " (\(detail))" }
        return TransferError(kind, host: plan.host, message: message, curlCode: Int(code.rawValue))
    }

    private static func kind(of code: CURLcode, isConnected: Bool) -> TransferError.Kind {
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_UNKNOWN_OPTION, CURLE_NOT_BUILT_IN: .unusable
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .couldNotResolve
        case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED: .couldNotConnect
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED,
            CURLE_SSL_CRL_BADFILE:
            .tls
        case CURLE_OPERATION_TIMEDOUT: .timedOut(isConnected ? .total : .connect)
        case CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_HTTP2, CURLE_HTTP2_STREAM,
            CURLE_SEND_FAIL_REWIND, CURLE_SSL_SHUTDOWN_FAILED:
            .connectionLost
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING, CURLE_TOO_MANY_REDIRECTS:
            .badResponse
        case CURLE_FILESIZE_EXCEEDED: .bodyTooLarge
        default: .other
        }
    }

    private static func text(of code: CURLcode, kind: TransferError.Kind) -> String {
        switch kind {
        case .couldNotResolve: "the host name could not be resolved"
        case .couldNotConnect: "no connection could be made"
        case .proxyRefused(407): "the proxy asks for credentials: check its user and password"
        case .proxyRefused(let status): "the proxy refused the connection with status \(status)"
        case .tls where code == CURLE_PEER_FAILED_VERIFICATION:
            "the server's certificate is not trusted: check the host name, or give the right trust list"
        case .tls where code == CURLE_SSL_CACERT_BADFILE: "the trust list can't be read: give the path of a PEM file"
        case .tls where code == CURLE_SSL_CERTPROBLEM: "the client certificate, its key or the key's password is wrong"
        case .tls: "TLS failed"
        case .timedOut(.connect): "connecting took longer than its limit"
        case .connectionLost: "the connection was lost before the response was complete"
        case .badResponse: "the response can't be understood"
        default: String(cString: curl_easy_strerror(code))
        }
    }

    private static func sanitized(_ detail: String, plan: RequestPlan) -> String {
        let printable = String(decoding: detail.utf8.filter { $0 >= 0x20 && $0 < 0x7f }.prefix(200), as: UTF8.self)
        // Everything behind the host may be secret; libcurl's texts don't hold it, but servers and proxies have words in some.
        let tail = plan.url.components(after: plan.host)
        let isLeaky = tail.contains { printable.contains($0) } || printable.lowercased().contains("authorization")
        return isLeaky ? "" : printable
    }
}

extension String {
    /// The parts of a URL behind its host that are long enough to be told from ordinary words.
    fileprivate func components(after host: String) -> [Substring] {
        guard let start = firstRange(of: host)?.upperBound else { return [] }
        return self[start...].split { "/?&=#".contains($0) }.filter { $0.utf8.count >= 6 }
    }

    private func firstRange(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
