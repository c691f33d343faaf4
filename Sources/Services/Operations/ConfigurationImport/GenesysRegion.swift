/// The vendor's regions as scripts name them.
enum GenesysRegion {
    /// Domains by the names of the AWS regions.
    private static let domains = [
        "us-east-1": "mypurecloud.com", "us-east-2": "use2.us-gov-pure.cloud", "us-west-2": "usw2.pure.cloud",
        "ca-central-1": "cac1.pure.cloud", "mx-central-1": "mxc1.pure.cloud", "sa-east-1": "sae1.pure.cloud",
        "ap-northeast-1": "mypurecloud.jp", "ap-northeast-2": "apne2.pure.cloud", "ap-northeast-3": "apne3.pure.cloud",
        "eu-west-1": "mypurecloud.ie", "eu-west-2": "euw2.pure.cloud", "eu-central-1": "mypurecloud.de",
        "eu-central-2": "euc2.pure.cloud", "eusc-de-east-1": "edee1.eusc-pure.cloud", "me-central-1": "mec1.pure.cloud",
        "ap-south-1": "aps1.pure.cloud", "ap-southeast-1": "apse1.pure.cloud", "ap-southeast-2": "mypurecloud.com.au",
    ]

    /// The domain of a region by its AWS name in any spelling, its domain, or an address in it; nil for anything else.
    static func domain(_ text: String) -> String? {
        let word = text.lowercased().replacing("_", with: "-")
        if let domain = domains[word] { return domain }
        var host = word.trimmingPrefix("https://").prefix { $0 != "/" && $0 != ":" }
        for prefix in ["api.", "login.", "apps."] where host.hasPrefix(prefix) { host = host.dropFirst(prefix.count) }
        let isHost = host.wholeMatch(of: /([a-z0-9]([a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,}/) != nil
        return isHost && host.utf8.count <= 200 ? String(host) : nil
    }
}
