import Testing

@testable import ObjectStorage

@Suite("XML reader")
struct XMLReaderTests {
    private func refusal(_ text: String) -> String? {
        do throws(XMLReader.Refusal) {
            _ = try XMLReader.read(Array(text.utf8))
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("elements, attributes, entities, CDATA, comments and empty elements are read")
    func read() throws {
        let text = """
            \u{feff}<?xml version="1.0" encoding="UTF-8"?>
            <!-- a > comment -->
            <List xmlns="http://s3.amazonaws.com/doc/" a='>"' >
              <Key>a &amp; b &lt;&gt;&quot;&apos; &#65;&#x42;&#x1F600; ü</Key><Empty/><Empty ></Empty>
              <Key><![CDATA[<raw>&amp;]]>tail<!-- - --></Key>
            </List>
            """
        let root = try XMLReader.read(Array(text.utf8))
        #expect(root.name == "List")
        #expect(root.all("Key").map(\.text) == ["a & b <>\"' AB😀 ü", "<raw>&amp;tail"])
        #expect(root.all("Empty").map(\.text) == ["", ""])
        #expect(root["None"] == nil)
    }

    @Test(
        "anything that isn't a whole, plain document is refused",
        arguments: [
            "", " ", "text", "<a>", "<a></b>", "<a/><b/>", "<a></a>x", "<a b></a>", "<a b=c/>", "<a b='c></a>",
            "<a>&unknown;</a>", "<a>&#xD800;</a>",
            "<a>&#99999999999;</a>", "<a>&amp</a>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a><![CDATA[x</a>",
            "<a><!-- x</a>", "<?xml", "< a/>", "<a", "</a>", "<a><b></a></b>",
        ])
    func refused(text: String) { #expect(refusal(text) != nil) }

    @Test("depth, length and size are bounded")
    func bounds() {
        #expect(refusal(String(repeating: "<a>", count: 16) + String(repeating: "</a>", count: 16)) == nil)
        #expect(refusal(String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17)) != nil)
        #expect(refusal("<a>" + String(repeating: "<b/>", count: 100_001) + "</a>") != nil)
        #expect(refusal("<a>" + String(repeating: " ", count: 8 << 20) + "</a>") != nil)
    }

    @Test("text that isn't UTF-8 is refused")
    func encoding() {
        #expect(throws: XMLReader.Refusal.self) { try XMLReader.read(Array("<a>".utf8) + [0xff, 0xfe] + Array("</a>".utf8)) }
    }

    @Test("no prefix of a document, and no document with a byte changed, is more than refused")
    func robust() {
        let document = Array("<?xml version='1.0'?><L a=\"b\"><K>x&amp;y</K><!-- c --><E/><![CDATA[z]]></L>".utf8)
        for count in 0..<document.count { _ = try? XMLReader.read(Array(document.prefix(count))) }
        for index in document.indices {
            for byte: UInt8 in [0, 0x20, 0x26, 0x3c, 0x3e, 0x2f, 0x3b, 0xff] {
                var changed = document
                changed[index] = byte
                _ = try? XMLReader.read(changed)
            }
        }
    }
}
