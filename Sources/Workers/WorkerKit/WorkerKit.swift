// WorkerKit is the loop that all job workers share. A worker supplies a JobHandler: one type, one method.
//
// Reading order
//   JobHandler, JobContext, Outcome   what a worker sees
//   AckWindow                         which offsets of a partition are done; pure
//   LaneTable                         partitions, queues, slots, runs and pending completions; pure
//   RetryPlan, DeadLetter             where a job that isn't done goes; pure
//   JobRunner                         one attempt: decode, run, turn the outcome into records
//   JobLoop                           the consumer's listener: feeds the table, starts runs, commits
//   JobWorker                         the service: clients, start, drain, end
//   JobOutput                         objects and their manifest
//   StartBook, StartLedger            starts without an end, counted before each run; the book is pure
//   Checkpoint, JobCheckpoint         what an attempt leaves for the next one
//   JobMemory                         both, as the loop uses them
//   BudgetPolicy, SharedBudget        the worker's share of what a vendor allows; the policy is pure
//
// Guarantees
//   1. A partition assignment is the lease; while its job runs, polling goes on and the job can take as long as it needs.
//   2. What a job publishes (completion, children, retry or dead letter) and its offset are one Kafka transaction, which is
//      opened after the job ended and after a check that the partition is still ours.
//   3. Jobs of one partition run in order unless the ack window is larger than one.
//   4. A failing job blocks nobody: it moves to a retry topic or the dead topic with its bytes untouched.
