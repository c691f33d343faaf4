// Operations is what operators do to a running system, for the program `switchboard`.
//
// Reading order
//   TopicFile, TopicDefinition, TopicSetting   one file per topic, as people write it
//   TopicCatalogue, TopicSpecification         all topics that should exist on one cluster
//   ClusterTopic, TopicPlan                    what would have to change: a pure comparison
//   TopicOperations                            reads a cluster and carries out a plan
//
// Guarantees: nothing is ever deleted and no topic shrinks; only settings that a topic file names are changed; partitions are
// added only when that is allowed for the run, because it moves keys; a plan that is not executed changes nothing.
