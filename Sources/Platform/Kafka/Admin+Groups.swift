internal import CLibrdkafka

extension Admin {
    /// The names of all consumer groups, sorted.
    ///
    /// - Throws: the first error when no broker could be asked; what one broker of several doesn't tell is left out.
    public func consumerGroups(timeout: Duration = .seconds(10)) throws(KafkaError) -> [String] {
        let answer: Result<[String], KafkaError> = try Self.request(
            try open("list consumer groups"), "list consumer groups", RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, timeout
        ) { handle, options, queue in
            rd_kafka_ListConsumerGroups(handle, options, queue)
        } read: { event in
            let result = rd_kafka_event_ListConsumerGroups_result(event)
            var count = 0
            let groups = rd_kafka_ListConsumerGroups_result_valid(result, &count)
            let names = (0..<count).compactMap { index in
                groups?[index].flatMap { rd_kafka_ConsumerGroupListing_group_id($0) }.map { String(cString: $0) }
            }
            var errorCount = 0
            let errors = rd_kafka_ListConsumerGroups_result_errors(result, &errorCount)
            if names.isEmpty, errorCount > 0, let error = errors?[0] {
                return .failure(KafkaError(borrowing: error, operation: "list consumer groups"))
            }
            return .success(names.sorted())
        }
        return try answer.get()
    }

    /// What a group's coordinator says of it; a group that doesn't exist is `dead`.
    public func consumerGroup(_ name: String, timeout: Duration = .seconds(10)) throws(KafkaError) -> ConsumerGroup {
        let operation = "describe consumer group \(name)"
        return try askingCoordinator(operation, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout) { handle, options, queue in
            name.withCString { text in
                var names: [UnsafePointer<CChar>?] = [text]
                rd_kafka_DescribeConsumerGroups(handle, &names, 1, options, queue)
            }
        } read: { event in
            var count = 0
            let groups = rd_kafka_DescribeConsumerGroups_result_groups(
                rd_kafka_event_DescribeConsumerGroups_result(event), &count)
            guard count > 0, let group = groups?[0] else {
                return .success(ConsumerGroup(id: name, state: .dead, assignor: "", members: []))
            }
            if let error = rd_kafka_ConsumerGroupDescription_error(group) {
                return .failure(KafkaError(borrowing: error, operation: operation))
            }
            return .success(ConsumerGroup(native: group, name: name))
        }
    }

    /// Everything that a group has committed.
    public func committedOffsets(
        of group: String, timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
        let operation = "read offsets of group \(group)"
        var request = rd_kafka_ListConsumerGroupOffsets_new(group, nil)
        defer { rd_kafka_ListConsumerGroupOffsets_destroy(request) }
        return try askingCoordinator(operation, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout) { handle, options, queue in
            rd_kafka_ListConsumerGroupOffsets(handle, &request, 1, options, queue)
        } read: { event in
            var count = 0
            let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
                rd_kafka_event_ListConsumerGroupOffsets_result(event), &count)
            guard count > 0, let result = groups?[0] else { return .success([:]) }
            if let error = rd_kafka_group_result_error(result) {
                return .failure(KafkaError(borrowing: error, operation: operation))
            }
            return .success(rd_kafka_group_result_partitions(result).map(TopicPartitionList.committedOffsets) ?? [:])
        }
    }

    /// Sets a group's offsets, and the metadata beside them, from outside.
    ///
    /// Apache Kafka refuses it while the group has members (`UNKNOWN_MEMBER_ID`), whatever the caller has looked at before.
    public func setCommittedOffsets(
        of group: String, to offsets: [TopicPartition: CommittedOffset], timeout: Duration = .seconds(30)
    ) throws(KafkaError) {
        guard !offsets.isEmpty else { return }
        let operation = "set offsets of group \(group)"
        let list = TopicPartitionList(offsets)
        var request = rd_kafka_AlterConsumerGroupOffsets_new(group, list.pointer)
        defer { rd_kafka_AlterConsumerGroupOffsets_destroy(request) }
        try askingCoordinator(operation, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, timeout) { handle, options, queue in
            rd_kafka_AlterConsumerGroupOffsets(handle, &request, 1, options, queue)
        } read: { event in
            var count = 0
            let groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
                rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count)
            guard count > 0, let result = groups?[0] else { return .success(()) }
            if let error = rd_kafka_group_result_error(result) {
                return .failure(KafkaError(borrowing: error, operation: operation))
            }
            let code = rd_kafka_group_result_partitions(result).flatMap(TopicPartitionList.firstError)
            return code.map { .failure(KafkaError(code: $0, operation: operation)) } ?? .success(())
        }
    }

    /// Takes commits of a group away, so that reading begins as if there had been none. Refused while the group reads the topic.
    public func deleteCommittedOffsets(
        of group: String, _ partitions: [TopicPartition], timeout: Duration = .seconds(30)
    ) throws(KafkaError) {
        guard !partitions.isEmpty else { return }
        let operation = "delete offsets of group \(group)"
        let list = TopicPartitionList(partitions)
        var request = rd_kafka_DeleteConsumerGroupOffsets_new(group, list.pointer)
        defer { rd_kafka_DeleteConsumerGroupOffsets_destroy(request) }
        try askingCoordinator(operation, RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS, timeout) { handle, options, queue in
            rd_kafka_DeleteConsumerGroupOffsets(handle, &request, 1, options, queue)
        } read: { event in
            var count = 0
            let groups = rd_kafka_DeleteConsumerGroupOffsets_result_groups(
                rd_kafka_event_DeleteConsumerGroupOffsets_result(event), &count)
            guard count > 0, let result = groups?[0] else { return .success(()) }
            if let error = rd_kafka_group_result_error(result) {
                return .failure(KafkaError(borrowing: error, operation: operation))
            }
            let code = rd_kafka_group_result_partitions(result).flatMap(TopicPartitionList.firstError)
            return code.map { .failure(KafkaError(code: $0, operation: operation)) } ?? .success(())
        }
    }

    /// Asks a group's coordinator, again while it is moving or loading: librdkafka's own requests don't.
    private func askingCoordinator<Answer>(
        _ operation: String, _ kind: rd_kafka_admin_op_t, _ timeout: Duration,
        send: (_ handle: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
        read: (_ event: OpaquePointer) -> Result<Answer, KafkaError>
    ) throws(KafkaError) -> Answer {
        let end = ContinuousClock.now + timeout
        while true {
            let handle = try open(operation)
            let failure: KafkaError
            do throws(KafkaError) {
                return try Self.request(handle, operation, kind, timeout, send: send, read: read).get()
            } catch {
                failure = error
            }
            guard Self.isMoving.contains(failure.code), .now < end else { throw failure }
            // Also waits for the next question: this thread may block.
            rd_kafka_poll(handle, 200)
        }
    }

    private static let isMoving: Set<String> = [
        "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "_WAIT_COORD",
    ]
}

extension ConsumerGroup {
    fileprivate init(native group: OpaquePointer, name: String) {
        let members = (0..<rd_kafka_ConsumerGroupDescription_member_count(group)).compactMap { index in
            rd_kafka_ConsumerGroupDescription_member(group, index).map { member in
                let assignment = rd_kafka_MemberDescription_assignment(member)
                    .flatMap { rd_kafka_MemberAssignment_partitions($0) }
                return Member(
                    id: rd_kafka_MemberDescription_consumer_id(member).map { String(cString: $0) } ?? "",
                    client: rd_kafka_MemberDescription_client_id(member).map { String(cString: $0) } ?? "",
                    instance: rd_kafka_MemberDescription_group_instance_id(member).map { String(cString: $0) },
                    host: rd_kafka_MemberDescription_host(member).map { String(cString: $0) } ?? "",
                    partitions: assignment.map { TopicPartitionList.partitions(of: $0).sorted() } ?? [])
            }
        }
        let assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(group).map { String(cString: $0) } ?? ""
        let state = State(rd_kafka_ConsumerGroupDescription_state(group))
        if members.isEmpty, state == .stable, !assignor.isEmpty {
            // Tansu names no members and gives the id of the one that leads in the assignor's place.
            let client = assignor.count > 37 ? String(assignor.dropLast(37)) : assignor
            let leader = Member(id: assignor, client: client, host: "", partitions: [])
            self.init(id: name, state: state, assignor: "", members: [leader])
        } else {
            self.init(id: name, state: state, assignor: assignor, members: members)
        }
    }
}

extension ConsumerGroup.State {
    fileprivate init(_ native: rd_kafka_consumer_group_state_t) {
        self =
            switch native {
            case RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE: .preparingRebalance
            case RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE: .completingRebalance
            case RD_KAFKA_CONSUMER_GROUP_STATE_STABLE: .stable
            case RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY: .empty
            case RD_KAFKA_CONSUMER_GROUP_STATE_DEAD: .dead
            default: .unknown
            }
    }
}
