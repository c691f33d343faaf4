// Contracts are the messages and topic names that every process agrees on.
//
// Reading order
//   Interval, JSONValue, Timestamp     the values
//   Job, JobEvent, Alert               the messages; a JobReference is what an event repeats of its job
//   ScheduleState                      how far a schedule has come
//   Control, ControlState              what operators tell the workers, and what holds at the moment
//   JobHeader                          the headers of jobs that move between topics
//   Manifest                           what a job wrote, and the content of `_SUCCESS`
//   Message, CloudEventHeaders         how a message becomes key, value and headers
//   TopicNames                         what topics are called
//   LakeLayout, StateLayout            where a business day is in the lake, and what workers remember between attempts
//
// On the wire: JSON values in version 1; CloudEvents 1.0 attributes as Kafka headers (binary mode); W3C `traceparent`.
// A reader ignores fields that it doesn't know and refuses versions that it doesn't know. Imports nothing above Foundation.
