// Evaluation brings the evaluations of conversations, and the forms that they were made with, from Genesys Cloud into the lake.
//
// Reading order
//   EvaluationHandler      which task a job is about
//   EvaluationRequest      what a job asks for
//   EvaluationRecord       what is looked at of an evaluation's bytes
//   DayExtract             a business day: everything that was assigned on it, in all its versions
//   EvaluatorDirectory     whose evaluations are asked for
//   EvaluatorListings      reads the listings of evaluators side by side, and halves what takes the vendor too long
//   MentionSearch          evaluations that conversations mention, to find those that no evaluator's listing has
//   PointReads             evaluations one by one
//   DayLedger              the versions of a day on their way into objects, each once
//   FormArchive            every form version that evaluations refer to, kept once and for ever
//   FormSnapshot           the published forms of a day
//   LakeEvaluations        what the lake has of a stretch of days
//   EvaluationSweep        finds days whose evaluations have changed since, and asks for runs that correct them
//
// Guarantees
//   1. Whatever the vendor returns of an evaluation is kept byte for byte, keyed by id, version and date of change. What the vendor
//      no longer returns stays; what hasn't changed is kept once. What only the listing says stands behind a point read's own bytes.
//   2. An evaluation belongs to the day on which it was assigned, and to no other.
//   3. A listing is read to the end that `nextUri` says; totals are counted as figures, never believed.
//   4. What conversations mention and no listing returns is read by itself, whoever evaluated: no listing is believed to be whole.
//   5. Readers of the manifest see the result before a correction or the one after it, never a mixture.
//   6. Memory doesn't grow with a day's bytes: a page for each listing that is read at the time, and some bytes for each version.
