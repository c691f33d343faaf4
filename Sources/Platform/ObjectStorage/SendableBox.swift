/// A value that can't be copied, shared by the closures that use it.
final class SendableBox<Value: ~Copyable & Sendable>: Sendable {
    let value: Value

    init(_ value: consuming Value) { self.value = value }
}
