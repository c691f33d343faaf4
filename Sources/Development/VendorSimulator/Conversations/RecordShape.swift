/// The kinds of conversation that the simulated organisation has.
enum RecordShape {
    enum Kind: Int, CaseIterable, Sendable {
        case inbound, outbound, transferred, abandoned, chat, email, message, callback

        /// How the kinds are spread: an entry for each of a hundred conversations.
        static let weighted: [Kind] = [
            (Kind.inbound, 50), (.outbound, 12), (.transferred, 4), (.abandoned, 8), (.chat, 7), (.email, 9), (.message, 8),
            (.callback, 2),
        ].flatMap { kind, share in [Kind](repeating: kind, count: share) }

        /// The media type of every session.
        var mediaType: String {
            switch self {
            case .inbound, .outbound, .transferred, .abandoned: "voice"
            case .chat: "chat"
            case .email: "email"
            case .message: "message"
            case .callback: "callback"
            }
        }

        var originatingDirection: String {
            self == .outbound ? "outbound" : "inbound"
        }

        /// The lengths in milliseconds between which a conversation of ordinary length lies.
        var duration: Range<Int64> {
            switch self {
            case .abandoned: 20_000..<240_000
            case .inbound, .outbound, .transferred: 30_000..<1_500_000
            case .chat, .callback: 120_000..<2_400_000
            case .email, .message: 300_000..<21_600_000
            }
        }
    }

    /// The text of a kind, in the notation of ``RecordTemplate``.
    ///
    /// The field names are those of the vendor's analytics conversation; `participants` carry attributes in the results of
    /// jobs only. Salts 1 to 99 belong to the customer, 100 to 199 to the queue, from 200 on to agents, from 900 on to the
    /// evaluation.
    static func text(_ kind: Kind) -> String {
        switch kind {
        case .inbound:
            conversation(kind, [customer(kind), queue(kind), agent(kind, 200, from: 250, to: 1_000)])
        case .outbound:
            conversation(kind, [dialer, agent(kind, 200, from: 60, to: 1_000), customer(kind)])
        case .transferred:
            conversation(
                kind,
                [
                    customer(kind), menu, queue(kind), agent(kind, 200, from: 200, to: 550),
                    agent(kind, 300, from: 560, to: 1_000),
                ])
        case .abandoned:
            conversation(kind, [customer(kind), menu, queue(kind)])
        case .chat, .email, .message, .callback:
            conversation(kind, [customer(kind), queue(kind), agent(kind, 200, from: 200, to: 1_000)])
        }
    }

    private static func conversation(_ kind: Kind, _ participants: [String]) -> String {
        let scores =
            kind.mediaType == "voice"
            ? #"""
            {{!missingFields}},"mediaStatsMinConversationMos":{{score:10}}
            ,"mediaStatsMinConversationRFactor":{{number:11:61:92}}.{{number:12:1:9}}{{/}}
            """#
            : ""
        return #"""
            {
            {{!identifierLast}}"conversationId":"{{conversation}}",{{/}}
            "conversationStart":"{{after:0}}"
            {{?ended}},"conversationEnd":"{{at:1000}}"{{/}}
            {{!missingFields}},"originatingDirection":"\#(kind.originatingDirection)","divisionIds":["{{division:1}}"]{{/}}
            {{?ended}}\#(scores){{/}}
            {{?corrected}},"customerParticipation":true,"selfServed":false{{/}}
            {{?revised}},"externalTag":"revision-{{revision}}"{{/}}
            ,"participants":[\#(participants.joined(separator: ","))]
            {{?evaluated}},"evaluations":[{{evaluations}}]{{/}}
            {{extra}}
            {{?identifierLast}},"associatedConversation":{"conversationId":"{{identifier:990}}"},"conversationId":"{{conversation}}"{{/}}
            }
            """#
    }

    private static func customer(_ kind: Kind) -> String {
        let address: String
        switch kind.mediaType {
        case "voice", "callback":
            address =
                kind == .outbound
                ? #""ani":"tel:+63281{{digits:2}}","dnis":"tel:+63917{{digits:3}}","#
                : #""ani":"tel:+63917{{digits:3}}","dnis":"tel:+63281{{digits:2}}","#
        case "email":
            address = #""addressFrom":"customer{{digits:3}}@example.com","addressTo":"care@example.org","#
        default:
            address = #""addressFrom":"{{identifier:4}}","addressTo":"{{identifier:5}}","#
        }
        return #"""
            {"participantId":"{{identifier:20}}"
            {{!missingFields}},"participantName":"Customer {{digits:3}}","externalContactId":"{{identifier:21}}"{{/}}
            {{?attributes}},"attributes":{"customer.tier":"{{number:27:1:3}}","ivr path":"main \/ cards \"{{digits:28}}\""}{{/}}
            ,"purpose":"{{?unknownEnums}}hologram{{/}}{{!unknownEnums}}\#(kind == .outbound ? "external" : "customer"){{/}}"
            ,"sessions":[{"sessionId":"{{identifier:22}}","mediaType":"\#(kind.mediaType)"
            ,"direction":"\#(kind.originatingDirection)",\#(address)
            "provider":"{{?unknownEnums}}Carrier Pigeon 2{{/}}{{!unknownEnums}}Edge{{/}}"
            {{!missingFields}},"edgeId":"{{edge:25}}"{{/}}
            ,"recording":true,"metrics":[{"name":"nConnected","value":1,"emitDate":"{{after:0}}"}
            {{?ended}},{"name":"tConnected","value":{{share:1000}},"emitDate":"{{at:1000}}"}{{/}}]
            ,"segments":[{"segmentType":"interact","segmentStart":"{{after:0}}"
            {{?ended}},"segmentEnd":"{{at:1000}}","disconnectType":"{{?unknownEnums}}teleported{{/}}{{!unknownEnums}}endpoint{{/}}"{{/}}
            ,"conference":false}]}]}
            """#
    }

    private static let menu = #"""
        {"participantId":"{{identifier:60}}","participantName":"{{flow.name:61}}","purpose":"ivr"
        ,"sessions":[{"sessionId":"{{identifier:62}}","peerId":"{{identifier:22}}","mediaType":"voice","direction":"inbound"
        ,"flow":{"flowId":"{{flow:61}}","flowName":"{{flow.name:61}}","flowType":"INBOUNDCALL","flowVersion":"{{number:63:1:40}}.0"
        ,"entryType":"dnis","entryReason":"tel:+63281{{digits:2}}"
        {{?ended}},"exitReason":"TRANSFER","transferType":"ACD","transferTargetName":"{{queue.name:110}}"{{/}}
        ,"startingLanguage":"en-us","endingLanguage":"en-us"}
        ,"metrics":[{"name":"nFlow","value":1,"emitDate":"{{after:40}}"}
        {{?ended}},{"name":"tIvr","value":{{share:40}},"emitDate":"{{at:40}}"}{{/}}]
        ,"segments":[{"segmentType":"{{?unknownEnums}}daydream{{/}}{{!unknownEnums}}ivr{{/}}","segmentStart":"{{after:40}}"
        {{?ended}},"segmentEnd":"{{at:40}}","disconnectType":"transfer"{{/}},"conference":false}]}]}
        """#

    private static let dialer = #"""
        {"participantId":"{{identifier:60}}","participantName":"{{campaign.name:61}}","purpose":"dialer"
        ,"sessions":[{"sessionId":"{{identifier:62}}","mediaType":"voice","direction":"outbound"
        ,"outboundCampaignId":"{{campaign:61}}","outboundContactId":"{{identifier:64}}","outboundContactListId":"{{identifier:65}}"
        {{!missingFields}},"dispositionName":"default","dispositionAnalyzer":"call-analysis"{{/}}
        ,"metrics":[{"name":"nOutboundAttempted","value":1,"emitDate":"{{after:5}}"}
        ,{"name":"tDialing","value":{{number:66:900:4000}},"emitDate":"{{after:900}}"}]
        ,"segments":[{"segmentType":"dialing","segmentStart":"{{after:5}}"
        {{?ended}},"segmentEnd":"{{at:30}}","disconnectType":"transfer"{{/}},"conference":false}]}]}
        """#

    private static func queue(_ kind: Kind) -> String {
        #"""
        {"participantId":"{{identifier:100}}","participantName":"{{queue.name:110}}","purpose":"acd"
        ,"sessions":[{"sessionId":"{{identifier:102}}","peerId":"{{identifier:22}}","mediaType":"\#(kind.mediaType)"
        ,"direction":"inbound","usedRouting":"Standard"
        ,"metrics":[{"name":"nOffered","value":1,"emitDate":"{{after:900}}"}
        {{?ended}},{"name":"\#(kind == .abandoned ? "tAbandon" : "tAcd")","value":{{share:150}},"emitDate":"{{at:190}}"}{{/}}]
        ,"segments":[{"segmentType":"interact","segmentStart":"{{after:900}}"
        {{?ended}},"segmentEnd":"{{at:190}}","disconnectType":"\#(kind == .abandoned ? "client" : "transfer")"{{/}}
        ,"queueId":"{{queue:110}}"{{!missingFields}},"requestedRoutingSkillIds":["{{skill:111}}"]{{/}}
        ,"conference":false}]}]}
        """#
    }

    private static func agent(_ kind: Kind, _ salt: Int, from: Int, to: Int) -> String {
        #"""
        {"participantId":"{{identifier:\#(salt)}}"
        {{!missingFields}},"participantName":"{{user.name:\#(salt + 1)}}","teamId":"{{team:\#(salt + 2)}}"{{/}}
        ,"userId":"{{user:\#(salt + 1)}}","purpose":"agent"
        ,"sessions":[{"sessionId":"{{identifier:\#(salt + 3)}}","peerId":"{{identifier:22}}","mediaType":"\#(kind.mediaType)"
        ,"direction":"\#(kind.originatingDirection)","recording":true
        {{!missingFields}},"usedRouting":"Standard"{{/}}
        ,"metrics":[{"name":"nConnected","value":1,"emitDate":"{{after:1000}}"}
        {{?ended}},{"name":"tTalk","value":{{share:\#((to - from) / 3)}},"emitDate":"{{at:\#(from + 100)}}"}
        ,{"name":"tTalk","value":{{share:\#((to - from) / 2)}},"emitDate":"{{at:\#(to)}}"}
        ,{"name":"tHandle","value":{{share:\#(to - from)}},"emitDate":"{{at:\#(to)}}"}{{/}}]
        ,"segments":[{"segmentType":"alert","segmentStart":"{{after:1000}}"
        {{?ended}},"segmentEnd":"{{at:\#(from)}}"{{/}},"conference":false}
        {{?ended}},{"segmentType":"interact","segmentStart":"{{at:\#(from)}}","segmentEnd":"{{at:\#(to - 60)}}"
        ,"disconnectType":"peer","conference":false}
        ,{"segmentType":"wrapup","segmentStart":"{{at:\#(to - 60)}}","segmentEnd":"{{at:\#(to)}}","queueId":"{{queue:110}}"
        ,"wrapUpCode":"{{wrapup:\#(salt + 5)}}"{{!missingFields}},"wrapUpNote":"{{wrapup.name:\#(salt + 5)}}","wrapUpTags":[]{{/}}
        ,"conference":false}{{/}}]}]}
        """#
    }
}
