import ObjectStorage
import Testing

@Suite("Object keys")
struct ObjectKeyTests {
    @Test(
        "keys that could mean something else than a path below a root are refused",
        arguments: [
            "", "/", "/a", "a/", "a//b", ".", "..", "...", "a/../b", "a/./b", "../a", "a/..", "a\0b", "a\nb", "a\u{7f}",
            "a\u{85}b", "a\\b",
            ".tmp-x", "a/.tmp-1/b", String(repeating: "x", count: 901), String(repeating: "é", count: 451), "/\u{301}a",
            "a/\u{301}/../b",
        ])
    func refused(text: String) {
        do throws(ObjectStorageError) {
            _ = try ObjectKey(text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.kind == .invalidKey)
            #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
    }

    @Test(
        "everything else is a key",
        arguments: [
            "a", "a/b", ".a", "..a", "a..", "a/.b./c", " ", "a b", "日本", "a%2Fb", "~", "x.tmp-",
            String(repeating: "x", count: 900),
        ])
    func accepted(text: String) throws {
        #expect(try ObjectKey(text).text == text)
    }

    @Test("segments can't hold separators")
    func segments() throws {
        #expect(try ObjectKey(segments: ["a", "b c"]).text == "a/b c")
        #expect(throws: ObjectStorageError.self) { try ObjectKey(segments: ["a", "b/c"]) }
        #expect(throws: ObjectStorageError.self) { try ObjectKey(segments: ["a", ".."]) }
        #expect(throws: ObjectStorageError.self) { try ObjectKey(segments: ["a", "", "b"]) }
    }

    @Test("keys sort by their bytes")
    func order() throws {
        let sorted = try ["a-b/c", "a/b", "a0", "e\u{301}", "z", "é"].map { try ObjectKey($0) }
        #expect(sorted.shuffled().sorted() == sorted)
    }
}
