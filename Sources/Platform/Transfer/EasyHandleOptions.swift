import CLibcurl

extension EasyHandle {
    /// The options that follow from the request.
    func apply(_ plan: RequestPlan) {
        set(CURLOPT_URL, plan.url)
        // Keys of objects may hold anything: nothing is normalised.
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        switch plan.upload {
        case .none where plan.method == "HEAD": set(CURLOPT_NOBODY, 1)
        case .none: set(CURLOPT_HTTPGET, 1)
        case .known(let length):
            set(CURLOPT_UPLOAD, 1)
            set(CURLOPT_INFILESIZE_LARGE, bytes: length)
        case .unknown:
            set(CURLOPT_UPLOAD, 1)
            set(CURLOPT_INFILESIZE_LARGE, bytes: -1)
        }
        if plan.method != "HEAD" { set(CURLOPT_CUSTOMREQUEST, plan.method) }
        setHeaders(plan.headerLines)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, plan.limits.connect.milliseconds))
        if plan.acceptsCompression {
            set(CURLOPT_ACCEPT_ENCODING, "gzip")
            // While paused libcurl keeps what it decodes from one read: small reads bound that, also for hostile input.
            set(CURLOPT_BUFFERSIZE, 16 * 1024)
        } else {
            set(CURLOPT_BUFFERSIZE, 128 * 1024)
        }
        if plan.needsFreshConnection { set(CURLOPT_FRESH_CONNECT, 1) }
    }

    /// The options that follow from the client's configuration.
    func apply(_ configuration: HTTPClientConfiguration, plan: RequestPlan) {
        // Timeouts by signal would hit the process; the thread blocks SIGPIPE itself.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 64 * 1024)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        switch configuration.protocols {
        case .http1: set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        case .http2WhereOffered: set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        }
        if configuration.sharesConnections { set(CURLOPT_PIPEWAIT, 1) }
        if case .followed(let maximum) = configuration.redirects {
            set(CURLOPT_FOLLOWLOCATION, 1)
            set(CURLOPT_MAXREDIRS, maximum)
            set(CURLOPT_REDIR_PROTOCOLS_STR, plan.url.lowercased().hasPrefix("https") ? "https" : "http,https")
        }
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let trustList = configuration.trustList {
            set(CURLOPT_CAINFO, trustList)
        }
        if let certificate = configuration.clientCertificate {
            set(CURLOPT_SSLCERT, certificate.certificate)
            set(CURLOPT_SSLKEY, certificate.key)
            if let password = certificate.password { set(CURLOPT_KEYPASSWD, password) }
        }
        // An empty proxy keeps libcurl from looking at environment variables.
        set(CURLOPT_PROXY, configuration.proxy?.url ?? "")
        if let proxy = configuration.proxy, let user = proxy.user {
            set(CURLOPT_PROXYAUTH, Int(CURLAUTH_BASIC_BIT))
            set(CURLOPT_PROXYUSERNAME, user)
            set(CURLOPT_PROXYPASSWORD, proxy.password ?? "")
        }
    }
}

/// `CURLAUTH_BASIC`, a macro with a cast that Swift doesn't import.
private let CURLAUTH_BASIC_BIT = 1

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds.multipliedReportingOverflow(by: 1000).partialValue)
            &+ Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
