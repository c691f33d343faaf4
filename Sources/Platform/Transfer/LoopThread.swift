import CLibcurl
import Glibc

/// The thread of a `TransferLoop`: the only place where libcurl works.
final class LoopThread {
    private let loop: TransferLoop
    private let multi: UnsafeMutableRawPointer
    private var transfers: [UInt64: RunningTransfer] = [:]
    private var identifiers: [UnsafeMutableRawPointer: UInt64] = [:]
    /// When limits of time have to be looked at again; never later than the next one that can pass.
    private var nextExpiry: ContinuousClock.Instant?

    init(_ loop: TransferLoop, _ multi: TransferLoop.MultiHandle) {
        self.loop = loop
        self.multi = multi.pointer
    }

    func run() {
        blockSignals()
        nameThread()
        configure()
        while true {
            let (commands, stop) = loop.takeCommands()
            for command in commands { carryOut(command) }
            if stop == .now || (stop == .whenIdle && transfers.isEmpty), loop.retire() { break }
            perform()
            wait()
        }
        end()
    }

    /// Signals belong to the program's own threads; a broken pipe is an error code here.
    private func blockSignals() {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// For those who look at the process with `top -H` or a debugger; without it nothing else changes.
    private func nameThread() {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        let name = Array(loop.configuration.threadName.utf8.prefix(15))
        _ = write(file, name, name.count)
        close(file)
    }

    private func configure() {
        let configuration = loop.configuration
        _ = switchboard_curl_multi_set_long(
            multi, CURLMOPT_PIPELINING, configuration.sharesConnections ? Int(CURLPIPE_MULTIPLEX) : 0)
        _ = switchboard_curl_multi_set_long(
            multi, CURLMOPT_MAX_HOST_CONNECTIONS, max(1, configuration.maximumConnectionsPerHost))
        _ = switchboard_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, max(64, configuration.maximumConnectionsPerHost))
    }

    private func carryOut(_ command: TransferLoop.Command) {
        switch command {
        case .start(let exchange, let plan): start(exchange, plan)
        case .resume(let id): transfers[id]?.resume()
        case .cancel(let id): remove(id)
        }
    }

    private func start(_ exchange: Exchange, _ plan: RequestPlan) {
        guard let transfer = RunningTransfer(exchange: exchange, plan: plan, configuration: loop.configuration) else {
            exchange.finish(.failure(exchange.error(.other, "libcurl has no memory for another transfer")))
            return
        }
        if let refusal = transfer.handle.refusal {
            transfer.finish(refusal)
            return
        }
        let code = curl_multi_add_handle(multi, transfer.handle.pointer)
        guard code == CURLM_OK else {
            exchange.finish(.failure(exchange.error(.other, String(cString: curl_multi_strerror(code)))))
            return
        }
        transfers[exchange.id] = transfer
        identifiers[transfer.handle.pointer] = exchange.id
        lookAgain(by: transfer.expire(at: .now).next)
    }

    private func remove(_ id: UInt64) {
        guard let transfer = transfers.removeValue(forKey: id) else { return }
        identifiers[transfer.handle.pointer] = nil
        // Removing a handle in mid-transfer closes its connection, or resets its HTTP/2 stream.
        _ = curl_multi_remove_handle(multi, transfer.handle.pointer)
    }

    private func perform() {
        var running: CInt = 0
        let code = curl_multi_perform(multi, &running)
        if code != CURLM_OK {
            let message = String(cString: curl_multi_strerror(code))
            for (id, transfer) in transfers {
                transfer.exchange.finish(.failure(transfer.exchange.error(.other, message)))
                remove(id)
            }
        }
        var handle: UnsafeMutableRawPointer?
        var result = CURLE_OK
        while switchboard_curl_next_done(multi, &handle, &result) != 0 {
            guard let handle, let id = identifiers[handle], let transfer = transfers[id] else { continue }
            transfer.finish(result)
            remove(id)
        }
        for transfer in transfers.values where transfer.hasNews {
            transfer.hasNews = false
            transfer.exchange.flush()
        }
    }

    private func wait() {
        let now = ContinuousClock.now
        if let due = nextExpiry, due <= now {
            nextExpiry = nil
            for (id, transfer) in transfers {
                let (isOver, next) = transfer.expire(at: now)
                if isOver { remove(id) } else { lookAgain(by: next) }
            }
        }
        let untilExpiry = nextExpiry.map { max(1, now.duration(to: $0).milliseconds) } ?? 60_000
        // libcurl shortens this to its own next timer; commands end it.
        _ = curl_multi_poll(multi, nil, 0, CInt(clamping: min(untilExpiry, 60_000)), nil)
    }

    private func lookAgain(by instant: ContinuousClock.Instant?) {
        guard let instant else { return }
        nextExpiry = min(nextExpiry ?? instant, instant)
    }

    private func end() {
        for (id, transfer) in transfers {
            transfer.exchange.finish(.failure(transfer.exchange.error(.clientShutDown, "the HTTP client has been shut down")))
            remove(id)
        }
        for case .start(let exchange, _) in loop.takeCommands().commands {
            exchange.finish(.failure(exchange.error(.clientShutDown, "the HTTP client has been shut down")))
        }
        curl_multi_cleanup(multi)
        loop.threadEnds()
    }
}
