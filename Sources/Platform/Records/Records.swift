// Records: raw JSON in motion. A page of records is cut into its records without decoding them, and without losing a byte
// of any number, unknown field or escape.
//
// In reading order:
//   RecordSplitter   fed with a document chunk by chunk, yields each element of one array as it was sent
//   RawRecord        one such element: its bytes, and single top-level fields of it
//   Envelope         what is left of the document around the array (totals, cursors)
//   NDJSON           one record, one line
//   ContentHash      "are these the same bytes?" (not cryptographic)
//   RecordTexts      every string of a record that is a value
//   JSONMachine      the validating automaton underneath; it can stop after any byte
//
// Guarantees:
//   1. What a record's bytes are does not depend on where the document was cut into chunks.
//   2. A document that is cut off, damaged in its structure or followed by anything is refused by `finish()` at the latest.
//      Until then records are handed out as they complete, so a consumer makes them durable only after `finish()`.
//   3. Memory: one record that crosses chunks, and the envelope; both are limited. Nothing else is copied.
//   4. Bytes inside strings are passed on as they are, invalid UTF-8 too; control characters there are refused, which is
//      what makes "one record, one line" possible.
