// Service: what every program needs, and nothing of what it does.
//
// In reading order:
//   Settings          the configuration: YAML file and environment, typed getters, all problems at once
//   Secret            secret references (env:, file:, gcp-secret:) and values that do not print
//   LogConfiguration  one JSON line per event, or readable lines for a terminal
//   PrometheusMetrics the swift-metrics backend behind GET /metrics
//   HealthRegistry    what /healthz and /readyz ask
//   AdminServer       the HTTP server for operators
//   Program           what every `main` calls: load, build, run, stop, exit code
//
// Guarantees:
//   1. A wrong configuration ends the program before anything is opened, with one line per problem and exit code 78.
//   2. No secret value is ever printed: not in messages, not in the effective configuration, not by reflection.
//   3. Logging never stops a program: lines are bounded, and lines that nobody reads are dropped and counted.
//   4. Metrics take bounded memory, however many label values somebody invents.
//   5. SIGTERM and SIGINT stop gracefully, a second one at once; exit codes tell the supervisor whether to restart.
