/// Writes the exact bytes of conversation records.
struct RecordRenderer: Sendable {
    let calendar: ConversationCalendar
    private let evaluations: EvaluationRenderer
    private let templates: [RecordTemplate]

    init(
        calendar: ConversationCalendar, organisation: Organisation, evaluations: EvaluationRenderer
    ) throws(RecordTemplateError) {
        self.calendar = calendar
        self.evaluations = evaluations
        var templates: [RecordTemplate] = []
        for kind in RecordShape.Kind.allCases {
            templates.append(try RecordTemplate(RecordShape.text(kind), organisation: organisation))
        }
        self.templates = templates
    }

    /// Appends the record as it reads at `now`.
    ///
    /// - Parameter revision: how often the page-shift behaviour changed it.
    func append(
        _ facts: ConversationFacts, revision: Int, now: SimulatorInstant, hasAttributes: Bool = false,
        to record: inout RecordBytes
    ) {
        var flags: RecordFlags = hasAttributes ? [.attributes] : []
        if facts.end <= now { flags.insert(.ended) }
        if let evaluated = facts.evaluated, evaluated <= now { flags.insert(.evaluated) }
        if let corrected = facts.corrected, corrected <= now { flags.insert(.corrected) }
        if revision > 0 { flags.insert(.revised) }
        switch facts.awkward {
        case .unknownEnums: flags.insert(.unknownEnums)
        case .missingFields: flags.insert(.missingFields)
        case .keyOrder: flags.insert(.identifierLast)
        default: break
        }
        let filler = GapFiller(
            facts: facts, seed: calendar.seed(of: facts.row), identifier: calendar.identifier(of: facts.row), revision: revision,
            hugeBytes: calendar.data.hugeBytes, evaluations: evaluations, now: now)
        let template = templates[facts.kind.rawValue]
        template.text.withUnsafeBufferPointer { text in
            var position = 0
            while position < template.operations.count {
                switch template.operations[position] {
                case .copy(let start, let count):
                    record.append(UnsafeBufferPointer(rebasing: text[start..<start + count]))
                case .fill(let gap):
                    filler.fill(gap, in: &record)
                case .unless(let flag, let inverted, let target):
                    if flags.contains(flag) == inverted {
                        position = target
                        continue
                    }
                }
                position += 1
            }
        }
    }
}

/// Fills the gaps of one record.
private struct GapFiller {
    let facts: ConversationFacts
    let seed: RecordSeed
    let identifier: ConversationID
    let revision: Int
    let hugeBytes: Int
    let evaluations: EvaluationRenderer
    let now: SimulatorInstant

    private var duration: Int64 { facts.end.milliseconds - facts.start.milliseconds }

    private func append(_ instant: SimulatorInstant, to record: inout RecordBytes) {
        record.append(instant: instant, wholeSeconds: facts.awkward == .wholeSeconds)
    }

    func fill(_ gap: RecordTemplate.Gap, in record: inout RecordBytes) {
        switch gap {
        case .conversation: record.append(uuid: identifier.high, identifier.low)
        case .identifier(let salt): record.append(identifier: seed.bits(salt))
        case .after(let milliseconds): append(facts.start.adding(milliseconds: milliseconds), to: &record)
        case .at(let thousandths): append(facts.start.adding(milliseconds: duration * thousandths / 1_000), to: &record)
        case .number(let salt, let lowest, let count):
            record.append(number: lowest + Int64(seed.number(salt, below: count)))
        case .share(let thousandths): record.append(number: duration * thousandths / 1_000)
        case .member(let salt, let members):
            record.append(members[Int(seed.number(salt, below: UInt64(members.count)))])
        case .digits(let salt): record.append(number: Int(seed.number(salt, below: 10_000_000)), digits: 7)
        case .score(let salt):
            let hundredths = 300 + Int64(seed.number(salt, below: 190))
            record.append(number: hundredths / 100)
            record.append(UInt8(ascii: "."))
            record.append(number: Int(hundredths % 100), digits: 2)
        case .evaluations: evaluations.appendToConversation(facts, seed, now: now, to: &record)
        case .revision: record.append(number: Int64(revision))
        case .extra:
            if let awkward = facts.awkward { record.append(AwkwardText.extra(awkward)) }
            if facts.isHuge { AwkwardText.appendHuge(bytes: hugeBytes, to: &record) }
        }
    }
}
