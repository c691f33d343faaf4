// Chaos is the proof that jobs survive: real processes, work whose result is known, and everything around it breaking.
//
// Reading order
//   ChaosOptions       what can be chosen
//   DisturbancePlan    what goes wrong when; follows from the seed
//   ChaosStack         everything that is started, each connection through a FaultProxy
//   ChaosCrew          kills, pauses and restarts processes; Disturber, which tells it and the proxies when
//   RootPublisher      publishes the work; EventLedger, what became of it
//   LakeSnapshot       what is in the lake, and what must be
//   ChaosVerdict       the promises and whether they were kept
//   ChaosRun           all of it, from start to end
