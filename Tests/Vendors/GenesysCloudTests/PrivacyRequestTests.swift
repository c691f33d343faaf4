import Records
import Testing

@testable import GenesysCloud

@Suite("What is told of a privacy request")
struct PrivacyRequestTests {
    private func read(_ text: String) -> PrivacyRequest? {
        Array(text.utf8).withUnsafeBytes { PrivacyRequest(RawRecord(bytes: $0)) }
    }

    @Test(
        "its own id, whatever the vendor makes ids of, but nothing that could be a number or an address",
        arguments: [
            ("gdpr-request-1", true), ("a", true), ("c0ffee00-1111-4222-8333-444455556666", true), ("", false),
            ("639170000001", false), ("+639170000001", false), ("ana@example.com", false), ("a/../b", false), ("a b", false),
        ])
    func identifier(_ id: String, _ isTold: Bool) {
        #expect((read(#"{"id":"\#(id)"}"#)?.id == id) == isTold)
    }

    @Test(
        "of its subject ids that can be nothing else",
        arguments: [
            ("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", true), ("c0ffee00-1111-4222-8333-444455556666", true), ("Ana-Abad", false),
            ("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeeg", false), ("639170000001", false),
        ])
    func subject(_ id: String, _ isTold: Bool) {
        let request = read(#"{"id":"request-1","subject":{"userId":"\#(id)"}}"#)
        #expect(request?.subjectIDs == (isTold ? ["userId": id] : [:]))
    }
}
