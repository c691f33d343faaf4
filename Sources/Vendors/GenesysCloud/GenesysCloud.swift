// GenesysCloud: a client of the Genesys Cloud Platform API. It knows the vendor's addresses, tokens, limits, errors and
// paging, and nothing of jobs, topics or storage.
//
// In reading order:
//   GenesysCloudConfiguration  region and credentials
//   AccessTokens               one token per OAuth client, renewed once however many callers wait
//   GenesysCloudRequest        one call
//   GenesysCloudClient         sends calls: allowance, token, retries
//   GenesysCloudError          what went wrong, what to do, and whether trying again can help
//   QueryInterval              half-open intervals as the API writes them
//   ConversationDetailsQuery   which conversations to ask for
//   RecordPage                 one page of records, streamed as raw bytes
//   ConversationPage           a page of conversations by query
//   UserDetailsQuery           whose presence and routing status to ask for, and a page of them
//   DetailsKind                conversations or users, whose details jobs collect
//   DetailsJobQuery            what a job shall collect
//   DetailsJob                 submits a job, looks at it, reads its results
//   DetailsJobRun              all that in order, with waiting, resuming and beginning again
//   ListingQuery               one listing (GET) to read to its end, with page numbers, addresses or cursors
//   ListingWalk                which page comes next, and when a listing has ended; pure
//   Listing                    reads a listing page by page; one object by its address
//
// Guarantees:
//   1. All callers that share the limiter stop when one of them is throttled.
//   2. A call is repeated only when the vendor's documentation says that it may help, a bounded number of times; what a failed
//      attempt had read is forgotten.
//   3. An expired or revoked token costs one replay; a second refusal ends the call as a configuration error.
//   4. Tokens, secrets and bodies are never logged and never part of an error; texts of the vendor are bounded.
