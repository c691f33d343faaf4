import Foundation
import Testing

@testable import Service

@Suite("Secrets")
struct SecretTests {
    @Test("a secret never shows itself")
    func redaction() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        let forms = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", dumped,
            "\(Optional(secret) as Any)",
        ]
        #expect(forms.allSatisfy { !$0.contains("hunter2") })
        #expect(secret.reveal() == "hunter2")
        #expect(secret == Secret("hunter2") && secret != Secret("hunter3") && secret != Secret("hunter22"))
    }

    @Test(
        "references are parsed strictly",
        arguments: [
            ("env:NAME", "env:NAME"), ("file:/run/secrets/x", "file:/run/secrets/x"), ("file:///run/x", "file:/run/x"),
            ("gcp-secret:projects/p/secrets/s/versions/latest", "gcp-secret:projects/p/secrets/s/versions/latest"),
        ])
    func references(text: String, expected: String) { #expect(SecretReference(text)?.description == expected) }

    @Test(
        "what is no reference",
        arguments: [
            "", "hunter2", "env:", "env:A B", "env:1A", "file:relative", "file:", "file:/", "ENV:NAME",
            "gcp-secret:projects/p/secrets/s",
            "gcp-secret:projects//secrets/s/versions/1", "vault:x",
        ])
    func noReferences(text: String) { #expect(SecretReference(text) == nil) }

    @Test("a file's one trailing newline is dropped, nothing else")
    func files() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let resolver = SecretResolver(environment: [:])
        for (content, expected) in [("a\n", "a"), ("a\n\n", "a\n"), (" a \r\n", " a "), ("a", "a")] {
            let path = directory.appending(path: "secret").path
            try Data(content.utf8).write(to: URL(filePath: path))
            #expect(try resolver.resolve(.file(path)).reveal() == expected)
        }
        let empty = directory.appending(path: "empty").path
        try Data("\n".utf8).write(to: URL(filePath: empty))
        #expect(throws: SecretError.self) { try resolver.resolve(.file(empty)) }
        #expect(throws: SecretError.self) { try resolver.resolve(.file(directory.appending(path: "none").path)) }
    }

    @Test("a secret written into the configuration is refused without being shown")
    func inlineSecret() throws {
        let settings = try Settings(yaml: "client-secret: hunter2\nother: [hunter2]\nthird: env:MISSING", environment: [:])
        _ = settings.secret("client-secret")
        _ = settings.secret("other")
        _ = settings.secret("third")
        _ = settings.secret("fourth")
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.problems.count == 4)
        #expect(error?.description.contains("hunter2") == false)
        #expect(
            error?.description.contains("third: env:MISSING is not allowed: the environment variable MISSING is not set") == true)
        #expect(!settings.effective.contains("hunter2"))
    }

    @Test("secrets are resolved while the configuration is read, and shown as references")
    func settingsSecret() throws {
        let settings = try Settings(yaml: "s: env:GENESYS_SECRET", environment: ["GENESYS_SECRET": "hunter2"])
        #expect(settings.secret("s") == Secret("hunter2"))
        try settings.finish()
        #expect(settings.effective == "s: env:GENESYS_SECRET\n")
    }

    @Test("secrets of Google Cloud are fetched by what the program injects, and said to be unavailable without")
    func googleCloud() async throws {
        let name = "projects/p/secrets/s/versions/1"
        let environment = ["SWITCHBOARD_A": "gcp-secret:\(name)"]
        let with = try await Settings.load(file: nil, environment: environment) { _ throws(SecretError) in Secret("fetched") }
        #expect(with.secret("a").reveal() == "fetched")
        let without = try await Settings.load(file: nil, environment: environment)
        _ = without.secret("a")
        let error = #expect(throws: SettingsError.self) { try without.finish() }
        #expect(error?.description.contains("not available in this program") == true)
    }
}
