import Foundation
import Testing

/// The house's rule (imports run downward only), read from the sources themselves.
@Suite("Dependency rule")
struct DependencyRuleTests {
    @Test("Interop imports nothing of ours, Platform only Interop and itself")
    func platform() throws {
        let house = try House()
        try house.allow(.interop, [])
        try house.allow(.platform, [.interop, .platform])
    }

    @Test("Contracts import nothing above Foundation")
    func contracts() throws {
        let house = try House()
        try house.allow(.contracts, [])
        let imports = Set(house.files(of: .contracts).flatMap(\.imports))
        #expect(imports.subtracting(["Foundation", "Synchronization"]) == [], "Contracts import \(imports.sorted())")
    }

    @Test("where contracts meet Kafka only Contracts and Platform are imported")
    func messaging() throws {
        try House().allow(.messaging, [.contracts, .platform])
    }

    @Test("a vendor's client imports Platform only, and never Kafka; its reading of settings may import the client")
    func vendors() throws {
        let house = try House()
        try house.allow(.vendors, [.platform, .vendors])
        for file in house.files(of: .vendors) {
            #expect(!file.imports.contains("Kafka"), "\(file.path) imports Kafka")
            let others = file.imports.filter { house.layers[$0] == .vendors && $0 != file.module }
            #expect(others.allSatisfy { file.module == "\($0)Settings" }, "\(file.path) imports \(others.sorted())")
        }
    }

    @Test("workers import no services and never each other; what they share is WorkerKit and Extraction")
    func workers() throws {
        let house = try House()
        try house.allow(.workers, [.contracts, .messaging, .platform, .vendors, .workers])
        let shared: Set<String> = ["WorkerKit", "Extraction"]
        for file in house.files(of: .workers) {
            let others = file.imports.filter { house.layers[$0] == .workers && !shared.contains($0) && $0 != file.module }
            #expect(others.isEmpty, "\(file.path) imports \(others.sorted())")
        }
        for file in house.files(of: .workers) where file.module == "Extraction" {
            #expect(file.imports.allSatisfy { house.layers[$0] != .workers || $0 == "WorkerKit" || $0 == "Extraction" })
        }
        for file in house.files(of: .workers) where file.module == "WorkerKit" {
            #expect(file.imports.allSatisfy { house.layers[$0] != .vendors }, "\(file.path) imports a vendor")
        }
    }

    @Test("services import neither workers, vendors nor each other; Operations may, where it works on what the others keep")
    func services() throws {
        let house = try House()
        try house.allow(.services, [.contracts, .messaging, .platform, .services, .workers])
        let keepers: Set<String> = ["Extraction", "Scheduler", "WorkerKit"]
        for file in house.files(of: .services) {
            let others = file.imports.filter { name in
                name != file.module && (house.layers[name] == .services || house.layers[name] == .workers)
                    && !(file.module == "Operations" && keepers.contains(name))
            }
            #expect(others.isEmpty, "\(file.path) imports \(others.sorted())")
        }
    }

    @Test("programs import libraries, never each other, and nobody imports a program")
    func executables() throws {
        let house = try House()
        #expect(house.programs.count == Set(house.files(of: .executables).map(\.module)).count)
        for file in house.files {
            let programs = file.imports.intersection(house.programs)
            #expect(programs.isEmpty, "\(file.path) imports \(programs.sorted())")
        }
    }

    @Test("only programs and Development import Development; Development imports no workers, services or vendors' clients")
    func development() throws {
        let house = try House()
        for file in house.files where file.layer != .development && file.layer != .executables {
            let found = file.imports.filter { house.layers[$0] == .development }
            #expect(found.isEmpty, "\(file.path) imports \(found.sorted())")
        }
        try house.allow(.development, [.contracts, .messaging, .platform, .development])
    }

    @Test("only Kafka and Transfer touch the C libraries")
    func interop() throws {
        for file in try House().files {
            #expect(!file.imports.contains("CLibrdkafka") || file.module == "Kafka", "\(file.path) imports CLibrdkafka")
            #expect(!file.imports.contains("CLibcurl") || file.module == "Transfer", "\(file.path) imports CLibcurl")
        }
    }

    @Test("modules are what the manifest's targets say: each folder of sources belongs to one of them")
    func everyModuleIsKnown() throws {
        let house = try House()
        let layers = Set(house.files.map(\.layer))
        #expect(
            layers.isSuperset(of: [.platform, .contracts, .messaging, .vendors, .workers, .services, .executables, .development]))
        #expect(house.files.count > 100)
        #expect(Set(house.layers.keys).isSuperset(of: ["Kafka", "Transfer", "Contracts", "WorkerKit", "Scheduler", "CLibcurl"]))
    }
}

/// The sources by module and layer. A module is a folder directly in its layer; layers with one module are it themselves.
private struct House {
    enum Layer: String, CaseIterable {
        case interop = "Interop"
        case platform = "Platform"
        case contracts = "Contracts"
        case messaging = "Messaging"
        case vendors = "Vendors"
        case workers = "Workers"
        case services = "Services"
        case executables = "Executables"
        case development = "Development"

        var isOneModule: Bool { self == .contracts || self == .messaging }
    }

    struct File {
        let path: String
        let layer: Layer
        let module: String
        let imports: Set<String>
    }

    struct UnknownFolder: Error, CustomStringConvertible {
        let description: String
    }

    let files: [File]
    /// The layer of each module.
    let layers: [String: Layer]
    /// The modules of the programs, which aren't called as their folders.
    let programs: Set<String>

    init() throws {
        let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let manifest = try String(contentsOf: repository.appending(path: "Package.swift"), encoding: .utf8)
        programs = Set(manifest.matches(of: /\bprogram\(\s*"(\w+)"/).map { String($0.output.1) })
        let root = repository.appending(path: "Sources")
        var files: [File] = []
        var layers: [String: Layer] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root.path()).sorted() {
            let parts = path.split(separator: "/").map(String.init)
            guard let layer = Layer(rawValue: parts[0]) else {
                throw UnknownFolder(description: "Sources/\(path) is in no layer")
            }
            if layer == .interop, parts.count == 2 { layers[parts[1]] = .interop }
            guard path.hasSuffix(".swift") else { continue }
            let module = layer.isOneModule ? parts[0] : parts[1]
            layers[module] = layer
            let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
            files.append(File(path: path, layer: layer, module: module, imports: Self.imports(of: text)))
        }
        self.files = files
        self.layers = layers
    }

    /// The modules that a source imports; `import struct A.B` imports A.
    private static func imports(of text: String) -> Set<String> {
        var found: Set<String> = []
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        for line in text.split(separator: "\n") {
            var words = line.split(separator: " ")[...]
            while let word = words.first,
                word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
            {
                words = words.dropFirst()
            }
            guard words.first == "import" else { continue }
            words = words.dropFirst()
            if let word = words.first, kinds.contains(word) { words = words.dropFirst() }
            if let name = words.first?.split(separator: ".").first { found.insert(String(name)) }
        }
        return found
    }

    func files(of layer: Layer) -> [File] { files.filter { $0.layer == layer } }

    /// Reports every import of ours that leads to another layer than these.
    func allow(_ layer: Layer, _ allowed: Set<Layer>) throws {
        for file in files(of: layer) {
            for name in file.imports.sorted() where name != file.module {
                guard let target = layers[name], !allowed.contains(target) else { continue }
                Issue.record("\(file.path) imports \(name) of \(target.rawValue)")
            }
        }
    }
}
