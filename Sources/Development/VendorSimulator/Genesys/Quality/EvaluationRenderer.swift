/// Writes evaluations down: as the listing has them, as the point read has them, and as conversations carry them.
struct EvaluationRenderer: Sendable {
    let organisation: Organisation
    let forms: FormBook

    /// How an evaluation is asked for.
    enum Form: Sendable {
        /// The listing's model; answers, totals alone, only if they are asked for.
        case listing(answers: Bool)
        /// The point read's model, which has the scores of questions.
        case point(form: Bool)
    }

    // MARK: Who and what

    func identifier(_ plan: EvaluationPlan, _ seed: RecordSeed) -> String {
        var bytes = RecordBytes(capacity: 36)
        bytes.append(identifier: seed.bits(plan.ordinal == 0 ? 1_900 : 1_910))
        return bytes.string
    }

    func evaluator(_ plan: EvaluationPlan) -> Organisation.Member? {
        switch plan.evaluator {
        case .member(let bits):
            organisation.evaluators[Int(bits.multipliedFullWidth(by: UInt64(organisation.evaluators.count)).high)]
        case .former: organisation.formerEvaluator
        case .system: nil
        }
    }

    func agent(_ seed: RecordSeed) -> Organisation.Member { member(seed, 1_201, organisation.users) }

    func queue(_ seed: RecordSeed) -> Organisation.Member { member(seed, 1_110, organisation.queues) }

    private func member(_ seed: RecordSeed, _ salt: UInt64, _ members: [Organisation.Member]) -> Organisation.Member {
        members[Int(seed.number(salt, below: UInt64(members.count)))]
    }

    // MARK: Conversations

    /// The `evaluations` of a conversation's record, without the brackets.
    func appendToConversation(
        _ facts: ConversationFacts, _ seed: RecordSeed, now: SimulatorInstant, to record: inout RecordBytes
    ) {
        var isFirst = true
        for plan in facts.evaluations {
            guard let state = plan.state(at: now) else { continue }
            if !isFirst { record.append(",") }
            isFirst = false
            record.append(Array(analytics(plan, state, facts, seed).utf8))
        }
    }

    private func analytics(
        _ plan: EvaluationPlan, _ state: EvaluationPlan.State, _ facts: ConversationFacts, _ seed: RecordSeed
    ) -> String {
        let form = forms.version(of: seed)
        var text = #"{"evaluationId":"\#(identifier(plan, seed))""#
        if let evaluator = evaluator(plan) { text += #","evaluatorId":"\#(evaluator.id)""# }
        text += #","userId":"\#(agent(seed).id)","formId":"\#(form.id)","contextId":"\#(form.contextID)""#
        text += #","formName":\#(JSONText.quoted(form.name)),"queueId":"\#(queue(seed).id)""#
        text += #","evaluationStatus":"\#(status(state, facts, isAnalytics: true))","released":\#(state.released != nil)"#
        text += #","rescored":\#(state.isRescore)"#
        if plan.evaluator == .system { text += #","systemSubmitted":true"# }
        text += #","eventTime":"\#(time(state.at, facts))""#
        if state.submitted != nil {
            let score = score(state, seed)
            text += #","oTotalScore":\#(score / 2),"oTotalCriticalScore":\#(score / 3)"#
        }
        return text + "}"
    }

    /// The value that the record's text shows for a dimension; nil for none.
    func value(
        of dimension: RowPredicate.EvaluationDimension, _ plan: EvaluationPlan, _ state: EvaluationPlan.State,
        _ facts: ConversationFacts, _ seed: RecordSeed
    ) -> String? {
        switch dimension {
        case .evaluationId: identifier(plan, seed)
        case .evaluatorId: evaluator(plan)?.id
        case .userId: agent(seed).id
        case .formId: forms.version(of: seed).id
        case .queueId: queue(seed).id
        case .evaluationStatus: status(state, facts, isAnalytics: true)
        case .released: state.released != nil ? "true" : "false"
        case .systemSubmitted: plan.evaluator == .system ? "true" : "false"
        }
    }

    // MARK: Evaluations

    func append(
        _ plan: EvaluationPlan, _ state: EvaluationPlan.State, of facts: ConversationFacts, seed: RecordSeed,
        conversation: String, as form: Form, to record: inout RecordBytes
    ) {
        let id = identifier(plan, seed)
        let version = forms.version(of: seed)
        let home = "/api/v2/quality/conversations/\(conversation)/evaluations/\(id)"
        var text = #"{"id":"\#(id)","conversation":{"id":"\#(conversation)","selfUri":"/api/v2/conversations/\#(conversation)"}"#
        text += ",\"evaluationForm\":" + formReference(version, form)
        if let evaluator = evaluator(plan) {
            text += #","evaluator":{"id":"\#(evaluator.id)","name":\#(JSONText.quoted(evaluator.name))}"#
        }
        let agent = agent(seed)
        text += #","agent":{"id":"\#(agent.id)","name":\#(JSONText.quoted(agent.name))}"#
        text += #","status":"\#(status(state, facts, isAnalytics: false))","agentHasRead":false"#
        text += #","neverRelease":\#(plan.neverReleased),"rescore":\#(state.isRescore),"version":\#(state.version)"#
        var context = RecordBytes(capacity: 36)
        context.append(identifier: seed.bits(1_903))
        text += #","evaluationContextId":"\#(context.string)""#
        let assigned = time(plan.assigned, facts)
        text += #","createdDate":"\#(assigned)","assignedDate":"\#(assigned)""#
        if let submitted = state.submitted { text += #","submittedDate":"\#(time(submitted, facts))""# }
        text += #","changedDate":"\#(time(state.changed, facts))""#
        if let released = state.released { text += #","releaseDate":"\#(time(released, facts))""# }
        text += #","conversationDate":"\#(time(facts.start, facts))","mediaType":["\#(mediaType(facts))"]"#
        text += #","queue":{"id":"\#(queue(seed).id)","name":\#(JSONText.quoted(queue(seed).name))}"#
        if plan.isRedacted { text += #","redacted":true"# }
        if plan.ordinal == 1 {
            var older = plan
            older.ordinal = 0
            let retracted = identifier(older, seed)
            text +=
                #","retractedEvaluation":{"id":"\#(retracted)","selfUri":"/api/v2/quality/conversations/\#(conversation)"#
                + #"/evaluations/\#(retracted)"}"#
        }
        if state.submitted != nil, !plan.isRedacted { text += answers(state, seed, version, form) }
        if case .listing = form { text += #","agentTeam":{"id":"\#(organisation.teams[0].id)"}"# }
        text += #","selfUri":"\#(home)""#
        record.append(Array(text.utf8))
        if let awkward = facts.awkward { record.append(AwkwardText.extra(awkward)) }
        record.append("}")
    }

    private func formReference(_ version: FormBook.Version, _ form: Form) -> String {
        if case .point(form: true) = form { return forms.json(version, isWhole: true) }
        return
            #"{"id":"\#(version.id)","name":\#(JSONText.quoted(version.name)),"contextId":"\#(version.contextID)","published":true}"#
    }

    private func answers(
        _ state: EvaluationPlan.State, _ seed: RecordSeed, _ version: FormBook.Version, _ form: Form
    ) -> String {
        if case .listing(answers: false) = form { return "" }
        let score = score(state, seed)
        // Halves, so that a reader's numbers show whether they were touched.
        var text = #","answers":{"totalScore":\#(score / 2).\#(score % 2 * 5)0,"totalCriticalScore":\#(score / 3).0"#
        text += #","totalNonCriticalScore":\#(score / 4),"anyFailedKillQuestions":false,"comments":"well done""#
        if case .point = form {
            let groups = (1...2).map { group in
                let questions = (1...2).map { question in
                    let answer = Int(seed.number(UInt64(1_940 + group * 4 + question) + state.answers * 100, below: 3))
                    return #"{"questionId":"\#(FormBook.questionID(version, group, question))","answerId":""#
                        + FormBook.answerID(version, group, question, answer)
                        + #"","score":\#(answer * 5),"markedNA":false,"failedKillQuestion":false,"comments":""}"#
                }
                return #"{"questionGroupId":"\#(FormBook.groupID(version, group))","totalScore":10.0,"maxTotalScore":20.0"#
                    + #","markedNA":false,"questionScores":[\#(questions.joined(separator: ","))]}"#
            }
            text += #","questionGroupScores":[\#(groups.joined(separator: ","))]"#
        }
        return text + "}"
    }

    private func score(_ state: EvaluationPlan.State, _ seed: RecordSeed) -> Int {
        80 + Int(seed.number(1_904 + state.answers * 100, below: 121))
    }

    private func status(_ state: EvaluationPlan.State, _ facts: ConversationFacts, isAnalytics: Bool) -> String {
        guard facts.awkward != .unknownEnums else { return isAnalytics ? "Pondered" : "PONDERED" }
        return isAnalytics ? state.status.inAnalytics : state.status.rawValue
    }

    private func mediaType(_ facts: ConversationFacts) -> String {
        facts.kind.mediaType == "voice" ? "CALL" : facts.kind.mediaType.uppercased()
    }

    private func time(_ instant: SimulatorInstant, _ facts: ConversationFacts) -> String {
        var bytes = RecordBytes(capacity: 32)
        bytes.append(instant: instant, wholeSeconds: facts.awkward == .wholeSeconds)
        return bytes.string
    }
}
