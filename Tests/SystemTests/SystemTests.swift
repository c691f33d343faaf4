import Testing

/// Real processes: a broker, the vendor simulator and our programs as `make` built them, in a directory of each test's own.
///
/// `BROKER=host:port` uses Apache Kafka instead of the development broker; what only Kafka can prove is then asserted too.
/// Serialized, because each test starts up to eight processes and two cores are enough for one such stack.
@Suite("system", .serialized)
enum SystemTests {}

/// Stacks that are disturbed for minutes and mostly wait: beside the others, and one after another.
@Suite("disturbed system", .serialized)
enum DisturbedSystemTests {}
