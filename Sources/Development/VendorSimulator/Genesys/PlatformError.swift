import NIOCore

/// Makes the vendor's error bodies.
enum PlatformError {
    /// The body that the API host answers with.
    static func body(
        status: Int, code: String, message: String, contextID: String, field: String? = nil,
        limit: (key: String, value: Int)? = nil
    ) -> ByteBuffer {
        var details = "[]"
        if let field { details = #"[{"errorCode":"invalid","fieldName":"# + JSONText.quoted(field) + "}]" }
        var text = #"{"message":\#(JSONText.quoted(message)),"code":"\#(code)","status":\#(status),"messageParams":{},"#
        text += #""contextId":"\#(contextID)","details":\#(details),"errors":[]"#
        if let limit { text += #","limit":{"key":"\#(limit.key)","namespace":"platform.api","value":\#(limit.value)}"# }
        return ByteBuffer(string: text + "}")
    }

    /// The body that the login host answers with, which is not the platform's.
    static func login(error: String, description: String) -> ByteBuffer {
        let quoted = JSONText.quoted(description)
        return ByteBuffer(string: #"{"error":"\#(error)","description":\#(quoted),"error_description":\#(quoted)}"#)
    }
}

/// Writes JSON by hand, for bodies of a few known fields.
enum JSONText {
    /// A JSON string literal.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
