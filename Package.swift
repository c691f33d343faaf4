// swift-tools-version: 6.2
import PackageDescription

// librdkafka 2.16 for run time is linked into `.deps/lib` by `make setup`; the programs find it relative to themselves
// (`.build/<triple>/<configuration>/program` → repository). Without it the system's librdkafka is used.
let runtimeLibraries: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../../../.deps/lib:$ORIGIN/../lib/switchboard"])
]

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, _ path: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: swiftSettings + settings)
}

// Where bytes are made, split and compared, debug builds are optimised too, with all their checks: `make demo` and `make test` would
// spend most of their time there.
let hot: [SwiftSetting] = [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + [arguments], path: "Sources/Executables/\(path)", swiftSettings: swiftSettings,
        linkerSettings: runtimeLibraries)
}

func tests(_ name: String, _ path: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(path)", resources: resources, swiftSettings: swiftSettings,
        linkerSettings: runtimeLibraries)
}

let package = Package(
    name: "Switchboard",
    products: [
        .executable(name: "scheduler", targets: ["SchedulerProgram"]),
        .executable(name: "conversation-worker", targets: ["ConversationWorkerProgram"]),
        .executable(name: "evaluation-worker", targets: ["EvaluationWorkerProgram"]),
        .executable(name: "user-details-worker", targets: ["UserDetailsWorkerProgram"]),
        .executable(name: "monitor", targets: ["MonitorProgram"]),
        .executable(name: "switchboard", targets: ["SwitchboardProgram"]),
        .executable(name: "vendor-simulator", targets: ["VendorSimulatorProgram"]),
        .executable(name: "development-stack", targets: ["DevelopmentStackProgram"]),
        .executable(name: "rehearsal-worker", targets: ["RehearsalWorkerProgram"]),
        .executable(name: "switchboard-bench", targets: ["BenchProgram"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Interop: module maps and the C shims that variadic functions need.
        .target(name: "CLibrdkafka", path: "Sources/Interop/CLibrdkafka", linkerSettings: [.linkedLibrary("rdkafka")]),
        .target(name: "CLibcurl", path: "Sources/Interop/CLibcurl", linkerSettings: [.linkedLibrary("curl")]),

        // Platform: knows nothing of contact centres.
        library("Kafka", "Platform/Kafka", ["CLibrdkafka", log, metrics]),
        library("Transfer", "Platform/Transfer", ["CLibcurl", log, metrics]),
        library("Records", "Platform/Records", [], hot),
        library("ObjectStorage", "Platform/ObjectStorage", ["Transfer", crypto, log]),
        library("HTTPServing", "Platform/HTTPServing", [hummingbird, log]),
        library(
            "Service", "Platform/Service",
            [
                "HTTPServing", "Kafka", "Transfer", "ObjectStorage",
                .product(name: "Configuration", package: "swift-configuration"), yams, hummingbird, lifecycle, log, metrics,
            ]),

        // Contracts: the messages and topic names that every process agrees on.
        library("Contracts", "Contracts", []),

        // Messaging: where contracts meet Kafka and the configuration.
        library("Messaging", "Messaging", ["Contracts", "Kafka", "Service"]),

        // Vendors: clients and formats of the outside world.
        library("GenesysCloud", "Vendors/GenesysCloud", ["Transfer", "Records", log, metrics]),
        library("GenesysCloudSettings", "Vendors/GenesysCloudSettings", ["GenesysCloud", "Service", "Transfer", log]),

        // Workers.
        library(
            "WorkerKit", "Workers/WorkerKit",
            ["Contracts", "Kafka", "Messaging", "ObjectStorage", "Service", "Transfer", crypto, lifecycle, log, metrics]),
        library(
            "Extraction", "Workers/Extraction",
            ["WorkerKit", "Contracts", "GenesysCloud", "ObjectStorage", "Records", crypto], hot),
        library(
            "Conversation", "Workers/Conversation",
            [
                "Extraction", "WorkerKit", "Contracts", "GenesysCloud", "ObjectStorage", "Records", "Service", "Messaging",
                crypto, log, metrics,
            ]),
        library(
            "UserDetails", "Workers/UserDetails",
            [
                "Extraction", "WorkerKit", "Contracts", "GenesysCloud", "ObjectStorage", "Records", "Service", "Messaging", log,
                metrics,
            ]),

        library(
            "Evaluation", "Workers/Evaluation",
            [
                "Extraction", "WorkerKit", "Contracts", "GenesysCloud", "ObjectStorage", "Records", "Service", "Messaging", log,
            ]),

        // Services.
        library(
            "Scheduler", "Services/Scheduler",
            ["Contracts", "Kafka", "Messaging", "Service", yams, crypto, lifecycle, log, metrics]),
        library(
            "Monitor", "Services/Monitor",
            ["Contracts", "Kafka", "Messaging", "ObjectStorage", "Service", crypto, hummingbird, lifecycle, log, metrics]),
        library(
            "Operations", "Services/Operations",
            [
                "Contracts", "Extraction", "Kafka", "Messaging", "ObjectStorage", "Records", "Scheduler", "Service", "WorkerKit",
                yams,
                crypto, log,
            ]),

        // Executables: parse options, wire, run.
        program("SchedulerProgram", "scheduler", ["Scheduler", "Kafka", "Service", log]),
        program(
            "ConversationWorkerProgram", "conversation-worker",
            ["Conversation", "WorkerKit", "GenesysCloud", "GenesysCloudSettings", "Service", "Transfer"]),
        program(
            "EvaluationWorkerProgram", "evaluation-worker",
            ["Evaluation", "WorkerKit", "GenesysCloud", "GenesysCloudSettings", "Service", "Transfer"]),
        program(
            "UserDetailsWorkerProgram", "user-details-worker",
            ["UserDetails", "WorkerKit", "GenesysCloud", "GenesysCloudSettings", "Service", "Transfer"]),
        program("MonitorProgram", "monitor", ["Monitor", "Service", "Transfer"]),
        program(
            "SwitchboardProgram", "switchboard",
            [
                "Operations", "Scheduler", "Contracts", "Kafka", "Messaging", "ObjectStorage", "Service", "Transfer", lifecycle,
                log,
            ]),
        program("VendorSimulatorProgram", "vendor-simulator", ["VendorSimulator", log]),
        program("DevelopmentStackProgram", "development-stack", ["DevelopmentStack", lifecycle]),
        program(
            "RehearsalWorkerProgram", "rehearsal-worker",
            ["Rehearsal", "WorkerKit", "Contracts", "ObjectStorage", "Service", "Transfer"]),
        program(
            "BenchProgram", "switchboard-bench",
            [
                "DevelopmentStack", "Evaluation", "WorkerKit", "Contracts", "GenesysCloud", "Kafka", "Messaging", "ObjectStorage",
                "Service", "Transfer", "VendorSimulator", lifecycle, log,
            ]),

        // Development: what `make demo` and the system tests start.
        library("VendorSimulator", "Development/VendorSimulator", ["HTTPServing", hummingbird, lifecycle, crypto, log], hot),
        library("Rehearsal", "Development/Rehearsal", ["Contracts"]),
        library(
            "DevelopmentStack", "Development/DevelopmentStack",
            ["Rehearsal", "Contracts", "Kafka", "Messaging", "ObjectStorage", "Transfer", crypto, log]),

        // Tests mirror Sources.
        library(
            "TestSupport", "../Tests/TestSupport",
            ["DevelopmentStack", "Kafka", "Transfer", "ObjectStorage", "Contracts", hummingbird, log]),
        tests("KafkaTests", "Platform/KafkaTests", ["Kafka", "TestSupport"]),
        tests("TransferTests", "Platform/TransferTests", ["Transfer", "TestSupport", hummingbird]),
        tests("RecordsTests", "Platform/RecordsTests", ["Records", "TestSupport"]),
        tests("ObjectStorageTests", "Platform/ObjectStorageTests", ["ObjectStorage", "Transfer", "TestSupport", crypto]),
        tests("HTTPServingTests", "Platform/HTTPServingTests", ["HTTPServing", hummingbird, log]),
        tests("ServiceTests", "Platform/ServiceTests", ["Service", "TestSupport", metrics]),
        tests("ContractsTests", "ContractsTests", ["Contracts"]),
        tests(
            "GenesysCloudTests", "Vendors/GenesysCloudTests",
            ["GenesysCloud", "HTTPServing", "Transfer", "Records", "TestSupport", hummingbird]),
        tests(
            "WorkerKitTests", "Workers/WorkerKitTests",
            [
                "WorkerKit", "Contracts", "DevelopmentStack", "Kafka", "Messaging", "ObjectStorage", "Service", "TestSupport",
                lifecycle, log,
            ]),
        tests(
            "ExtractionTests", "Workers/ExtractionTests",
            ["Extraction", "WorkerKit", "GenesysCloud", "Contracts", "ObjectStorage", "Records", "TestSupport"]),
        tests(
            "ConversationTests", "Workers/ConversationTests",
            [
                "Conversation", "Extraction", "WorkerKit", "GenesysCloud", "Contracts", "ObjectStorage", "Records", "Transfer",
                "TestSupport",
                "VendorSimulator", hummingbird, log,
            ]),
        tests(
            "EvaluationTests", "Workers/EvaluationTests",
            [
                "Evaluation", "Extraction", "WorkerKit", "GenesysCloud", "Contracts", "ObjectStorage", "Records", "Transfer",
                "TestSupport", "VendorSimulator", log,
            ]),
        tests(
            "UserDetailsTests", "Workers/UserDetailsTests",
            [
                "UserDetails", "Extraction", "WorkerKit", "GenesysCloud", "Contracts", "ObjectStorage", "Records", "Service",
                "Transfer",
                "TestSupport", "VendorSimulator", log,
            ]),
        tests(
            "SchedulerTests", "Services/SchedulerTests",
            ["Scheduler", "Contracts", "Kafka", "Messaging", "Service", "TestSupport", lifecycle, log]),
        tests(
            "MonitorTests", "Services/MonitorTests",
            ["Monitor", "Contracts", "Kafka", "Messaging", "ObjectStorage", "Service", "TestSupport", lifecycle, log]),
        tests(
            "OperationsTests", "Services/OperationsTests",
            [
                "Operations", "Scheduler", "WorkerKit", "Kafka", "Messaging", "ObjectStorage", "Records", "GenesysCloudSettings",
                "Conversation", "Evaluation", "UserDetails", "Monitor", "Service", "TestSupport", "Transfer", "Contracts",
            ]),
        tests("VendorSimulatorTests", "Development/VendorSimulatorTests", ["VendorSimulator", "Transfer", "TestSupport"]),
        tests(
            "DevelopmentStackTests", "Development/DevelopmentStackTests",
            ["DevelopmentStack", "Rehearsal", "Contracts", "Kafka", "Transfer", "TestSupport"]),
        tests(
            "SystemTests", "SystemTests",
            ["DevelopmentStack", "Rehearsal", "Contracts", "Kafka", "Messaging", "ObjectStorage"]),
    ]
)
