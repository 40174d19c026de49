//! Pages of what a store lists.

use aws_sdk_s3::{
    operation::{
        list_object_versions::ListObjectVersionsOutput, list_objects_v2::ListObjectsV2Output,
    },
    types::EncodingType,
};
use nexus_raw::ports::{InventoryError, InventoryPage, PageToken};

use super::{list_fault::ListFault, page_place::PagePlace, url_encoded::decoded};
use crate::{failure::RequestFailure, store::Store};

/// What is listed.
pub(crate) struct ListRequest<'a> {
    pub(crate) store: &'a Store,
    pub(crate) prefix: &'a str,
    /// Returns the error of a refusal, for which this permission is needed.
    pub(crate) refused: fn(RequestFailure, &'static str) -> InventoryError,
}

/// A page, as the store sent it.
pub(crate) enum VersionsPage {
    Versions(Box<ListObjectVersionsOutput>),
    Objects(Box<ListObjectsV2Output>),
}

impl ListRequest<'_> {
    /// Returns a page of versions, or of objects where the store has no list of versions.
    pub(crate) async fn page(
        &self,
        after: Option<&PageToken>,
    ) -> Result<VersionsPage, InventoryError> {
        let page = match after.map(PagePlace::parse).transpose()? {
            None => match self.versions(None).await {
                Err(failure) if failure.status() == Some(501) => return self.objects(None).await,
                page => page,
            },
            Some(PagePlace::Version(key, id)) => self.versions(Some((key, id))).await,
            Some(PagePlace::Object(token)) => return self.objects(Some(token)).await,
            Some(PagePlace::Upload(..)) => return Err(ListFault::Token.into()),
        };
        page.map_err(|failure| (self.refused)(failure, "s3:ListBucketVersions"))
    }

    async fn versions(
        &self,
        after: Option<(String, String)>,
    ) -> Result<VersionsPage, RequestFailure> {
        let (key, id) = after.unzip();
        let request = self
            .store
            .client
            .list_object_versions()
            .bucket(self.store.bucket().as_str())
            .prefix(self.prefix)
            .encoding_type(EncodingType::Url)
            .set_key_marker(key)
            .set_version_id_marker(id.filter(|it| !it.is_empty()))
            .set_expected_bucket_owner(self.store.settings.expected_bucket_owner.clone());
        match request.send().await {
            Ok(page) => Ok(VersionsPage::Versions(Box::new(page))),
            Err(error) => Err(RequestFailure::sdk("ListObjectVersions", &error)),
        }
    }

    async fn objects(&self, token: Option<String>) -> Result<VersionsPage, InventoryError> {
        let request = self
            .store
            .client
            .list_objects_v2()
            .bucket(self.store.bucket().as_str())
            .prefix(self.prefix)
            .encoding_type(EncodingType::Url)
            .set_continuation_token(token)
            .set_expected_bucket_owner(self.store.settings.expected_bucket_owner.clone());
        match request.send().await {
            Ok(page) => Ok(VersionsPage::Objects(Box::new(page))),
            Err(error) => {
                let failure = RequestFailure::sdk("ListObjectsV2", &error);
                Err((self.refused)(failure, "s3:ListBucket"))
            }
        }
    }
}

impl VersionsPage {
    /// Returns the page of these items, each of which may be at fault.
    pub(crate) fn of<T>(
        &self,
        items: impl Iterator<Item = Result<T, ListFault>>,
    ) -> Result<InventoryPage<T>, InventoryError> {
        Ok(InventoryPage {
            items: items.collect::<Result<_, _>>()?,
            next: self.next()?.map(|it| it.token()),
        })
    }

    /// Returns a key of the page.
    pub(crate) fn key(&self, key: Option<&str>) -> Result<String, ListFault> {
        let encoding = match self {
            Self::Versions(page) => page.encoding_type(),
            Self::Objects(page) => page.encoding_type(),
        };
        decoded(key.ok_or(ListFault::Item)?, encoding)
    }

    fn next(&self) -> Result<Option<PagePlace>, ListFault> {
        Ok(match self {
            Self::Versions(page) if page.is_truncated() == Some(true) => {
                let key = page.next_key_marker().ok_or(ListFault::Next)?;
                let id = page.next_version_id_marker().unwrap_or_default();
                let key = decoded(key, page.encoding_type())?;
                Some(PagePlace::Version(key, id.to_owned()))
            }
            Self::Objects(page) if page.is_truncated() == Some(true) => {
                let token = page.next_continuation_token().ok_or(ListFault::Next)?;
                Some(PagePlace::Object(token.to_owned()))
            }
            _ => None,
        })
    }
}
