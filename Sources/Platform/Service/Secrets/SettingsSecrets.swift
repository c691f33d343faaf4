extension Settings {
    /// Reads a required secret reference and resolves it.
    ///
    /// - Parameter key: The key in this scope.
    /// - Returns: The secret; an empty one after a problem.
    public func secret(_ key: String) -> Secret {
        if let secret = optionalSecret(key) { return secret }
        let key = absolute(key)
        if !ledger.hasValue(key) {
            note(SettingsProblem(key: key, given: nil, allowed: "a secret reference: \(SecretReference.allowed)"))
        }
        return Secret("")
    }

    /// Reads a secret reference that may be absent and resolves it.
    ///
    /// - Parameter key: The key in this scope.
    public func optionalSecret(_ key: String) -> Secret? {
        guard let reference = optionalSecretReference(key) else { return nil }
        do throws(SecretError) {
            return try ledger.resolver.resolve(reference)
        } catch {
            note(SettingsProblem(key: absolute(key), given: reference.description, allowed: error.description))
            return nil
        }
    }

    /// Reads a secret reference that may be absent, without resolving it.
    ///
    /// - Parameter key: The key in this scope.
    public func optionalSecretReference(_ key: String) -> SecretReference? {
        let key = absolute(key)
        let found: String
        switch ledger.lookUp(key)?.content {
        case .scalar(let text): found = text
        case nil, .null: return nil
        case .list:
            note(SettingsProblem(key: key, hidden: "a secret reference: \(SecretReference.allowed)"))
            return nil
        }
        // What is no reference may be the secret itself, so it's never shown.
        guard let reference = SecretReference(found) else {
            note(SettingsProblem(key: key, hidden: "a secret reference, not the secret itself: \(SecretReference.allowed)"))
            return nil
        }
        ledger.noteEffective(key, Self.quoted(reference.description))
        return reference
    }
}
