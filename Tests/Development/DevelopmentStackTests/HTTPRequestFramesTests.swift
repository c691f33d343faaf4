import Rehearsal
import Testing

@testable import DevelopmentStack

@Suite("Frames of HTTP requests")
struct HTTPRequestFramesTests {
    private static let requests =
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\n" + "PUT /b HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello"
        + "POST /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + "DELETE /d HTTP/1.1\r\n\r\n"

    @Test("requests are told apart and no byte is lost, wherever the bytes are cut", arguments: 1...40)
    func anyCut(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var frames = HTTPRequestFrames()
        var rest = Array(Self.requests.utf8)[...]
        var methods: [String] = []
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            let part = rest.prefix(random.number(in: 1...30))
            rest = rest.dropFirst(part.count)
            for piece in frames.feed(Array(part)) {
                switch piece {
                case .head(let method, let head):
                    methods.append(method)
                    bytes += head
                case .body(let body): bytes += body
                }
            }
        }
        #expect(methods == ["GET", "PUT", "POST", "DELETE"])
        #expect(bytes == Array(Self.requests.utf8))
        #expect(frames.isBetweenRequests)
    }

    @Test("a body whose end can't be told, and a head without an end, pass as they are")
    func endless() {
        var chunked = HTTPRequestFrames()
        let head = "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(chunked.feed(Array((head + "5\r\nhello").utf8)).count == 2)
        #expect(chunked.feed(Array("GET / HTTP/1.1\r\n\r\n".utf8)) == [.body(Array("GET / HTTP/1.1\r\n\r\n".utf8))])

        var strange = HTTPRequestFrames()
        let noise = [UInt8](repeating: 65, count: 100_000)
        let passed = strange.feed(noise).reduce(0) { count, piece in
            switch piece {
            case .head(_, let bytes), .body(let bytes): count + bytes.count
            }
        }
        #expect(passed == noise.count)
    }
}
