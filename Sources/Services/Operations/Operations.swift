// Operations is what operators do to a running system, for the program `switchboard`.
//
// Reading order
//   TopicFile, TopicDefinition, TopicSetting   one file per topic, as people write it
//   TopicCatalogue, TopicSpecification         all topics that should exist on one cluster
//   ClusterTopic, TopicPlan                    what would have to change: a pure comparison
//   TopicOperations                            reads a cluster and carries out a plan
//   TopicDescriber, TopicReport                what is in the topics and who reads them
//   TimeExpression, TimeText, TopicResolver    how operators write times and topics
//   TopicTail, MessageLine, RecordDocument     records in the order of time, as a line for people or as JSON
//   RecordFilter, RecordFields                 which records are meant
//   GroupReader, GroupReport                   how far consumer groups have come
//   OffsetPlan, OffsetOperations, OffsetFile   moves of groups: pure plan, execution, the way back
//   ReplayRequest, ReplayPlan, ReplayOperations   what is published again
//   CursorPlan                                 what moving a schedule would publish or pass over
//   JobRun, JobHistory, JobSummary, JobStory   what job.events say of jobs, folded
//   JobRequest, Backfill, PublicationPlan      which jobs are published and which aren't, with reasons: pure
//   JobOperations, OperatorTransactions        reads, publishes, follows; one command at a time publishes
//   ControlPlan                                what workers are told
//   DeadLetter, DeadFilter, DeadMarks          what died, why, and what was done about it
//   RedrivePlan, RedriveWatch, RedriveRun      which letters go back, what becomes of them, and when to stop
//
// Guarantees: nothing is ever deleted and no topic shrinks; only settings that a topic file names are changed; partitions are
// added only when that is allowed for the run, because it moves keys; a plan that is not executed changes nothing.
