// Kafka is librdkafka in Swift; nothing of the product is in its vocabulary.
//
// Reading order
//   PollThread             the thread that owns a handle, and the executor of the actors that use it
//   Consumer               group membership, records, pause and resume, commits; events go to a ConsumerListener
//   ConsumerEvents         the same as an asynchronous sequence with back-pressure per partition
//   TopicScan              a stretch of topics, from a beginning to an end, read once without a group
//   Producer               idempotent producer, one delivery report for each record
//   TransactionalProducer  transactions with consumer offsets
//   Admin, ConsumerGroup   topics and their configuration; groups, their members and offsets
//   PartitionLease         leadership by ownership of one partition
//   EmbeddedCluster        librdkafka's mock brokers, for tests and injected faults
//
// Guarantees
//   1. No C pointer leaves this module; every librdkafka error is a KafkaError that keeps fatal, retriable and abortable.
//   2. A blocking librdkafka call only ever runs on a PollThread, never on the cooperative pool.
//   3. close() leaves the group at once, destroys the handle and joins the thread.
