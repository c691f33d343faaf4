// Scheduler publishes one job for each interval of each schedule: nothing is missed, nothing is repeated.
//
// Reading order
//   ScheduleFile, ScheduleDefinition   what people write
//   CalendarDay, BusinessZone          days in a named time zone, clock changes included
//   WindowGrid                         days cut into windows
//   CronExpression, Cadence            when a schedule fires
//   ScheduleTick                       what is due now: a pure function of definition, state and time
//   SchedulerService                   leadership, transactions and the clock around all that
//
// Guarantees of the pure part
//   1. Intervals of one schedule are half-open, adjoin and never overlap, whatever is edited, and whatever the clock does.
//   2. An interval is published once: the cursor (`ScheduleState.lastIntervalEnd`) only moves forward.
//   3. What a catch-up policy leaves out is reported, never dropped in silence.
