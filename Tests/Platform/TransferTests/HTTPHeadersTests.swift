import Testing
import Transfer

@Suite("HTTP headers")
struct HTTPHeadersTests {
    @Test("names are found whatever their case, values keep their order")
    func lookup() {
        var headers: HTTPHeaders = ["Set-Cookie": "a", "X": "1", "set-cookie": "b"]
        #expect(headers["SET-COOKIE"] == "a")
        #expect(headers.values(for: "set-Cookie") == ["a", "b"])
        headers.add("x", "2")
        #expect(headers.values(for: "X") == ["1", "2"])
        headers.set("X", "3")
        #expect(headers.fields.map(\.name) == ["Set-Cookie", "X", "set-cookie"])
        headers["SET-cookie"] = nil
        #expect(headers.fields.map(\.value) == ["3"])
        #expect(headers["[x"] == nil)
    }

    @Test("a description names no value")
    func description() {
        let request = HTTPRequest(
            .get, "https://host:8443/path?signature=secret", headers: ["Authorization": "Bearer secret"], body: .text("secret"))
        #expect("\(request)" == "GET host:8443")
        #expect("\(request.headers)" == "[Authorization]")
        #expect(!"\(HTTPProxy(url: "http://proxy:1/", user: "u", password: "secret"))".contains("secret"))
        #expect(!"\([ClientCertificate(certificate: "c", key: "k", password: "secret")])".contains("secret"))
    }
}
