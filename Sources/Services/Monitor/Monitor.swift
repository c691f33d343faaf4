// Monitor knows for each source, data set and day what is planned, running, done and failed, and says so: tags in the lake,
// alerts in Kafka and the log, a page.
//
// Reading order
//   RootRun          one root job and what it was fanned out to; pure
//   DayBoard         all runs by source, data set and day; events in, effects out; pure
//   AlertBook        what is firing, so that the same trouble is told once; pure
//   TagWriter        verifies manifests and writes `_SUCCESS` or `_FAILURE`, never both
//   MonitorService   leadership, rebuilding from Kafka, effects before commits
//   StatusPage       the page and its JSON
//
// Guarantees
//   1. The state is rebuilt from Kafka: a restart changes nothing and tells nothing twice.
//   2. An effect is carried out before its event's offset is committed, and is the same when it is carried out again.
//   3. `_SUCCESS` is written only after every object of every manifest was read and found to be what the manifest says.
