import Contracts
import Foundation
import Testing

@testable import Monitor

@Suite("Status page")
struct StatusPageTests {
    @Test(
        "nothing that a message says becomes markup",
        arguments: ["<script>alert(1)</script>", "<\u{338}img src=x onerror=alert(1)>", "\"><svg onload='x'>", "&lt;b&gt;"])
    func escapes(_ hostile: String) {
        var board = DayBoard()
        var job = History().job("a")
        job.source = hostile
        job.dataset = hostile
        job.day = hostile
        let failure = JobEvent.Failure(reason: hostile, message: hostile, advice: hostile)
        _ = board.apply(JobEvent(.failed, of: job, at: History.start, worker: hostile, failure: failure), now: History.start)
        let alert = Alert(
            key: hostile, state: .firing, severity: .critical, summary: hostile, advice: hostile, since: History.start,
            at: History.start)
        let harmless = StatusPage.html(DayBoard().rows(now: History.start), [])
        let page = StatusPage.html(board.rows(now: History.start), [alert])
        #expect(!page.unicodeScalars.elementsEqual(harmless.unicodeScalars))
        #expect(!page.contains(hostile))
        for markup in ["<script", "<svg", "<img", "<\u{338}", "onload='", "<b>"] {
            #expect(!page.utf8.contains(markup), "\(markup)")
        }
        #expect(page.contains(StatusPage.escape(hostile)))
    }

    @Test("what is harmless is shown as it is")
    func shows() {
        #expect(StatusPage.escape("a ünïcode 😀 text; 100 %") == "a ünïcode 😀 text; 100 %")
        #expect(StatusPage.escape("<&>\"'") == "&lt;&amp;&gt;&quot;&#39;")
    }
}

extension String.UTF8View {
    /// Whether these bytes are among them; texts would compare whole characters.
    fileprivate func contains(_ text: String) -> Bool {
        let (all, part) = (Array(self), Array(text.utf8))
        return all.indices.contains { all[$0...].starts(with: part) }
    }
}
