import ArgumentParser

/// `switchboard gdpr`: the vendor's privacy requests, and the lake.
struct PrivacyCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "gdpr",
        abstract: "Shows the vendor's privacy requests and carries them out in the lake.",
        discussion: """
            A schedule of the task gdpr-requests brings the requests into the lake (data set gdpr_requests) and tells of each new \
            one on job.events. Nothing that these commands print names anybody: requests, conversations and users appear by \
            their ids only.
            """,
        subcommands: [List.self, Apply.self])

    static let examples = """
        switchboard gdpr list
        switchboard gdpr apply --request 5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11
        switchboard gdpr apply --request 5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11 --execute
        """
}
