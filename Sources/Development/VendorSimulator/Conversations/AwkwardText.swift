/// The text that awkward records carry, placed before the record's closing brace.
enum AwkwardText {
    /// The bytes to add for `kind`; empty for those that change the record's own fields instead.
    static func extra(_ kind: AwkwardContent) -> StaticString {
        switch kind {
        case .numbers:
            #"""
            ,"simulatedNumbers":[1e400,-1E-400,0.1000,12345678901234567890,-0.0,-0,100e-2,1.0,0.30000000000000004,1E+2,9007199254740993],"simulatedScore":{"value":123456789012345678901234567890.123456789012345678901234567890}
            """#
        case .escapes:
            #"""
            ,"simulatedEscapes":"\u0000\u001F\u007f\u0041 \ud83d\ude00 \uD83D\uDE00 \/ \\ \" \b\f\n\r\t ]}{[,: \\\" \\\\","simulated\u004bey\/\"{[":"\"}],\"totalHits\":0,\"conversations\":[{"
            """#
        case .unicode:
            ",\"simulatedUnicode\":\"Zażółć gęślą jaźń · Đặng · 東京 · ผู้ใช้ · 👩‍👩‍👧 · \u{202E}abc\u{202C} · \u{2028}\u{2029} · \u{FEFF} · e\u{301}\",\"ключ\":\"é\""
        case .unknownFields:
            #"""
            ,"conversations":[{"conversationId":"00000000-0000-4000-8000-000000000000"}],"totalHits":-1,"cursor":null,"simulatedFuture":{"":{},"a":[[],[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{"b":[true,false,null]}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],{}],"c":{"conversations":[]}}
            """#
        case .whitespace:
            " \t,  \"simulatedSpaces\"\t:  [ 1 ,\t2 , { } , [ ] , \"a  b\" ]  ,\"simulatedMore\" : { \"a\" : { \"b\" : null } } \t "
        case .newlines:
            "\r\n  ,\"simulatedLines\": {\n    \"a\": [\n      1,\r      2\n    ]\n  }\n"
        case .loneSurrogates:
            #"""
            ,"simulatedSurrogates":"\ud800 \udc00\ud800 \uDFFF"
            """#
        case .unknownEnums, .wholeSeconds, .missingFields, .keyOrder:
            ""
        }
    }

    /// Appends the field that makes a record very large: text with escapes, brackets and multi-byte characters in it.
    static func appendHuge(bytes: Int, to record: inout RecordBytes) {
        record.append(",\"simulatedTranscript\":[\"")
        var remaining = bytes
        var line = 0
        while remaining > 0 {
            if line > 0 { record.append("\",\"") }
            record.append(number: Int64(line))
            record.append(
                #": the caller says \"it's {not} [working]\", again; \u00e9\ud83d\ude00 C:\\temp\\ "#)
            for _ in 0..<40 {
                record.append("ąćęłńóśźż 0123456789 abcdefghijklmnopqrstuvwxyz, ]} ")
            }
            line += 1
            remaining -= 2_500
        }
        record.append("\"]")
    }
}
