// Extraction is what the workers share that bring a vendor's records into the lake: a day at a time, exactly as they were sent.
//
// Reading order
//   ExtractionFailure   why an extract ended without its result, and what becomes of its job
//   ObjectNames         what the objects of a job are called
//   RecordObjects       records on their way into objects of bounded size
//   ManifestRecords     the records that a manifest names, read back
//   RecordIndex         which record was kept where; pure
//   MovingListing       when a listing that moves while it is read has been read; pure
//
// Guarantees
//   1. A record's bytes are the vendor's; only line breaks between tokens become blanks, so that a record is one line.
//   2. Objects appear whole or not at all, and belong to nobody until a manifest names them.
//   3. What is read back is checked against the manifest's digests.
