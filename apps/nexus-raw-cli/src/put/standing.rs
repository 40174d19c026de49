//! What is registered already.

use bytes::Bytes;
use nexus_raw::asset::{AssetId, IntegrityLevel, RawAsset, Sha256Digest};

use super::{
    own_parts::OwnDigests,
    plan::{Item, PATH_LABEL},
    session::{Session, blocking, unexpected},
};
use crate::{content::SharedFile, failure::Failure};

/// How many assets of the same content and name are looked at.
const MAX_CANDIDATES: u64 = 100;

/// How many assets of the same user and size are looked at together.
const MAX_OF_SIZE: u64 = 1000;

impl Session<'_> {
    /// Returns whether an asset of this size may be registered.
    pub(super) async fn has_size(&self, size_bytes: u64) -> Result<bool, Failure> {
        let filters = [("size_bytes".to_owned(), size_bytes.to_string())];
        let (assets, has_more) = self.service.some_assets(&filters, 1).await?;
        Ok(!assets.is_empty() || has_more)
    }

    /// Returns the record of the same content, name and path, if it is proved: by the latest
    /// verification, or without one by the store or the service, or by this user's own upload in parts.
    pub(super) async fn standing(
        &self,
        item: &Item,
        sha256: Sha256Digest,
    ) -> Result<Option<Bytes>, Failure> {
        let mut filters = vec![
            ("sha256".to_owned(), sha256.to_string()),
            ("size_bytes".to_owned(), item.size_bytes.to_string()),
            ("filename".to_owned(), item.filename.clone()),
        ];
        if let Some(label) = &item.label {
            filters.push((format!("label.{PATH_LABEL}"), label.clone()));
        }
        let (assets, _) = self.service.some_assets(&filters, MAX_CANDIDATES).await?;
        for json in &assets {
            let Some(record) = item.matching(json) else {
                continue;
            };
            let is_proved = match record.integrity().level {
                IntegrityLevel::S3Sha256 | IntegrityLevel::StreamSha256 => true,
                _ => self.user.as_deref() == Some(record.registered_by().as_str()),
            };
            let id = record.asset_id();
            // a verification says more than the registration, of either
            if self.service.is_intact(id).await?.unwrap_or(is_proved) {
                return self.record(id).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Returns whether this user may have uploaded a small file in parts, which a request for an upload
    /// does not say. Small files are many, so they are asked for by size.
    pub(super) async fn may_be_own_parts(
        &self,
        size_bytes: u64,
        sha256: Sha256Digest,
    ) -> Result<bool, Failure> {
        let is_looked_for = size_bytes > 0 && !self.args.again;
        let Some(user) = self.user.as_deref().filter(|_| is_looked_for) else {
            return Ok(false);
        };
        let found = self.own_parts.of_size(size_bytes);
        let digests = found.get_or_try_init(|| self.own_digests(user, size_bytes));
        let digests = digests.await?;
        Ok(digests.as_ref().is_none_or(|them| them.contains(&sha256)))
    }

    async fn own_digests(&self, user: &str, size_bytes: u64) -> Result<OwnDigests, Failure> {
        let filters = [
            ("size_bytes".to_owned(), size_bytes.to_string()),
            ("registered_by".to_owned(), user.to_owned()),
        ];
        let (assets, has_more) = self.service.some_assets(&filters, MAX_OF_SIZE).await?;
        let records = assets.iter().map(|json| serde_json::from_slice(json).ok());
        let Some(records) = records.collect::<Option<Vec<RawAsset>>>() else {
            return Err(unexpected());
        };
        let in_parts = |it: &&RawAsset| it.integrity().level == IntegrityLevel::S3CompositeSha256;
        let digests = records.iter().filter(in_parts).map(|it| it.facts().sha256);
        Ok((!has_more).then(|| digests.collect()))
    }

    /// Hashes a file beside the requests, before anything of it is sent.
    pub(super) async fn digest(&self, file: &SharedFile) -> Result<Sha256Digest, Failure> {
        let hashing = self.progress.hashing(file.stamp().size_bytes);
        let file = file.clone();
        blocking(move || {
            let sha256 = file.digest(|bytes| hashing.advance(bytes));
            sha256.map_err(|it| it.failure())
        })
        .await
    }

    /// Returns the record of an asset.
    pub(super) async fn record(&self, id: AssetId) -> Result<Bytes, Failure> {
        Ok(self.service.asset(id).await?.json)
    }
}
