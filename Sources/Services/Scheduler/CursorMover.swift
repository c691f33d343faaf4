public import Contracts
internal import Foundation
public import Kafka
internal import Messaging

/// Moves the cursor of a schedule while schedulers run, so that neither the move nor what they publish is lost.
///
/// It takes the scheduler's transactional id: the leader's transactions are refused from then on. Only then it reads what is
/// stored, and commits the moved state. The leader sees the move in the topic, takes its right back and goes on from there.
public struct CursorMover: Sendable {
    private let kafka: KafkaConfiguration
    private let topics: TopicNames

    /// Moves cursors on this cluster.
    public init(_ kafka: KafkaConfiguration, topics: TopicNames) {
        self.kafka = kafka
        self.topics = topics
    }

    /// What became of a move.
    public enum Outcome: Sendable, Hashable {
        /// It stands, or the scheduler has gone on from it; with the state now.
        case stands(ScheduleState)
        /// Something wrote over it that didn't know it; with the state now.
        case overwritten(ScheduleState?)
    }

    /// Another operator has moved the cursor since the move was planned. What the scheduler has published meanwhile is no reason
    /// to refuse: the new cursor says what counts.
    public struct Changed: Error, Sendable, CustomStringConvertible {
        /// What is stored now.
        public let state: ScheduleState?
        /// What happened and what to do.
        public let description = "somebody else has moved the cursor meanwhile; nothing was changed: look again, then repeat"
    }

    /// Publishes a moved state.
    ///
    /// - Parameters:
    ///   - state: what is to be stored; how often the cursor was moved is counted here.
    ///   - old: what the plan was made from.
    /// - Returns: the state as it was published.
    /// - Throws: ``Changed`` when somebody else has moved the cursor; a `KafkaError`.
    public func move(to state: ScheduleState, from old: ScheduleState?) async throws -> ScheduleState {
        for _ in 1..<Self.attempts {
            do {
                return try await moveOnce(to: state, from: old)
            } catch let error as KafkaError where error.kind == .fenced {
                // The leader, or another operator, has taken the right in between.
                continue
            }
        }
        return try await moveOnce(to: state, from: old)
    }

    private static let attempts = 5

    private func moveOnce(to state: ScheduleState, from old: ScheduleState?) async throws -> ScheduleState {
        let producer = try TransactionalProducer(kafka, transactionalID: "\(topics.prefix)scheduler")
        do {
            try await producer.initialize()
            let (states, _) = try await ScheduleStateReader(kafka, topic: topics.scheduleState).read()
            let present = states[state.schedule]
            guard present?.moves == old?.moves else { throw Changed(state: present) }
            var moved = state
            moved.moves = (present?.moves ?? 0) + 1
            var record = ProducerRecord(moved.message(to: topics))
            record.partition = 0
            let stored = record
            try await producer.transaction { producer throws(KafkaError) in try producer.send(stored) }
            await producer.close()
            return moved
        } catch {
            await producer.close()
            throw error
        }
    }

    /// Looks for a while whether a move stands: whoever still publishes from before it would write over it soon.
    public func confirm(_ moved: ScheduleState, for duration: Duration = .seconds(4)) async throws -> Outcome {
        let reader = ScheduleStateReader(kafka, topic: topics.scheduleState)
        let end = ContinuousClock.now + duration
        while true {
            let present = try await reader.read().states[moved.schedule]
            guard let present, present.moves ?? 0 >= moved.moves ?? 0 else { return .overwritten(present) }
            // A state that the scheduler has written from the moved one settles it.
            if present.movedBy == nil || .now >= end { return .stands(present) }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}
