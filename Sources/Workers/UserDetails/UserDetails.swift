// UserDetails extracts what users of Genesys Cloud did, presence and routing status, a business day at a time, and the lookups
// that decode ids, a snapshot a day.
//
// Reading order
//   UserDetailsHandler    the job: which task, and what becomes of it
//   UserDetailsTask       what a job asks for, checked
//   UserRow               one line of the lake: user, kind, and the vendor's record as it was sent
//   DayExtraction         a day's rows, by query or by job
//   RowLedger             rows on their way into objects, each key once
//   HomeDays              the day in which a row begins, if it was extracted
//   LakeRows              rows that a day has in the lake
//   DayState, DayStates   what a day leaves open, and what was learned since
//   FollowUp              learns how open rows ended and asks for reruns of their days
//   Rereading             another run of a day whose pages kept shifting
//   LookupTable           the lookups; adding one is one line
//   LookupSnapshot        one lookup's entities
//
// Guarantees
//   1. A row is known by user, kind and start. It's in the lake once: in the day in which it begins, or, if that day was never
//      extracted, in the earliest day that saw it. A row that its own day missed stays where it was seen until that day has it.
//   2. A row that was still open is replaced by its ended version: its day is run again under a higher revision. A rerun adds to
//      what the lake has of the day; what the vendor no longer tells stays.
//   3. Nothing depends on the order in which days are extracted: who publishes last finds out what the others did, because each
//      writes its state, then its manifest, and looks at the others' last.
//   4. Days are asked for when the vendor has them: by query some time after their end, by job up to the availability date.
