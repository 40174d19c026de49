use aws_sdk_s3::{
    operation::{
        list_multipart_uploads::ListMultipartUploadsOutput,
        list_object_versions::ListObjectVersionsOutput, list_objects_v2::ListObjectsV2Output,
    },
    types::EncodingType,
};
use nexus_raw::ports::{InventoryError, InventoryPage, ListedMultipart, ListedVersion, PageToken};

use super::{list_fault::ListFault, page_place::PagePlace, refused, url_encoded::decoded};
use crate::{failure::RequestFailure, stat::version_id, store::Store};

/// Lists versions, or objects where the store has no list of versions.
pub(super) async fn versions(
    store: &Store,
    prefix: &str,
    after: Option<&PageToken>,
) -> Result<InventoryPage<ListedVersion>, InventoryError> {
    match after.map(PagePlace::parse).transpose()? {
        None => match page_of_versions(store, prefix, None).await {
            Err(failure) if failure.status() == Some(501) => objects(store, prefix, None).await,
            page => all_versions(page),
        },
        Some(PagePlace::Version(key, id)) => {
            all_versions(page_of_versions(store, prefix, Some((key, id))).await)
        }
        Some(PagePlace::Object(token)) => objects(store, prefix, Some(token)).await,
        Some(PagePlace::Upload(..)) => Err(ListFault::Token.into()),
    }
}

async fn page_of_versions(
    store: &Store,
    prefix: &str,
    after: Option<(String, String)>,
) -> Result<ListObjectVersionsOutput, RequestFailure> {
    let (key, id) = after.unzip();
    let request = store
        .client
        .list_object_versions()
        .bucket(store.bucket().as_str())
        .prefix(prefix)
        .encoding_type(EncodingType::Url)
        .set_key_marker(key)
        .set_version_id_marker(id.filter(|it| !it.is_empty()))
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let page = request.send().await;
    page.map_err(|error| RequestFailure::sdk("ListObjectVersions", &error))
}

fn all_versions(
    page: Result<ListObjectVersionsOutput, RequestFailure>,
) -> Result<InventoryPage<ListedVersion>, InventoryError> {
    let page = page.map_err(|failure| refused(failure, "s3:ListBucketVersions"))?;
    let encoding = page.encoding_type();
    let listed = |key: Option<&str>, id, is_delete_marker| {
        let key = key.ok_or(ListFault::Item)?;
        Ok(ListedVersion {
            key: decoded(key, encoding)?,
            version_id: version_id(id),
            is_delete_marker,
        })
    };
    let versions = page.versions().iter();
    let versions = versions.map(|it| listed(it.key(), it.version_id(), false));
    let markers = page.delete_markers().iter();
    let markers = markers.map(|it| listed(it.key(), it.version_id(), true));
    let items: Result<_, ListFault> = versions.chain(markers).collect();
    let next = if page.is_truncated() == Some(true) {
        let key = page.next_key_marker().ok_or(ListFault::Next)?;
        let id = page.next_version_id_marker().unwrap_or_default();
        Some(PagePlace::Version(decoded(key, encoding)?, id.to_owned()))
    } else {
        None
    };
    Ok(InventoryPage {
        items: items?,
        next: next.map(|it| it.token()),
    })
}

async fn objects(
    store: &Store,
    prefix: &str,
    token: Option<String>,
) -> Result<InventoryPage<ListedVersion>, InventoryError> {
    let request = store
        .client
        .list_objects_v2()
        .bucket(store.bucket().as_str())
        .prefix(prefix)
        .encoding_type(EncodingType::Url)
        .set_continuation_token(token)
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let page = request.send().await.map_err(|error| {
        let failure = RequestFailure::sdk("ListObjectsV2", &error);
        refused(failure, "s3:ListBucket")
    })?;
    Ok(all_objects(&page)?)
}

fn all_objects(page: &ListObjectsV2Output) -> Result<InventoryPage<ListedVersion>, ListFault> {
    let items = page.contents().iter().map(|it| {
        let key = it.key().ok_or(ListFault::Item)?;
        Ok(ListedVersion {
            key: decoded(key, page.encoding_type())?,
            version_id: None,
            is_delete_marker: false,
        })
    });
    let next = if page.is_truncated() == Some(true) {
        let token = page.next_continuation_token().ok_or(ListFault::Next)?;
        Some(PagePlace::Object(token.to_owned()))
    } else {
        None
    };
    Ok(InventoryPage {
        items: items.collect::<Result<_, _>>()?,
        next: next.map(|it| it.token()),
    })
}

/// Lists open uploads, at keys of any form.
pub(super) async fn multiparts(
    store: &Store,
    prefix: &str,
    after: Option<&PageToken>,
) -> Result<InventoryPage<ListedMultipart>, InventoryError> {
    let (key, id) = match after.map(PagePlace::parse).transpose()? {
        None => (None, None),
        Some(PagePlace::Upload(key, id)) => (Some(key), Some(id)),
        Some(_) => return Err(ListFault::Token.into()),
    };
    let request = store
        .client
        .list_multipart_uploads()
        .bucket(store.bucket().as_str())
        .prefix(prefix)
        .encoding_type(EncodingType::Url)
        .set_key_marker(key)
        .set_upload_id_marker(id.filter(|it| !it.is_empty()))
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let page = request.send().await.map_err(|error| {
        let failure = RequestFailure::sdk("ListMultipartUploads", &error);
        refused(failure, "s3:ListBucketMultipartUploads")
    })?;
    Ok(all_multiparts(&page)?)
}

fn all_multiparts(
    page: &ListMultipartUploadsOutput,
) -> Result<InventoryPage<ListedMultipart>, ListFault> {
    let encoding = page.encoding_type();
    let items = page.uploads().iter().map(|it| {
        let (key, id) = it.key().zip(it.upload_id()).ok_or(ListFault::Item)?;
        Ok(ListedMultipart {
            key: decoded(key, encoding)?,
            upload_id: id.to_owned(),
        })
    });
    let next = if page.is_truncated() == Some(true) {
        let key = page.next_key_marker().ok_or(ListFault::Next)?;
        let id = page.next_upload_id_marker().unwrap_or_default();
        Some(PagePlace::Upload(decoded(key, encoding)?, id.to_owned()))
    } else {
        None
    };
    Ok(InventoryPage {
        items: items.collect::<Result<_, _>>()?,
        next: next.map(|it| it.token()),
    })
}
