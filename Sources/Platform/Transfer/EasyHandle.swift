import CLibcurl

/// A libcurl easy handle with the memory that its options point to.
///
/// It lives on the loop's thread alone and is freed with its last reference.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    private let errorText: UnsafeMutableBufferPointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    /// The first option that libcurl refused.
    private(set) var refusal: CURLcode?

    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0)
        note(switchboard_curl_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText.baseAddress))
    }

    deinit {
        curl_easy_cleanup(pointer)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    func set(_ option: CURLoption, _ value: Int) { note(switchboard_curl_set_long(pointer, option, value)) }

    func set(_ option: CURLoption, bytes value: Int) { note(switchboard_curl_set_offset(pointer, option, curl_off_t(value))) }

    /// libcurl copies the string.
    func set(_ option: CURLoption, _ value: String) { note(switchboard_curl_set_string(pointer, option, value)) }

    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer) {
        note(switchboard_curl_set_pointer(pointer, option, value))
    }

    func set(
        _ option: CURLoption,
        callback: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int
    ) {
        note(switchboard_curl_set_data_callback(pointer, option, callback))
    }

    func setSeek(_ callback: @convention(c) (UnsafeMutableRawPointer?, curl_off_t, CInt) -> CInt) {
        note(switchboard_curl_set_seek_callback(pointer, callback))
    }

    func setBeforeRequest(_ callback: curl_prereq_callback) {
        note(switchboard_curl_set_before_request_callback(pointer, callback))
    }

    func setHeaders(_ lines: [String]) {
        for line in lines {
            guard let longer = curl_slist_append(headerList, line) else {
                note(CURLE_OUT_OF_MEMORY)
                return
            }
            headerList = longer
        }
        if let headerList { note(switchboard_curl_set_pointer(pointer, CURLOPT_HTTPHEADER, headerList)) }
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        return switchboard_curl_get_long(pointer, info, &value) == CURLE_OK ? value : 0
    }

    /// What libcurl says of the last failure; empty: nothing.
    var failureText: String {
        let bytes = errorText.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func note(_ code: CURLcode) {
        if code != CURLE_OK, refusal == nil { refusal = code }
    }
}
