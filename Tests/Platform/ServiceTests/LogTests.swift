import Foundation
import Logging
import Synchronization
import Testing

@testable import Service

private final class MemorySink: LogSink {
    private let text = Mutex("")
    func write(_ line: [UInt8]) { text.withLock { $0 += String(decoding: line, as: UTF8.self) } }
    var written: String { text.withLock { $0 } }
}

@Suite("Logs")
struct LogTests {
    private func logged(_ format: LogFormat, level: Logger.Level = .info, _ body: (Logger) -> Void) -> String {
        let sink = MemorySink()
        let logger = Logger(label: "kafka") { label in
            LineLogHandler(
                label: label, format: format, line: LogLine(service: "worker", instance: "host-1"), sink: sink, logLevel: level)
        }
        body(logger)
        return sink.written
    }

    private func fields(_ line: String) throws -> [String: String] {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(object as? [String: String])
    }

    @Test("a JSON event is one line with the fixed fields and the metadata flattened")
    func json() throws {
        let line = logged(.json) {
            $0.warning(
                "partition paused", metadata: ["topic": "jobs", "at": ["offset": "7", "partition": "\(3)"], "ids": ["a", "b"]])
        }
        #expect(line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
        var fields = try self.fields(line)
        let time = try #require(fields["time"])
        fields["time"] = nil
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        #expect(
            fields == [
                "level": "warning", "logger": "kafka", "message": "partition paused", "service": "worker", "instance": "host-1",
                "topic": "jobs", "at.offset": "7", "at.partition": "3", "ids": "a,b",
            ])
    }

    @Test("nothing in an event can break the line or add fields", arguments: [LogFormat.json, .readable])
    func injection(format: LogFormat) throws {
        let evil = "a\nb\r\u{1b}[2J\u{0}\u{85}\u{2028}\"},{\"level\":\"x\\"
        let line = logged(format) { $0.info("\(evil)", metadata: ["\(evil)": "\(evil)", "level": "faked"]) }
        #expect(
            line.unicodeScalars.filter { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) || $0.value == 0x2028 }.count == 1)
        #expect(line.hasSuffix("\n"))
        if format == .json {
            let fields = try fields(line)
            #expect(fields["message"] == evil && fields[evil] == evil)
            #expect(fields["level"] == "info" && fields["metadata.level"] == "faked")
        }
    }

    @Test("a line is bounded, and still JSON, whatever is logged", arguments: [1, 200])
    func bounds(count: Int) throws {
        let huge = String(repeating: "ü\"", count: 50_000)
        let metadata = Dictionary(uniqueKeysWithValues: (0..<count).map { ("key\($0)", Logger.MetadataValue.string(huge)) })
        let line = logged(.json) { $0.info("\(huge)", metadata: metadata) }
        #expect(line.utf8.count <= LogLine.maximumBytes)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["truncated"] as? Bool == (count == 1 ? nil : true))
        #expect(logged(.readable) { $0.info("\(huge)", metadata: metadata) }.utf8.count <= LogLine.maximumBytes)
    }

    @Test("the level is kept")
    func level() {
        #expect(logged(.json, level: .warning) { $0.info("x") }.isEmpty)
        #expect(!logged(.json, level: .warning) { $0.error("x") }.isEmpty)
        #expect(Logs.resolved(.automatic, isTerminal: true) == .readable)
        #expect(Logs.resolved(.automatic, isTerminal: false) == .json)
    }

    @Test(
        "times print as RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_772_380_931_482, "2026-03-01T16:02:11.482Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ])
    func times(milliseconds: Int64, expected: String) {
        var bytes: [UInt8] = []
        UTCTime(millisecondsSinceEpoch: milliseconds).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("a reader that does not read costs lines, not the program; afterwards it's told how many")
    func stuckReader() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let sink = DescriptorLogSink(descriptor: ends[1], patience: 1)
        let line = Array((String(repeating: "x", count: 999) + "\n").utf8)
        // A pipe holds 64 KiB: far fewer than these.
        for _ in 0..<500 { sink.write(line) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var received = Array(buffer[..<read(ends[0], &buffer, buffer.count)])
        received = Array(buffer[..<received.count])
        let kept = received.filter { $0 == 10 }.count
        #expect(kept > 10 && kept < 500)
        sink.write(Array("after\n".utf8))
        let count = read(ends[0], &buffer, buffer.count)
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        #expect(text.hasSuffix("\(500 - kept) log lines were dropped: the reader was too slow\nafter\n"), "\(text)")
    }
}
