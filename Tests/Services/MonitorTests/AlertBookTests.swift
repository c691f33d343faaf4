import Contracts
import Foundation
import Testing

@testable import Monitor

@Suite("Book of alerts")
struct AlertBookTests {
    private func alert(_ key: String = "k", _ summary: String = "it is so", at: Int = 0) -> Alert {
        Alert(key: key, state: .firing, severity: .warning, summary: summary, since: History.at(at), at: History.at(at))
    }

    @Test("the same trouble is told once; other words are told again, since when it is stays")
    func once() {
        var book = AlertBook()
        #expect(book.fire(alert())?.state == .firing)
        #expect(book.fire(alert(at: 5)) == nil)
        let changed = book.fire(alert("k", "it is worse", at: 9))
        #expect(changed?.since == History.at(0) && changed?.at == History.at(9))
        #expect(book.fire(alert("other"))?.key == "other")
        #expect(book.firing.count == 2)
    }

    @Test("the end is told once, and only of what was firing; afterwards it may fire again")
    func resolves() {
        var book = AlertBook()
        #expect(book.resolve("k", at: History.at(1)) == nil)
        _ = book.fire(alert())
        let resolved = book.resolve("k", at: History.at(7))
        #expect(resolved?.state == .resolved && resolved?.at == History.at(7) && resolved?.since == History.at(0))
        #expect(book.resolve("k", at: History.at(8)) == nil)
        #expect(book.fire(alert(at: 9))?.since == History.at(9))
    }

    @Test("what the topic says is taken over without being told")
    func restores() {
        var book = AlertBook()
        book.restore(alert())
        #expect(book.fire(alert(at: 3)) == nil)
        var over = alert()
        over.state = .resolved
        book.restore(over)
        #expect(book.firing.isEmpty && book.resolve("k", at: History.at(4)) == nil)
    }

    @Test("what others tell is shown while it fires, and never mixed with what the monitor tells")
    func others() {
        var book = AlertBook()
        var circuit = alert("circuit/conversation")
        book.note(circuit, key: circuit.key)
        book.note(alert("day-failed/a/b/2026-03-01"), key: "day-failed/a/b/2026-03-01")
        #expect(book.others.keys.sorted() == ["circuit/conversation"] && book.firing.isEmpty)
        circuit.state = .resolved
        book.note(circuit, key: circuit.key)
        #expect(book.others.isEmpty)
        book.note(alert("x"), key: "x")
        book.note(nil, key: "x")
        #expect(book.others.isEmpty)
        for number in 0..<5000 { book.note(alert("x\(number)"), key: "x\(number)") }
        #expect(book.others.count == 1000)
    }
}
