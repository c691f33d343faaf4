/// The evaluation forms of the simulated organisation: each in three published versions and a draft.
struct FormBook: Sendable {
    struct Version: Sendable {
        var id: String
        /// Stable over the versions.
        var contextID: String
        var name: String
        /// From 1.
        var number: Int
        var isPublished: Bool
    }

    /// The published versions of every form, oldest first.
    let forms: [[Version]]
    private let byID: [String: (form: Int, version: Version)]
    private let drafts: [Version]
    static let publishedVersions = 3

    init(organisation: Organisation, seed: UInt64) {
        var forms: [[Version]] = []
        var drafts: [Version] = []
        var byID: [String: (form: Int, version: Version)] = [:]
        for (index, form) in organisation.forms.enumerated() {
            func version(_ number: Int, isPublished: Bool) -> Version {
                var bytes = RecordBytes(capacity: 36)
                bytes.append(identifier: Mixing.combine(seed, 70 << 32 | UInt64(index * 100 + number)))
                return Version(
                    id: bytes.string, contextID: form.id, name: form.name, number: number, isPublished: isPublished)
            }
            let versions = (1...FormBook.publishedVersions).map { version($0, isPublished: true) }
            let draft = version(99, isPublished: false)
            forms.append(versions)
            drafts.append(draft)
            for version in versions + [draft] { byID[version.id] = (index, version) }
        }
        self.forms = forms
        self.drafts = drafts
        self.byID = byID
    }

    /// The version that an evaluation was made with.
    func version(of seed: RecordSeed) -> Version {
        let form = forms[Int(seed.number(1_902, below: UInt64(forms.count)))]
        return form[Int(seed.number(1_930, below: UInt64(form.count)))]
    }

    func version(_ id: String) -> Version? { byID[id]?.version }

    /// The revisions of a form, whichever of them is named; nil when none has this id.
    func revisions(of id: String) -> [Version]? {
        byID[id].map { forms[$0.form] + [drafts[$0.form]] }
    }

    /// Every published version, or the last one of each form.
    func published(onlyLatest: Bool) -> [Version] {
        forms.flatMap { onlyLatest ? $0.suffix(1) : $0[...] }
    }

    /// The forms as the plain listing has them: what is being worked on.
    var all: [Version] { drafts }

    /// A form's JSON.
    ///
    /// - Parameter isWhole: with its questions.
    func json(_ version: Version, isWhole: Bool) -> String {
        var text = #"{"id":"\#(version.id)","name":\#(JSONText.quoted(version.name)),"contextId":"\#(version.contextID)""#
        text +=
            #","modifiedDate":"2026-01-0\#(min(version.number, 9))T08:00:00.000Z","published":\#(version.isPublished && isWhole)"#
        text += #","weightMode":"SCALED","dialect":"en-US""#
        if isWhole { text += #","questionGroups":[\#((1...2).map { group(version, $0) }.joined(separator: ","))]"# }
        return text + #","selfUri":"/api/v2/quality/forms/evaluations/\#(version.id)"}"#
    }

    private func group(_ version: Version, _ number: Int) -> String {
        let questions = (1...2).map { question in
            let id = FormBook.questionID(version, number, question)
            let options = (0...2).map {
                #"{"id":"\#(FormBook.answerID(version, number, question, $0))","text":"Option \#($0)","value":\#($0 * 5)}"#
            }
            return #"{"id":"\#(id)","contextId":"\#(id)","text":"Was it \#(question)?","type":"multipleChoiceQuestion""#
                + #","naEnabled":true,"commentsRequired":false,"isKill":false,"isCritical":\#(question == 1)"#
                + #","answerOptions":[\#(options.joined(separator: ","))]}"#
        }
        return #"{"id":"\#(FormBook.groupID(version, number))","name":"Group \#(number)","type":"questionGroup","weight":0.5"#
            + #","manualWeight":false,"naEnabled":false,"questions":[\#(questions.joined(separator: ","))]}"#
    }

    static func groupID(_ version: Version, _ group: Int) -> String { "\(version.id.dropLast(4))a00\(group)" }

    static func questionID(_ version: Version, _ group: Int, _ question: Int) -> String {
        "\(version.id.dropLast(4))b0\(group)\(question)"
    }

    static func answerID(_ version: Version, _ group: Int, _ question: Int, _ answer: Int) -> String {
        "\(version.id.dropLast(4))c\(group)\(question)\(answer)"
    }
}
