/// An HTTP request to an object store. The sender adds `host` and `content-length`, as in
/// [`PresignedUpload::headers`](nexus_raw::ports::PresignedUpload::headers).
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
