public import Contracts
public import Service

extension TopicNames {
    /// Reads `topics.prefix`, which is empty by default.
    public init(_ settings: Settings) {
        let settings = settings.scoped("topics")
        let prefix = settings.optionalString("prefix") ?? ""
        self.init(prefix: prefix)
        let isAllowed =
            prefix.utf8.count <= 100
            && prefix.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
        if !isAllowed { settings.reject("prefix", given: prefix, allowed: "letters, digits, '.', '-' and '_', at most 100") }
    }
}
