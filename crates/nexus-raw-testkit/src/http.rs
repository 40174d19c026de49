/// An HTTP request, as far as an object store looks at it. `host` and `content-length` are left to
/// whoever sends it, as in [`PresignedUpload::headers`](nexus_raw::ports::PresignedUpload::headers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, in upper case.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers, in the order of sending.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}
