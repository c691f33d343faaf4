import Foundation
import Records
import TestSupport
import Testing

@testable import GenesysCloud

@Suite("Listings are read to their end")
struct ListingWalkTests {
    /// A vendor with so many rows and these habits.
    private struct Vendor {
        var rows: Int
        /// Larger pages are answered smaller.
        var largestPage = 100
        var hasURIs = true
        /// What it says of its totals; nil for nothing.
        var total: (Int) -> Int? = { $0 }
        var pageCount: (Int) -> Int? = { $0 }
        /// Changes a `nextUri`.
        var uri: (String, Int) -> String = { text, _ in text }
        /// Answers the last page for any page behind it.
        var clampsPages = false
        var keepsParameters = true
        /// Pages whose rows were filtered out after the pages had been made.
        var emptied: Set<Int> = []

        func answer(_ path: String) -> String {
            let parts = path.split(separator: "?", maxSplits: 1)
            var values: [String: String] = [:]
            for field in parts.count > 1 ? parts[1].split(separator: "&") : [] {
                let pair = field.split(separator: "=", maxSplits: 1)
                values[String(pair[0])] = pair.count > 1 ? String(pair[1]) : ""
            }
            let size = min(values["pageSize"].flatMap(Int.init) ?? 25, largestPage)
            let pages = (rows + size - 1) / size
            var page = values["pageNumber"].flatMap(Int.init) ?? 1
            if clampsPages { page = max(1, min(page, pages)) }
            let first = min((page - 1) * size, rows)
            let entities = (first..<(emptied.contains(page) ? first : min(first + size, rows))).map { #"{"id":"r\#($0)"}"# }
            var text = #"{"entities":[\#(entities.joined(separator: ","))],"pageSize":\#(size),"pageNumber":\#(page)"#
            if let total = total(rows) { text += #","total":\#(total)"# }
            if let count = pageCount(pages) { text += #","pageCount":\#(count)"# }
            if hasURIs {
                let kept = keepsParameters ? "&state=any" : ""
                text += #","selfUri":"/api/v2/things?pageNumber=\#(page)""#
                if page < pages {
                    let next = "/api/v2/things?pageSize=\(size)&pageNumber=\(page + 1)\(kept)"
                    text += #","nextUri":"\#(uri(next, page))""#
                }
            }
            return text + "}"
        }

        /// Walks; the ids in the order in which they came, and the figures.
        func walk(_ query: ListingQuery) throws -> (ids: [String], figures: ListingFigures, paths: [String]) {
            var walk = ListingWalk(query)
            var path: String? = query.firstPath
            var ids: [String] = []
            var paths: [String] = []
            while let current = path {
                paths.append(current)
                guard paths.count < 1000 else { throw Endless() }
                var splitter = RecordSplitter(arrayKey: "entities")
                var page: [String] = []
                var content: UInt64 = 0
                try splitter.feed(Array(answer(current).utf8)) { record in
                    page.append(record.string(of: "id") ?? "")
                    content = content &* 31 &+ record.contentHash
                }
                let before = walk.figures.repeatedPages
                path = walk.next(after: ListingWalk.Answer(envelope: try splitter.finish(), content: content))
                if walk.figures.repeatedPages == before { ids += page }
            }
            return (ids, walk.figures, paths)
        }
    }

    private struct Endless: Error {}

    private func query(_ paging: ListingQuery.Paging = .pages, size: Int = 10) -> ListingQuery {
        ListingQuery("things", path: "/api/v2/things", parameters: [.init("state", "any")], pageSize: size, paging: paging)
    }

    private func expectAll(_ vendor: Vendor, _ query: ListingQuery) throws {
        let walked = try vendor.walk(query)
        #expect(walked.ids == (0..<vendor.rows).map { "r\($0)" }, "\(vendor.rows) rows: \(walked.paths)")
        #expect(walked.figures.records == vendor.rows)
    }

    @Test("whatever total and page count say, and however small the vendor makes its pages", arguments: 0..<60)
    func wrongTotals(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var vendor = Vendor(rows: Int.random(in: 0...75, using: &random))
        vendor.largestPage = Int.random(in: 1...15, using: &random)
        let wrong = Int.random(in: 0...100, using: &random)
        vendor.total = { _ in wrong }
        // A page count that is too small ends only listings without addresses, where nothing else says more.
        vendor.pageCount = { [$0, wrong, 1, nil][wrong % 4] }
        try expectAll(vendor, query(.uris))
        try expectAll(vendor, query(.pages))
    }

    @Test("without addresses by the page count, and without one while pages are full", arguments: [0, 1, 9, 10, 11, 20, 57])
    func withoutURIs(_ rows: Int) throws {
        var vendor = Vendor(rows: rows, largestPage: 7, hasURIs: false)
        try expectAll(vendor, query())
        vendor.pageCount = { _ in nil }
        try expectAll(vendor, query())
        vendor.clampsPages = true
        try expectAll(vendor, query())
    }

    @Test("a page count that promises more than there is costs one call, and none where addresses alone count")
    func promises() throws {
        var vendor = Vendor(rows: 25)
        vendor.pageCount = { $0 + 5 }
        #expect(try vendor.walk(query(.pages)).paths.count == 4)
        #expect(try vendor.walk(query(.uris)).paths.count == 3)
        vendor.clampsPages = true
        let clamped = try vendor.walk(query(.pages))
        #expect(clamped.ids.count == 25 && clamped.figures.repeatedPages == 1)
    }

    @Test("pages that are empty before the last are passed where addresses lead on, up to ten in a row")
    func emptyPages() throws {
        var vendor = Vendor(rows: 200)
        vendor.emptied = [1, 4, 5, 20]
        let walked = try vendor.walk(query(.uris))
        #expect(walked.ids.count == 160 && walked.ids.last == "r189" && walked.paths.count == 20)
        vendor.emptied = Set(3...12)
        #expect(try vendor.walk(query(.uris)).ids.count == 100)
        vendor.emptied = Set(3...13)
        let lost = try vendor.walk(query(.uris))
        #expect(lost.ids.count == 20 && lost.figures.strayURIs == 1, "told, because more was named")
    }

    @Test(
        "an address that can't be followed, stands still or goes back is replaced by counting",
        arguments: [
            "https://evil.example/x", "/api/v1/things", "//evil.example/api/v2/things", "/api/v2/../oauth/token", "javascript:x",
            "/api/v2/%2e%2e/things", "/api/v2/things?pageSize=10&pageNumber=1", "/api/v2/th ings", "/api/v2/",
        ])
    func strayURIs(_ address: String) throws {
        var vendor = Vendor(rows: 47)
        vendor.uri = { text, page in page == 2 ? address : text }
        let walked = try vendor.walk(query(.uris))
        #expect(Set(walked.ids) == Set((0..<47).map { "r\($0)" }), "\(walked.paths)")
        #expect(walked.figures.strayURIs >= 1)
        #expect(walked.paths.allSatisfy { $0.hasPrefix("/api/v2/things?") })
        vendor.uri = { _, _ in address }
        #expect(Set(try vendor.walk(query(.uris)).ids).count == 47)
    }

    @Test("an address with a host is followed at the configured one, and keeps what the first page asked for")
    func absolute() throws {
        var vendor = Vendor(rows: 30)
        vendor.uri = { text, _ in "https://api.somewhere.example\(text)" }
        vendor.keepsParameters = false
        let walked = try vendor.walk(query())
        #expect(walked.ids.count == 30 && walked.paths.allSatisfy { $0.hasPrefix("/api/v2/things?") && $0.contains("state=any") })
    }

    @Test("cursors are followed in an address, at the top or nested, until none comes or one comes again")
    func cursors() throws {
        let query = ListingQuery("teams", path: "/api/v2/teams", pageSize: 2, paging: .cursor("after"))
        let answers = [
            query.firstPath: #"{"entities":[{"id":"1"}],"nextUri":"/api/v2/teams?after=a%2B1&pageSize=2"}"#,
            "/api/v2/teams?after=a%2B1&pageSize=2": #"{"entities":[],"cursors":{"after":"b+2="}}"#,
            "/api/v2/teams?pageSize=2&after=b%2B2%3D": #"{"entities":[{"id":"2"}],"after":"c"}"#,
            "/api/v2/teams?pageSize=2&after=c": #"{"entities":[{"id":"3"}],"cursor":"c"}"#,
        ]
        var walk = ListingWalk(query)
        var path: String? = query.firstPath
        var count = 0
        while let current = path {
            var splitter = RecordSplitter(arrayKey: "entities")
            let answer = try #require(answers[current], "\(current)")
            try splitter.feed(Array(answer.utf8)) { _ in count += 1 }
            path = walk.next(after: ListingWalk.Answer(envelope: try splitter.finish(), content: UInt64(walk.figures.pages)))
        }
        #expect(count == 3 && walk.figures.pages == 4 && walk.figures.strayURIs == 1)
    }

    @Test("a listing that is one answer is read on when the answer says that more follows")
    func singleWithNext() throws {
        let query = ListingQuery("definitions", path: "/api/v2/presence/definitions", paging: .single)
        let next = "/api/v2/presence/definitions?page=2"
        let answers = [
            query.firstPath: #"{"entities":[{"id":"1"}],"nextUri":"\#(next)"}"#,
            next: #"{"entities":[{"id":"2"}],"nextUri":"\#(next)"}"#,
        ]
        var walk = ListingWalk(query)
        var path: String? = query.firstPath
        var count = 0
        while let current = path {
            var splitter = RecordSplitter(arrayKey: "entities")
            let answer = try #require(answers[current], "\(current)")
            try splitter.feed(Array(answer.utf8)) { _ in count += 1 }
            path = walk.next(after: ListingWalk.Answer(envelope: try splitter.finish(), content: UInt64(walk.figures.pages)))
        }
        #expect(count == 2 && walk.figures.pages == 2 && walk.figures.strayURIs == 1)
    }

    @Test("values are encoded, and a single answer is asked for without paging")
    func paths() throws {
        let day = try #require(QueryInterval(startMilliseconds: 0, endMilliseconds: 86_400_000))
        let role = Quality.roles(named: "Quality Évaluator & Co")
        #expect(role.firstPath.contains("name=Quality%20%C3%89valuator%20%26%20Co&userCount=false&pageSize=100&pageNumber=1"))
        #expect(
            ListingQuery("x", path: "/api/v2/presence/definitions", paging: .single).firstPath == "/api/v2/presence/definitions")
        let query = EvaluationsQuery(
            evaluator: "u1", interval: day, pageSize: 500)
        #expect(query.pageSize == 100 && query.listing.firstPath.contains("startTime=1970-01-01T00%3A00%3A00.000Z"))
        #expect(query.listing.firstPath.contains("expandAnswerTotalScores=true&includeDeletedUsers=true"))
    }

    @Test("what an evaluation is to be expanded by is a repeated parameter, as the definition of the API has lists")
    func expansion() async throws {
        let stub = VendorStub(api: [.page(#"{"id":"e1"}"#)])
        try await stub.run { base in
            let bytes = try await Caller(base).client.evaluation(id: "e1", conversation: "c1", expand: ["agent", "evaluator"])
            #expect(String(decoding: bytes, as: UTF8.self) == #"{"id":"e1"}"#)
            #expect(
                stub.calls.map(\.target) == ["/api/v2/quality/conversations/c1/evaluations/e1?expand=agent&expand=evaluator"])
        }
    }
}
