import ArgumentParser

/// `switchboard jobs`: work for the workers, what became of it, and what they are told about it.
struct JobsCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Publishes jobs, shows what became of them, and tells workers what to leave.",
        discussion: """
            A job's id follows from what it is about, so the same work always has the same id; running it again is its next \
            revision. What became of jobs is read from the topic job.events, as far back as it is kept.
            """,
        subcommands: [
            Submit.self, BackfillDays.self, Rerun.self, Status.self, List.self, Watch.self, Cancel.self, Pause.self, Resume.self,
            Limit.self, ShowControl.self,
        ])

    static let examples = """
        switchboard jobs list --since @-1d
        switchboard jobs status conversations-20260228T160000Z-20260301T160000Z
        switchboard jobs backfill --schedule conversations --schedules schedules.yaml --from 2026-01-01 --to 2026-01-31
        switchboard jobs pause --source genesys/main --for 2h --reason "vendor maintenance" --execute
        """
}
