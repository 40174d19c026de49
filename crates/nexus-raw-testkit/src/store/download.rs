use nexus_raw::{
    asset::{ObjectAddress, Sha256Digest},
    ports::{DownloadTerms, PresignedDownload, SignedUrl},
    time::Timestamp,
};

use super::{StoreState, grant::url};
use crate::s3::Answer;

/// What the signature of a download is for.
#[derive(Debug, Clone)]
pub(super) struct DownloadUrl {
    address: ObjectAddress,
    version_id: Option<String>,
    headers: [(&'static str, String); 3],
    pub(super) expires_at: Timestamp,
}

impl DownloadUrl {
    pub(super) fn of(terms: &DownloadTerms<'_>, credentials_end: Option<Timestamp>) -> Self {
        let asset = terms.asset;
        let ends = [
            Some(terms.now.saturating_add(terms.ttl)),
            terms.not_after,
            credentials_end,
        ];
        let disposition = terms.disposition.header(&asset.facts().filename);
        Self {
            address: asset.address().clone(),
            version_id: asset.integrity().version_id.clone(),
            headers: [
                ("cache-control", "private, no-store".to_owned()),
                ("content-disposition", disposition),
                ("content-type", asset.facts().content_type.to_string()),
            ],
            expires_at: ends.into_iter().flatten().min().unwrap_or(terms.now),
        }
    }

    pub(super) fn presigned(&self, now: Timestamp) -> PresignedDownload {
        let signed = format!("{:?} {:?}", self.headers, self.version_id);
        let signed = Sha256Digest::of(signed.as_bytes());
        PresignedDownload {
            method: "GET",
            url: SignedUrl::new(url(&self.address, now, self.expires_at, "host", &signed)),
            expires_at: self.expires_at,
        }
    }

    /// The response to a request in time; `None` where the version is not there.
    pub(super) fn answer(&self, store: &StoreState) -> Option<Answer> {
        let object = store.objects.get(&self.address)?;
        let is_pinned = self.version_id.is_some();
        if is_pinned && object.version_id != self.version_id {
            return None;
        }
        let headers = if store.capabilities.honours_response_headers {
            self.headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect()
        } else {
            let content_type = object.content_type.clone();
            Vec::from_iter(content_type.map(|value| ("content-type".to_owned(), value)))
        };
        Some(Answer {
            status: 200,
            headers,
            body: store.contents.get(&self.address)?.clone(),
        })
    }
}
