//! The objects of a bucket that are imported.

mod content;
mod list;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use aws_sdk_s3::primitives::DateTime;
use nexus_raw::ports::{
    Clock, InventoryError, InventoryPage, OpenedSource, PageToken, SourceBucket, SourceObject,
    SourceOutcome,
};

use self::content::S3Content;
use crate::{
    bucket_setup::ImportSource,
    connect::{ConnectError, connect},
    deadlines::Deadlines,
    failure::RequestFailure,
    inventory::refused,
    settings::S3Settings,
    store::{GetOutcome, ObjectPin, Store},
};

/// The [`SourceBucket`] on a bucket of the service's store, which the service's role may read. It is
/// not probed, and nothing is written there. Nobody waits for its requests.
///
/// Versions are listed where the store can list them, and otherwise objects.
pub struct S3SourceBucket {
    store: Arc<Store>,
    prefix: String,
}

impl S3SourceBucket {
    /// Loads credentials; sends nothing to the store. `settings` are those of the service, of which
    /// the bucket and its owner do not count. Must be called within the tokio runtime in which the
    /// source will be read.
    ///
    /// # Errors
    /// When no credentials are available, or the settings are not a valid address.
    pub async fn connect(
        settings: S3Settings,
        source: &ImportSource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let settings = S3Settings {
            bucket: source.bucket().clone(),
            // another account may own the source
            expected_bucket_owner: None,
            ..settings
        };
        let store = connect(settings, clock, Deadlines::default().unhurried()).await?;
        Ok(Self::of(store, source.prefix()))
    }

    pub(crate) fn of(store: Arc<Store>, prefix: &str) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
        }
    }
}

impl fmt::Debug for S3SourceBucket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3SourceBucket")
            .field("bucket", self.store.bucket())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SourceBucket for S3SourceBucket {
    async fn objects(
        &self,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<SourceObject>, InventoryError> {
        list::objects(&self.store, &self.prefix, after).await
    }

    async fn open(&self, object: &SourceObject) -> Result<SourceOutcome, InventoryError> {
        let right = match object.version_id {
            Some(_) => "s3:GetObjectVersion",
            None => "s3:GetObject",
        };
        let opened = self.open_listed(object).await;
        opened.map_err(|failure| unread(failure, right))
    }
}

impl S3SourceBucket {
    async fn open_listed(&self, object: &SourceObject) -> Result<SourceOutcome, RequestFailure> {
        let found = self.store.get(pin(object, &object.etag)).await?;
        let found = match found {
            GetOutcome::Replaced => match self.tag_beside(object).await? {
                Some(etag) => self.store.get(pin(object, &etag)).await?,
                None => GetOutcome::Replaced,
            },
            found => found,
        };
        Ok(match found {
            GetOutcome::Object(answer) => SourceOutcome::Opened(OpenedSource {
                content_type: answer.content_type().map(str::to_owned),
                content_encoding: answer.content_encoding().map(str::to_owned),
                content: Box::new(S3Content::of(
                    answer.body,
                    object.size_bytes,
                    self.store.deadlines.stall,
                )),
            }),
            GetOutcome::Replaced => SourceOutcome::Replaced,
            GetOutcome::Gone => SourceOutcome::Gone,
        })
    }

    /// Returns the entity tag of the object itself, if the list has another one of the same object:
    /// `SeaweedFS` lists a large object with the tag of its own pieces, and has it with the MD5 of the whole,
    /// or with the tag of the parts that it was uploaded in, of which it makes more pieces.
    async fn tag_beside(&self, object: &SourceObject) -> Result<Option<String>, RequestFailure> {
        let head = self
            .store
            .client
            .head_object()
            .bucket(self.store.bucket().as_str())
            .key(&object.key)
            .set_version_id(object.version_id.clone());
        let head = match head.send().await {
            Ok(head) => head,
            Err(error) => {
                let failure = RequestFailure::sdk("HeadObject", &error);
                return match failure.status() {
                    Some(404 | 405) => Ok(None),
                    _ => Err(failure),
                };
            }
        };
        let etag = head.e_tag().map(|etag| etag.trim_matches('"'));
        let etag = etag.filter(|etag| pieces(etag) != pieces(&object.etag));
        let is_listed = head.content_length().map(u64::try_from) == Some(Ok(object.size_bytes))
            && head.last_modified().map(DateTime::secs)
                == Some(object.modified_at.as_unix_seconds());
        Ok(etag.filter(|_| is_listed).map(str::to_owned))
    }
}

/// Names the permission that is missing, or tells what is of this object alone.
fn unread(failure: RequestFailure, right: &'static str) -> InventoryError {
    let is_of_object =
        matches!(failure.status(), Some(400..=499)) && !matches!(failure.status(), Some(408 | 429));
    match refused(failure, right) {
        InventoryError::Unavailable(source) if is_of_object => InventoryError::Unreadable(source),
        other => other,
    }
}

/// The number of parts in the tag of an object that was uploaded in parts.
fn pieces(etag: &str) -> Option<&str> {
    etag.rsplit_once('-').map(|(_, count)| count)
}

fn pin<'a>(object: &'a SourceObject, etag: &'a str) -> ObjectPin<'a> {
    ObjectPin {
        key: &object.key,
        etag,
        version_id: object.version_id.as_deref(),
        size_bytes: object.size_bytes,
    }
}
