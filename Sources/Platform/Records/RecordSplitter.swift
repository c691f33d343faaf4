/// Cuts a JSON document into the elements of one of its arrays while the document arrives.
///
/// The array is the value of a key at the document's top level, or the document itself. Each element is handed out as
/// exactly the bytes that were sent, when its last byte has arrived. A missing array or `null` is an empty page.
///
/// ```swift
/// var splitter = RecordSplitter(arrayKey: "conversations")
/// for try await chunk in response.body {
///     try splitter.feed(chunk) { record in NDJSON.append(record.bytes, to: &lines) }
/// }
/// let envelope = try splitter.finish()    // only now the document is known to be whole
/// ```
public struct RecordSplitter {
    private enum Phase { case start, envelope, record, failed(RecordError) }

    private let arrayKey: [UInt8]?
    private let limits: RecordLimits
    private var machine: JSONMachine
    private var phase = Phase.start
    private var byteOrderMark = 0

    /// The document without the records.
    private var envelope: [UInt8] = []
    /// Where the last key at the top level begins in the envelope, after its quote.
    private var keyStart = 0
    /// Whether the value that comes next is the array's.
    private var isArrayNext = false
    private var isInArray = false
    private var hasArrayKey = false
    /// The beginning of a record that has not ended in the chunk in which it began.
    private var carried: [UInt8] = []

    /// The bytes of the document so far.
    public private(set) var documentBytes = 0
    /// The records handed out so far.
    public private(set) var recordCount = 0

    /// Creates a splitter for one document.
    ///
    /// - Parameters:
    ///   - arrayKey: The key of the array at the top level; nil when the document itself is the array.
    ///   - limits: How large and deep the document may be.
    public init(arrayKey: String?, limits: RecordLimits = RecordLimits()) {
        self.arrayKey = arrayKey.map { Array($0.utf8) }
        self.limits = limits
        machine = JSONMachine(maximumDepth: limits.depth)
    }

    /// Consumes the next bytes of the document.
    ///
    /// - Parameters:
    ///   - chunk: The bytes; any number of them.
    ///   - body: Called for each record that is complete now, in order. The record's bytes are valid during the call only.
    /// - Throws: ``RecordError`` (the splitter is of no more use then), or what `body` throws.
    public mutating func feed(_ chunk: [UInt8], _ body: (RawRecord) throws -> Void) throws {
        try chunk.withUnsafeBytes { bytes in try feed(bytes, body) }
    }

    /// Consumes the next bytes of the document.
    ///
    /// - Parameters:
    ///   - chunk: The bytes; any number of them.
    ///   - body: Called for each record that is complete now, in order. The record's bytes are valid during the call only.
    /// - Throws: ``RecordError`` (the splitter is of no more use then), or what `body` throws.
    public mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (RawRecord) throws -> Void) throws {
        if case .failed(let error) = phase { throw error }
        guard let base = chunk.baseAddress else { return }
        do {
            try consume(base, chunk.count, body)
            documentBytes += chunk.count
        } catch let error as RecordError {
            let located = RecordError(error.kind, at: documentBytes + error.offset)
            phase = .failed(located)
            throw located
        }
    }

    /// Ends the document.
    ///
    /// - Returns: The document without its records.
    /// - Throws: ``RecordError`` when the document is not whole.
    public mutating func finish() throws(RecordError) -> Envelope {
        if case .failed(let error) = phase { throw error }
        if case .start = phase { throw RecordError(.truncated, at: documentBytes) }
        try machine.finish(at: documentBytes)
        return Envelope(
            bytes: envelope, recordCount: recordCount, documentBytes: documentBytes, hasArray: hasArrayKey || arrayKey == nil)
    }

    private mutating func consume(_ base: UnsafeRawPointer, _ end: Int, _ body: (RawRecord) throws -> Void) throws {
        var i = 0
        if case .start = phase { i = try skipByteOrderMark(base, end) }
        while i < end {
            if case .record = phase {
                let start = i
                let isComplete = try machine.run(base, &i, end, floor: arrayDepth)
                try collect(UnsafeRawBufferPointer(start: base + start, count: i - start), isComplete, at: i, body)
            } else {
                let byte = base.load(fromByteOffset: i, as: UInt8.self)
                if beginsRecord(byte) {
                    phase = .record
                } else {
                    try consumeEnvelope(base, i, byte)
                    i += 1
                }
            }
        }
    }

    private var arrayDepth: Int { arrayKey == nil ? 1 : 2 }

    private func beginsRecord(_ byte: UInt8) -> Bool {
        isInArray && machine.depth == arrayDepth && (machine.state == .value || machine.state == .valueOrEnd)
            && !JSONMachine.isWhiteSpace(byte) && byte != UInt8(ascii: "]")
    }

    private mutating func collect(
        _ part: UnsafeRawBufferPointer, _ isComplete: Bool, at offset: Int, _ body: (RawRecord) throws -> Void
    ) throws {
        guard carried.count + part.count <= limits.recordBytes else {
            throw RecordError(.recordTooLarge(limit: limits.recordBytes), at: offset)
        }
        guard isComplete else {
            carried.append(contentsOf: part)
            return
        }
        phase = .envelope
        recordCount += 1
        if carried.isEmpty {
            try body(RawRecord(bytes: part))
        } else {
            carried.append(contentsOf: part)
            defer { carried.removeAll(keepingCapacity: true) }
            try carried.withUnsafeBytes { bytes in try body(RawRecord(bytes: bytes)) }
        }
    }

    /// Consumes one byte outside of records. There are few of these, so this need not be fast.
    private mutating func consumeEnvelope(_ base: UnsafeRawPointer, _ i: Int, _ byte: UInt8) throws {
        let before = machine.state
        let isKeyBefore = machine.isKey
        var next = i
        while next == i { _ = try machine.run(base, &next, i + 1, floor: -1) }
        if machine.depth == 0 && machine.state != .done && machine.state != .value {
            throw RecordError(.unexpectedTopLevel, at: i)
        }

        // Between the records there are only commas and white space, which the envelope does without.
        if isInArray && machine.depth >= arrayDepth { return }
        guard envelope.count < limits.envelopeBytes else {
            throw RecordError(.envelopeTooLarge(limit: limits.envelopeBytes), at: i)
        }
        if isInArray && machine.depth < arrayDepth { isInArray = false }
        envelope.append(byte)

        switch (before, machine.state) {
        case (.value, .valueOrEnd) where machine.depth == arrayDepth && (isArrayNext || arrayKey == nil):
            isInArray = true
            isArrayNext = false
        case (.value, .keyOrEnd) where machine.depth == 1 && arrayKey == nil, (.value, .valueOrEnd) where machine.depth == 1:
            throw RecordError(.unexpectedTopLevel, at: i)
        case (.value, .string), (.value, .minus), (.value, .zero), (.value, .integer), (.value, .keyOrEnd), (.value, .literal):
            if isArrayNext && machine.depth <= 2 && byte != UInt8(ascii: "n") {
                throw RecordError(.notAnArray(key: arrayKeyText), at: i)
            }
            isArrayNext = false
        case (.key, .string), (.keyOrEnd, .string):
            if machine.depth == 1 { keyStart = envelope.count }
        case (.string, .colon) where isKeyBefore && machine.depth == 1:
            try endKey(at: i)
        default: break
        }
    }

    private mutating func endKey(at offset: Int) throws(RecordError) {
        guard let arrayKey else { return }
        let raw = envelope[keyStart..<(envelope.count - 1)]
        guard
            raw.elementsEqual(arrayKey)
                || (raw.contains(UInt8(ascii: "\\")) && JSONString.decode(raw).map { $0 == arrayKey } == true)
        else { return }
        if hasArrayKey { throw RecordError(.duplicateArray(key: arrayKeyText), at: offset) }
        hasArrayKey = true
        isArrayNext = true
    }

    private var arrayKeyText: String { String(decoding: arrayKey ?? [], as: UTF8.self) }

    /// Skips a UTF-8 byte order mark, which some gateways put before a document.
    private mutating func skipByteOrderMark(_ base: UnsafeRawPointer, _ end: Int) throws(RecordError) -> Int {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        var i = 0
        while i < end, byteOrderMark < 3, base.load(fromByteOffset: i, as: UInt8.self) == mark[byteOrderMark] {
            byteOrderMark += 1
            i += 1
        }
        if i == end && byteOrderMark < 3 { return i }
        guard byteOrderMark == 0 || byteOrderMark == 3 else { throw RecordError(.malformed("half a byte order mark"), at: i) }
        phase = .envelope
        return i
    }
}
