/// Where requests begin and end in what a client sends on one connection. Pure.
struct HTTPRequestFrames {
    /// What to do with bytes of the client.
    enum Piece: Equatable {
        /// A request's head, whole.
        case head(method: String, bytes: [UInt8])
        /// More of the request whose head came last.
        case body([UInt8])
    }

    private enum State {
        case head
        case body(left: Int)
        /// The end can't be told: all that follows belongs to this request.
        case endless
    }

    private var state = State.head
    private var head: [UInt8] = []

    /// The largest head; a client that sends more isn't one of HTTP/1.
    private static let maximumHead = 64 << 10

    /// Whether the next byte begins a request.
    var isBetweenRequests: Bool { if case .head = state { head.isEmpty } else { false } }

    /// Takes bytes in and says what they are.
    mutating func feed(_ bytes: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            switch state {
            case .endless:
                pieces.append(.body(Array(rest)))
                return pieces
            case .body(let left):
                let part = rest.prefix(left)
                pieces.append(.body(Array(part)))
                rest = rest.dropFirst(part.count)
                state = part.count == left ? .head : .body(left: left - part.count)
            case .head:
                let taken = takeHead(&rest)
                guard taken || head.count > Self.maximumHead else { continue }
                let text = String(decoding: head, as: UTF8.self)
                pieces.append(.head(method: String(text.prefix { $0 != " " }), bytes: head))
                state = taken ? Self.state(after: text) : .endless
                head = []
            }
        }
        return pieces
    }

    /// Moves bytes to the head; true when it is whole.
    private mutating func takeHead(_ rest: inout ArraySlice<UInt8>) -> Bool {
        while let byte = rest.popFirst() {
            head.append(byte)
            if byte == 10, head.suffix(4).elementsEqual([13, 10, 13, 10]) { return true }
            if head.count > Self.maximumHead { return false }
        }
        return false
    }

    private static func state(after head: String) -> State {
        var length = 0
        for line in head.split(whereSeparator: \.isNewline).dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { continue }
            let value = pair[1].filter { $0 != " " }
            switch pair[0].lowercased() {
            case "content-length": length = max(0, Int(value) ?? 0)
            case "transfer-encoding", "upgrade": return .endless
            default: break
            }
        }
        return length > 0 ? .body(left: length) : .head
    }
}
