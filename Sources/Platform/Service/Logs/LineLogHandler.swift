import Logging

/// The swift-log backend of every program.
struct LineLogHandler: LogHandler {
    let label: String
    let format: LogFormat
    let line: LogLine
    let sink: any LogSink
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let own = event.metadata { fields.merge(own) { _, new in new } }
        if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        if format == .json {
            line.appendJSON(of: event, metadata: fields, logger: label, time: .now, to: &bytes)
        } else {
            line.appendReadable(of: event, metadata: fields, logger: label, time: .now, to: &bytes)
        }
        sink.write(bytes)
    }
}
