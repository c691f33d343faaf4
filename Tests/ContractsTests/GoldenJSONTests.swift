import Foundation
import Testing

@testable import Contracts

/// The wire format as literal text: whoever changes it here changes it for every process that runs already.
@Suite("Messages on the wire")
struct GoldenJSONTests {
    @Test("a job with everything has this JSON, and reads back the same")
    func fullJob() throws {
        let message = Sample.job.message(to: TopicNames(prefix: "prod."))
        #expect(String(decoding: message.value, as: UTF8.self) == Sample.jobJSON)
        #expect(try Job.decode(message.value) == Sample.job)
        #expect(message.topic == "prod.jobs.conversation")
        #expect(message.key == Array("daily-1".utf8))
    }

    @Test("a job needs no more than this; its root is itself and its parameters are empty")
    func smallJob() throws {
        let text = #"""
            {"version":1,"id":"x","kind":"conversation","source":"genesys/main","dataset":"conversations",
             "createdAt":"2026-03-01T16:00:05Z"}
            """#
        let job = try Job.decode(Array(text.utf8))
        #expect(
            job
                == Job(
                    id: "x", kind: "conversation", source: "genesys/main", dataset: "conversations",
                    createdAt: Sample.date("2026-03-01T16:00:05.000Z")))
        #expect(job.root == "x" && job.revision == 0 && job.parameters == .object([:]) && job.parent == nil)
    }

    @Test("each kind of event has this JSON, and reads back the same", arguments: Sample.events)
    func event(_ sample: Sample.Event) throws {
        let message = sample.event.message(to: TopicNames())
        #expect(String(decoding: message.value, as: UTF8.self) == sample.json)
        #expect(try JobEvent.decode(message.value) == sample.event)
        #expect(message.topic == "job.events")
        #expect(message.key == Array("root-1".utf8), "a run's events are in one partition, its children's too")
    }

    @Test("every kind of event but the unknown has a sample")
    func everyKind() {
        #expect(Set(Sample.events.map(\.event.event)) == Set(JobEvent.Kind.allCases).subtracting([.unknown]))
    }

    @Test("an alert has this JSON, and reads back the same")
    func alert() throws {
        let alert = Alert(
            key: "day-failed/genesys/main/conversations/2026-03-01", state: .firing, severity: .critical, summary: "it failed",
            advice: "look", source: "genesys/main", dataset: "conversations", day: "2026-03-01",
            since: Sample.date("2026-03-01T16:00:00.000Z"), at: Sample.date("2026-03-01T16:00:01.500Z"))
        let message = alert.message(to: TopicNames())
        #expect(
            String(decoding: message.value, as: UTF8.self)
                == #"{"advice":"look","at":"2026-03-01T16:00:01.500Z","dataset":"conversations","day":"2026-03-01","#
                + #""key":"day-failed/genesys/main/conversations/2026-03-01","severity":"critical","since":"2026-03-01T16:00:00.000Z","#
                + #""source":"genesys/main","state":"firing","summary":"it failed","version":1}"#)
        #expect(try Alert.decode(message.value) == alert)
        #expect(message.topic == "alerts" && message.key == Array(alert.key.utf8))
        var resolved = alert
        resolved.state = .resolved
        resolved.severity = .warning
        let again = resolved.message(to: TopicNames())
        #expect(String(decoding: again.value, as: UTF8.self).contains(#""severity":"warning""#))
        #expect(String(decoding: again.value, as: UTF8.self).contains(#""state":"resolved""#))
        #expect(again.key == message.key, "firing and resolved are compacted into one")
    }

    @Test("a schedule's state has this JSON, and reads back the same")
    func scheduleState() throws {
        let state = ScheduleState(
            schedule: "daily", lastFire: Sample.date("2026-03-02T00:15:00.000Z"),
            lastIntervalEnd: Sample.date("2026-03-01T16:00:00.000Z"), definitionHash: "0123456789abcdef",
            updatedAt: Sample.date("2026-03-02T00:15:00.123Z"))
        let message = state.message(to: TopicNames())
        #expect(
            String(decoding: message.value, as: UTF8.self)
                == #"{"definitionHash":"0123456789abcdef","lastFire":"2026-03-02T00:15:00.000Z","#
                + #""lastIntervalEnd":"2026-03-01T16:00:00.000Z","schedule":"daily","updatedAt":"2026-03-02T00:15:00.123Z","version":1}"#
        )
        #expect(try ScheduleState.decode(message.value) == state)
        #expect(message.topic == "schedule.state" && message.key == Array("daily".utf8))
    }

    @Test("a manifest has these bytes, whatever the order of its objects; nothing in them depends on the run")
    func manifest() throws {
        let objects = [
            Manifest.Object(key: "f/b_2.json", records: 1, bytes: 10, sha256: "bb"),
            Manifest.Object(key: "f/b_1.json", records: 100, bytes: 2000, sha256: "aa"),
        ]
        let manifest = Manifest(of: Sample.job, objects: objects)
        let golden = """
            {
              "bytes" : 2010,
              "dataset" : "conversations",
              "day" : "2026-03-01",
              "interval" : {
                "end" : "2026-03-01T16:00:00.000Z",
                "start" : "2026-02-28T16:00:00.000Z"
              },
              "job" : "daily-1",
              "objects" : [
                {
                  "bytes" : 2000,
                  "key" : "f/b_1.json",
                  "records" : 100,
                  "sha256" : "aa"
                },
                {
                  "bytes" : 10,
                  "key" : "f/b_2.json",
                  "records" : 1,
                  "sha256" : "bb"
                }
              ],
              "records" : 101,
              "revision" : 2,
              "source" : "genesys/main",
              "version" : 1
            }

            """
        #expect(String(decoding: manifest.encoded(), as: UTF8.self) == golden)
        #expect(Manifest(of: Sample.job, objects: objects.reversed()).encoded() == manifest.encoded())
        #expect(try Manifest.decode(manifest.encoded()) == manifest)
    }

    @Test("merged manifests are the sum of their parts over the whole time")
    func mergedManifest() throws {
        var morning = Sample.job
        morning.interval = Sample.interval("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")
        var evening = Sample.job
        evening.id = "other"
        evening.interval = Sample.interval("2026-03-01T12:00:00Z", "2026-03-02T00:00:00Z")
        let parts = [
            Manifest(of: morning, objects: [Manifest.Object(key: "f/z", records: 3, bytes: 30, sha256: "aa")]),
            Manifest(of: evening, objects: [Manifest.Object(key: "f/a", records: 4, bytes: 40, sha256: "bb")]),
        ]
        let whole = try #require(Manifest(merging: parts))
        #expect(whole.objects.map(\.key) == ["f/a", "f/z"])
        #expect(whole.records == 7 && whole.bytes == 70)
        #expect(whole.interval == Sample.interval("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"))
        #expect(Manifest(merging: []) == nil)
    }

    @Test("headers are CloudEvents 1.0 in binary mode, with the trace")
    func headers() throws {
        let headers = Dictionary(
            uniqueKeysWithValues: Sample.job.message(to: TopicNames()).headers.map { ($0.name, $0.value) })
        #expect(
            headers == [
                "ce_specversion": "1.0", "ce_id": "daily-1.2", "ce_type": "switchboard.job.conversation",
                "ce_source": "genesys/main", "ce_time": "2026-03-01T16:00:05.000Z", "ce_subject": "daily-1",
                "content-type": "application/json", "job-kind": "conversation", "traceparent": Sample.trace,
            ])
        let event = JobEvent(.started, of: Sample.job, at: Sample.date("2026-03-01T17:00:00Z"), attempt: 3, worker: "w@1")
        let eventHeaders = Dictionary(
            uniqueKeysWithValues: event.message(to: TopicNames(), traceparent: nil).headers.map { ($0.name, $0.value) })
        #expect(eventHeaders["ce_type"] == "switchboard.job.started")
        #expect(eventHeaders["ce_source"] == "w@1" && eventHeaders["ce_subject"] == "daily-1")
        #expect(eventHeaders["traceparent"] == nil)
    }

    @Test("different events of one job have different ids, the same event has the same")
    func eventIDs() {
        func id(_ kind: JobEvent.Kind, attempt: Int, _ at: String) -> String? {
            JobEvent(kind, of: Sample.job, at: Sample.date(at), attempt: attempt).message(to: TopicNames()).headers
                .first { $0.name == "ce_id" }?.value
        }
        let ids = [
            id(.started, attempt: 1, "2026-03-01T16:00:00Z"), id(.started, attempt: 2, "2026-03-01T16:00:00Z"),
            id(.progressed, attempt: 1, "2026-03-01T16:00:00Z"), id(.progressed, attempt: 1, "2026-03-01T16:00:00.001Z"),
        ]
        #expect(Set(ids).count == 4)
        #expect(id(.started, attempt: 1, "2026-03-01T16:00:00Z") == ids[0])
        let notices = ["r-1", "r-2"].map { subject in
            JobEvent(
                .notice, of: Sample.job, at: Sample.date("2026-03-01T16:00:00Z"),
                notice: JobEvent.Notice(topic: "gdpr-request", subject: subject, facts: [:])
            ).message(to: TopicNames()).headers.first { $0.name == "ce_id" }?.value
        }
        #expect(notices[0] != notices[1], "a job gives several notices at one instant")
    }
}
