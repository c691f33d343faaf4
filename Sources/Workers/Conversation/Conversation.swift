// Conversation extracts one business day of conversations from Genesys Cloud into the lake.
//
// Reading order
//   ConversationHandler   the job: manifest found → done; else extract, tidy, manifest
//   DayExtraction         passes over the vendor's pages until nothing new comes
//   DayExtraction+Resume  what a former attempt left, read back from the lake
//   PassCursor            in which pass, and where in it
//   WrittenPages          the pages that the next attempt needn't ask for; pure
//   PageWalk              which page to ask for next, and when the last one was seen; pure
//   PageSink              one page's answer on its way into one object
//   ObjectEditor          takes records out of an object that is already written
//   PrivacyRequests       the task gdpr-requests: the vendor's privacy requests as a snapshot and as notices
//   PrivacyMemory         which of them were told
//
// Guarantees
//   1. Each conversation of the interval is in exactly one object once, in the version that was asked for last, byte for byte
//      as the vendor sent it.
//   2. Objects are written whole or not at all; the manifest comes last and names exactly what is there.
//   3. An attempt that goes on where another one stopped leaves the same result as one that began at the beginning.
//   4. Memory doesn't grow with a page's bytes: answers stream through. The index takes 43 to 86 bytes per conversation.
