// Rehearsal is work whose whole result follows from a seed, so that whatever happens meanwhile can be judged at the end.
//
// Reading order
//   RehearsalTask      what one job does, carried in its parameters
//   RehearsalContent   the bytes that it writes
//   RehearsalPlan      all jobs of a seed, how each must end, and what must be in the lake then
//
// The worker (`rehearsal-worker`) and whoever judges it share these files and nothing else.
