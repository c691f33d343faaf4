/// A word of a command that people copy into a shell.
public enum ShellWord {
    /// The word as it is where that is safe, otherwise in single quotes.
    public static func quoted(_ word: String) -> String {
        let isSafe =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || "-_./:,@+=".utf8.contains(byte)
            }
        return isSafe ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
