/// What a key of the scripts' files is about, whatever it is called.
enum ImportedKey: String, CaseIterable {
    case report
    case fileName
    case folder
    case bucket
    case request
    case startDate
    case endDate
    case startTime
    case endTime
    case interval
    case zone
    case answers
    case role
    case domain
    case loginURL
    case apiURL
    case clientID
    case clientSecret
    case pageSize
    case concurrency
    case requestsPerMinute
    case cron
    case name
    case proxy
    case logLevel
    case retries
    case pageNumber
    case warehouse
    case remark

    /// The spellings, in lower case without anything but letters and digits.
    private var spellings: [String] {
        switch self {
        case .report:
            ["gcsreport", "report", "reportname", "reporttype", "gcsreportname", "dataset", "datasetname", "datatype", "entity"]
        case .fileName:
            [
                "gcsfilename", "filename", "filenamepattern", "filepattern", "outputfilename", "outputfile", "gcsfile",
                "gcsfilenamepattern", "objectname", "blobname", "gcsblob",
            ]
        case .folder:
            ["gcsfolder", "gcsprefix", "gcspath", "folder", "outputfolder", "outputpath", "directory", "outputdir", "blobprefix"]
        case .bucket: ["gcsbucket", "bucket", "bucketname", "gcsbucketname", "storagebucket"]
        case .request: ["requestbody", "body", "query", "payload", "request", "querybody", "requestparams", "params"]
        case .startDate:
            ["startdate", "startdatedelta", "startdelta", "datefrom", "fromdate", "startday", "startoffset", "startdaysago"]
        case .endDate: ["enddate", "enddatedelta", "enddelta", "dateto", "todate", "endday", "endoffset", "enddaysago"]
        case .startTime: ["starttime", "timefrom", "fromtime", "starthour"]
        case .endTime: ["endtime", "timeto", "totime", "endhour"]
        case .interval: ["interval", "daterange"]
        case .zone: ["timezone", "tz", "zone", "timezonename", "utcoffset", "tzoffset"]
        case .answers: ["expandanswertotalscores", "expandanswers", "expandanswerscores"]
        case .role: ["rolename", "role", "evaluatorrole", "evaluatorrolename", "roles", "qualityrole"]
        case .domain:
            [
                "environment", "region", "domain", "genesysdomain", "genesysregion", "genesyscloudregion", "genesysenvironment",
                "genesyscloudenvironment", "purecloudenvironment", "purecloudregion", "host", "orgregion", "env",
            ]
        case .loginURL: ["loginurl", "authurl", "tokenurl", "oauthurl", "authhost", "loginhost", "authendpoint"]
        case .apiURL: ["apiurl", "baseurl", "apihost", "basepath", "endpoint", "url", "apibase"]
        case .clientID:
            ["clientid", "genesysclientid", "genesyscloudclientid", "oauthclientid", "purecloudclientid", "gcclientid"]
        case .clientSecret:
            [
                "clientsecret", "genesysclientsecret", "genesyscloudclientsecret", "oauthclientsecret", "purecloudclientsecret",
                "gcclientsecret", "secret",
            ]
        case .pageSize: ["pagesize", "perpage", "recordsperpage"]
        case .concurrency: ["concurrency", "threads", "maxworkers", "workers", "parallel", "parallelism"]
        case .requestsPerMinute: ["ratelimit", "requestsperminute", "rpm", "maxrequestsperminute"]
        case .cron: ["cron", "schedule", "crontab", "cronexpression"]
        case .name: ["name", "jobname", "taskname", "title"]
        case .proxy: ["proxy", "httpproxy", "httpsproxy", "proxyurl"]
        case .logLevel: ["loglevel", "logging", "verbosity", "log"]
        case .retries:
            ["retries", "maxretries", "retry", "retrycount", "retrydelay", "backoff", "sleep", "delay", "timeout", "wait"]
        case .pageNumber: ["pagenumber", "page", "firstpage", "startpage"]
        case .warehouse:
            [
                "project", "projectid", "gcpproject", "gcpprojectid", "bqdataset", "bqtable", "bigquerydataset", "bigquerytable",
                "bqproject", "table", "tablename", "tableid", "datasetid", "location", "writedisposition", "schema",
            ]
        case .remark: ["comment", "comments", "description", "remark", "remarks", "note", "notes", "version", "schemaversion"]
        }
    }

    private static let bySpelling: [String: ImportedKey] = Dictionary(
        allCases.flatMap { key in key.spellings.map { ($0, key) } }
    ) { first, _ in first }

    /// What a name is about; nil when nobody knows.
    init?(name: String) {
        if name.hasPrefix("_") || name.hasPrefix("//") || name.hasPrefix("#") {
            self = .remark
            return
        }
        guard let key = Self.bySpelling[Self.plain(name)] else { return nil }
        self = key
    }

    /// Names that hold several reports, one below the other.
    static func holdsReports(_ name: String) -> Bool {
        ["reports", "report", "jobs", "tasks", "extracts", "extractions", "datasets", "configs", "gcsreports", "pipelines"]
            .contains(plain(name))
    }

    /// Whether what stands under a name must not be seen by anybody.
    static func isSecret(_ name: String) -> Bool {
        let plain = plain(name)
        if ["tokenurl", "tokenendpoint", "tokenuri", "secretname", "pagetoken"].contains(plain) { return false }
        return [
            "secret", "password", "passwd", "passphrase", "pwd", "token", "privatekey", "apikey", "accesskey", "credential",
            "authorization", "bearer", "serviceaccount", "signature",
        ].contains { plain.contains($0) }
    }

    /// Lower case, letters and digits only.
    static func plain(_ name: String) -> String {
        String(
            decoding: name.lowercased().utf8.filter { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 >= 0x30 && $0 <= 0x39 },
            as: UTF8.self)
    }
}
