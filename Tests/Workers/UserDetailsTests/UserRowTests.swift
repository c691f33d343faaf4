import Contracts
import Foundation
import Records
import TestSupport
import Testing

@testable import UserDetails

@Suite("Rows of a user")
struct UserRowTests {
    private func read(_ text: String) throws -> (rows: [UserRow], rest: UserRow.Rest) {
        var rows: [UserRow] = []
        let rest = try Array(text.utf8).withUnsafeBytes { bytes in
            try UserRow.read(RawRecord(bytes: bytes)) { rows.append($0) }
        }
        return (rows, rest)
    }

    private func text(_ row: UserRow) -> String { String(decoding: row.line, as: UTF8.self) }

    @Test("presence and routing status that begin at the same moment are two rows")
    func noCollision() throws {
        let record = #"{"startTime":"2026-03-01T16:00:00.000Z"}"#
        let (rows, rest) = try read(#"{"userId":"u","primaryPresence":[\#(record)],"routingStatus":[\#(record)]}"#)
        #expect(rows.count == 2 && rows[0].key != rows[1].key && rows[0].key?.identity != rows[1].key?.identity)
        #expect(rows.allSatisfy(\.isOpen) && rest == UserRow.Rest())
        #expect(text(rows[0]) == #"{"userId":"u","kind":"primaryPresence","record":\#(record)}"#)
    }

    @Test("a record's bytes are the vendor's, whatever is in it")
    func exactBytes() throws {
        let record =
            #"{ "n":1e400,"x":"\u0000\/é" , "startTime":"2026-03-01T16:00:00Z","endTime":"2026-03-01T17:00:00+0000","s":[{}]}"#
        let (rows, _) = try read(#"{"routingStatus":[ \#(record) , \#(record)],"userId":"u\u0031"}"#)
        #expect(rows.count == 2 && rows[0].key == RowKey(user: "u1", kind: "routingStatus", start: 1_772_380_800_000))
        #expect(!rows[0].isOpen)
        #expect(text(rows[0]) == #"{"userId":"u\u0031","kind":"routingStatus","record":\#(record)}"#)
        #expect(UserRow(line: rows[0].line)?.key == rows[0].key)
    }

    @Test("the same moment with and without milliseconds, or with an offset, is the same key")
    func spellings() throws {
        let times = ["2026-03-01T16:00:00Z", "2026-03-01T16:00:00.000Z", "2026-03-02T00:00:00.000+0800"]
        let keys = try times.map { try read(#"{"userId":"u","primaryPresence":[{"startTime":"\#($0)"}]}"#).rows[0].key }
        #expect(keys[0] != nil && Set(keys).count == 1)
    }

    @Test("missing arrays, null and fields that nobody knows are told; arrays that nobody knows are kept")
    func rest() throws {
        #expect(try read(#"{"userId":"u"}"#).rest.missingArrays == 2)
        #expect(try read(#"{"userId":"u","primaryPresence":null,"routingStatus":[]}"#).rest == UserRow.Rest(missingArrays: 1))
        let (rows, rest) = try read(#"{"userId":"u","mood":"fine","telepathy":[{"startTime":"2026-03-01T16:00:00Z"}]}"#)
        #expect(rows.compactMap { $0.key?.kind } == ["telepathy"] && rest.unknownFields == 1)
    }

    @Test("what a user has beside its records is a row of its own, every byte as it was sent")
    func userFields() throws {
        let (rows, rest) = try read(
            #"{ "teamId" : "t1","primaryPresence":[{"startTime":"2026-03-01T16:00:00Z"}],"userId":"u", "new\u0054hing": {"n":1e400} ,"#
                + #""routingStatus":null,"none":null,"empty":[ ],"user":[7]}"#)
        #expect(rows.count == 2 && rest.unknownFields == 5)
        #expect(
            text(rows[1]) == #"{"userId":"u","kind":"user","record":{"teamId" : "t1","new\u0054hing": {"n":1e400},"none":null,"#
                + #""empty":[ ],"user":[7]}}"#)
        #expect(rows[1].key == nil && rows[1].isOfUser && !rows[1].isOpen)
        // Once a day: another version has the same identity, another user's hasn't.
        let later = try read(#"{"userId":"u","teamId":"t2"}"#).rows[0]
        let other = try read(#"{"userId":"v","teamId":"t2"}"#).rows[0]
        #expect(later.identity == rows[1].identity && other.identity != later.identity)
        #expect(UserRow(stored: later.line).identity == later.identity && UserRow(stored: later.line).isOfUser)
        #expect(
            try read(#"{"userId":"u","primaryPresence":{"odd":1}}"#).rows.map(text) == [
                #"{"userId":"u","kind":"user","record":{"primaryPresence":{"odd":1}}}"#
            ])
    }

    @Test(
        "elements of the list that are no users are kept as they are, without a key", arguments: ["null", #""x\n""#, "7", "[1]"])
    func noUsers(_ element: String) throws {
        let (rows, rest) = try read(element)
        #expect(rows.map(text) == [#"{"userId":null,"kind":"user","record":\#(element)}"#])
        #expect(rows[0].key == nil && !rows[0].isOfUser && rest == UserRow.Rest())
        #expect(UserRow(stored: rows[0].line).identity == rows[0].identity)
    }

    @Test("a row is one line as soon as it is read, so that it's the same when it comes back from the lake")
    func lineBreaks() throws {
        let (rows, _) = try read("{\"userId\":\"u\",\"primaryPresence\":[{\n\"startTime\":\r\n\"2026-03-01T16:00:00Z\"}]}")
        #expect(text(rows[0]) == #"{"userId":"u","kind":"primaryPresence","record":{ "startTime":  "2026-03-01T16:00:00Z"}}"#)
    }

    @Test("a row without a user or a start has no key, and keeps its bytes")
    func unidentified() throws {
        let (rows, _) = try read(#"{"primaryPresence":[{"startTime":"2026-03-01T16:00:00Z"}]}"#)
        #expect(rows[0].key == nil && text(rows[0]).hasPrefix(#"{"userId":null,"#))
        #expect(try read(#"{"userId":"u","primaryPresence":[{"startTime":"soon"},7]}"#).rows.map(\.key) == [nil, nil])
    }

    @Test("a day's state is read as it was written, and damage is no state")
    func state() throws {
        var state = DayState(job: SimulatedUsers.job(3, parameters: ["method": .string("job")]))
        state.open = [RowKey(user: "a", kind: "primaryPresence", start: 1), RowKey(user: "b\"", kind: "x", start: -5)]
        state.adopted = [RowKey(user: "a", kind: "routingStatus", start: 7)]
        state.isUnsettled = true
        let bytes = state.encoded()
        #expect(DayState(bytes) == state)
        for length in 0..<bytes.count - 1 { #expect(DayState(Array(bytes.prefix(length))) == nil) }
    }
}
