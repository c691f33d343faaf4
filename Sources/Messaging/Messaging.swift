// Messaging is where Contracts meet Kafka and the configuration: a message becomes a record, topic names get their prefix.
//
// It exists because Contracts import nothing and Platform doesn't know Contracts, while workers, services and the operator's
// tool all need the same few lines.
