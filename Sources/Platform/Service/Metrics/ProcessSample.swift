import Glibc

/// What the kernel says about this process, read from `/proc` when metrics are rendered.
struct ProcessSample {
    let name: String
    let kind: PrometheusMetrics.Kind
    let help: String
    let value: Double

    static func current() -> [ProcessSample] {
        var samples: [ProcessSample] = []
        // Fields after the command in brackets, so that a blank in the command cannot shift them; see proc(5).
        if let stat = text("/proc/self/stat"), let end = stat.lastIndex(of: ")") {
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
            if fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
                let threads = Double(fields[17]),
                let started = Double(fields[19]), let pages = Double(fields[21])
            {
                samples += [
                    ProcessSample(
                        name: "process_cpu_seconds_total", kind: .counter, help: "User and system processor time in seconds.",
                        value: (user + system) / ticks),
                    ProcessSample(
                        name: "process_resident_memory_bytes", kind: .gauge, help: "Resident memory in bytes.",
                        value: pages * Double(sysconf(Int32(_SC_PAGESIZE)))),
                    ProcessSample(name: "process_threads", kind: .gauge, help: "Number of threads.", value: threads),
                ]
                if let boot = bootTime() {
                    samples.append(
                        ProcessSample(
                            name: "process_start_time_seconds", kind: .gauge, help: "Start time in seconds since the epoch.",
                            value: boot + started / ticks))
                }
            }
        }
        if let count = openDescriptors() {
            samples.append(
                ProcessSample(
                    name: "process_open_fds", kind: .gauge, help: "Number of open file descriptors.", value: Double(count)))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            samples.append(
                ProcessSample(
                    name: "process_max_fds", kind: .gauge, help: "Largest allowed number of open file descriptors.",
                    value: Double(limit.rlim_cur)))
        }
        return samples.sorted { $0.name < $1.name }
    }

    private static func text(_ path: String) -> String? {
        (try? BoundedFile.read(path, maximumBytes: 256 * 1024)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func bootTime() -> Double? {
        text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    }

    private static func openDescriptors() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // ".", ".." and the descriptor of this very listing.
        return max(0, count - 3)
    }
}
