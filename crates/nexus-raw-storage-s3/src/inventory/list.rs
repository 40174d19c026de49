use aws_sdk_s3::{
    operation::list_multipart_uploads::ListMultipartUploadsOutput, types::EncodingType,
};
use nexus_raw::ports::{InventoryError, InventoryPage, ListedMultipart, ListedVersion, PageToken};

use super::{
    list_fault::ListFault,
    page_place::PagePlace,
    pages::{ListRequest, VersionsPage},
    refused,
    url_encoded::decoded,
};
use crate::{failure::RequestFailure, stat::version_id, store::Store};

/// Lists versions, or objects where the store has no list of versions.
pub(super) async fn versions(
    store: &Store,
    prefix: &str,
    after: Option<&PageToken>,
) -> Result<InventoryPage<ListedVersion>, InventoryError> {
    let request = ListRequest {
        store,
        prefix,
        refused,
    };
    let page = request.page(after).await?;
    let listed = |key, id, is_delete_marker| {
        Ok(ListedVersion {
            key: page.key(key)?,
            version_id: version_id(id),
            is_delete_marker,
        })
    };
    match &page {
        VersionsPage::Versions(of) => {
            let versions = of.versions().iter();
            let versions = versions.map(|it| listed(it.key(), it.version_id(), false));
            let markers = of.delete_markers().iter();
            let markers = markers.map(|it| listed(it.key(), it.version_id(), true));
            page.of(versions.chain(markers))
        }
        VersionsPage::Objects(of) => {
            let objects = of.contents().iter();
            page.of(objects.map(|it| listed(it.key(), None, false)))
        }
    }
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
