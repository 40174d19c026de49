use std::time::Duration;

use super::{DownloadError, RawStorageService};
use crate::{
    asset::{AssetId, Disposition, InForce},
    event::{EventBody, EventDownload, RequestContext},
    ports::{
        CatalogError, Contended, DownloadKey, DownloadOutcome, DownloadTerms, Downloadable,
        NewDownload, PresignedDownload,
    },
    tenancy::DownloadAccess,
    time::Timestamp,
};

/// What a caller wants to download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadRequest {
    /// The asset.
    pub asset_id: AssetId,
    /// How long the URL is to live, in whole seconds; as long as an upload URL where `None`.
    pub ttl: Option<Duration>,
    /// What a browser is to do with it.
    pub disposition: Disposition,
}

/// A signed download of an asset.
#[derive(Debug, Clone, PartialEq)]
pub struct PresignedContent {
    /// How to download it.
    pub download: PresignedDownload,
    /// What is in force of the asset by now.
    pub in_force: InForce,
}

impl DownloadRequest {
    /// Asks for a URL of the usual life, for a browser to save what it gets.
    #[must_use]
    pub fn new(asset_id: AssetId) -> Self {
        Self {
            asset_id,
            ttl: None,
            disposition: Disposition::default(),
        }
    }

    /// Sets how long the URL is to live, in whole seconds.
    #[must_use]
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl, ..self }
    }

    /// Sets what a browser is to do with the content.
    #[must_use]
    pub fn with_disposition(self, disposition: Disposition) -> Self {
        Self {
            disposition,
            ..self
        }
    }
}

impl RawStorageService {
    /// Signs the download of one asset for one caller. An event says so before the URL is
    /// returned, unless the caller was given a URL before that is good for half as long as a new
    /// one would be: then the new one ends no later than that, and nothing is written.
    ///
    /// # Errors
    /// See [`DownloadError`]; in every case no URL exists outside and nothing was written.
    pub async fn presign_download(
        &self,
        access: &DownloadAccess,
        context: &RequestContext,
        request: DownloadRequest,
    ) -> Result<PresignedContent, DownloadError> {
        let limit = self.policy.presign_ttl;
        let ttl = request.ttl.unwrap_or(limit);
        if ttl > limit {
            return Err(DownloadError::TtlTooLong { limit });
        }
        let key = DownloadKey {
            scope: access.scope().clone(),
            asset_id: request.asset_id,
            user: access.user().clone(),
            disposition: request.disposition,
        };
        for _ in 0..Contended::ATTEMPTS {
            if let Some(presigned) = self.try_download(&key, context, &request, ttl).await? {
                return Ok(presigned);
            }
        }
        Err(CatalogError::Unavailable(Box::new(Contended)).into())
    }

    /// Returns `None` if a fact was recorded between reading and writing.
    async fn try_download(
        &self,
        key: &DownloadKey,
        context: &RequestContext,
        request: &DownloadRequest,
        ttl: Duration,
    ) -> Result<Option<PresignedContent>, DownloadError> {
        let found = self.catalog.find_download(key).await?;
        let found = found.ok_or(DownloadError::AssetNotFound)?;
        let content_type = &found.listed.asset.facts().content_type;
        if !request.disposition.suits(content_type) {
            return Err(DownloadError::ActiveInline);
        }
        let honoured = self.storage.capabilities().honours_response_headers;
        if content_type.is_active() && !honoured {
            return Err(DownloadError::ShownByStore);
        }
        let now = self.clock.now();
        let granted = found.granted_until;
        let mut terms = DownloadTerms {
            asset: &found.listed.asset,
            disposition: request.disposition,
            now,
            ttl,
            not_after: granted.filter(|end| *end >= now.saturating_add(ttl / 2)),
        };
        let mut download = self.storage.presign_download(terms).await?;
        if terms.not_after.is_none() {
            match self.record(&found, key, context, &download, now).await? {
                DownloadOutcome::Recorded => {}
                DownloadOutcome::Granted(end) => {
                    terms.not_after = Some(end);
                    download = self.storage.presign_download(terms).await?;
                }
                DownloadOutcome::Changed => return Ok(None),
                DownloadOutcome::UnknownAsset => return Err(DownloadError::AssetNotFound),
            }
        }
        Ok(Some(PresignedContent {
            download,
            in_force: found.listed.in_force.clone(),
        }))
    }

    async fn record(
        &self,
        found: &Downloadable,
        key: &DownloadKey,
        context: &RequestContext,
        signed: &PresignedDownload,
        now: Timestamp,
    ) -> Result<DownloadOutcome, CatalogError> {
        let ends_at = signed.expires_at;
        let stated = EventDownload {
            disposition: key.disposition,
            expires_at: ends_at,
        };
        let listed = &found.listed;
        let new = NewDownload {
            event: EventBody::download_presigned(
                &listed.asset,
                &listed.in_force,
                stated,
                &key.user,
                context,
                now,
            ),
            key: key.clone(),
            ends_at,
            // of the real life: the credentials may end before the asked time, and every URL with them
            enough_until: now.saturating_add(ends_at.since(now) / 2),
            last_fact: listed.in_force.last_fact,
        };
        self.catalog.record_download(new).await
    }
}
