use nexus_raw::ports::DownloadTerms;

/// What the store is to answer in the place of what the object has, besides its type.
const CACHE_CONTROL: &str = "private, no-store";

/// The object and the answer of one GET.
#[derive(Debug, Clone)]
pub(crate) struct Download<'a> {
    pub(crate) key: &'a str,
    pub(crate) version_id: Option<&'a str>,
    pub(crate) content_type: &'a str,
    pub(crate) content_disposition: String,
}

impl<'a> Download<'a> {
    pub(crate) fn of(terms: &DownloadTerms<'a>) -> Self {
        let asset = terms.asset;
        Self {
            key: asset.address().key.as_str(),
            version_id: asset.integrity().version_id.as_deref(),
            content_type: asset.facts().content_type.as_str(),
            content_disposition: terms.disposition.header(&asset.facts().filename),
        }
    }

    /// The headers that a store is to answer.
    pub(crate) fn answered(&self) -> [(&'static str, &str); 3] {
        [
            ("cache-control", CACHE_CONTROL),
            ("content-disposition", &self.content_disposition),
            ("content-type", self.content_type),
        ]
    }

    /// The parameters of the URL, in the order in which the SDK writes them.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let answer = [
            ("response-cache-control", CACHE_CONTROL),
            ("response-content-disposition", &self.content_disposition),
            ("response-content-type", self.content_type),
        ];
        let version = self.version_id.map(|version| ("versionId", version));
        answer.into_iter().chain(version)
    }
}
