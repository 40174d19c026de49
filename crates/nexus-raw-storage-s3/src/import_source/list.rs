use aws_sdk_s3::{
    operation::{
        list_object_versions::ListObjectVersionsOutput, list_objects_v2::ListObjectsV2Output,
    },
    primitives::DateTime,
    types::EncodingType,
};
use nexus_raw::{
    ports::{InventoryError, InventoryPage, PageToken, SourceObject},
    time::Timestamp,
};

use crate::{
    failure::RequestFailure,
    inventory::{ListFault, PagePlace, decoded, refused},
    stat::version_id,
    store::Store,
};

/// Lists the latest version of each object, or objects where the store has no list of versions.
pub(super) async fn objects(
    store: &Store,
    prefix: &str,
    after: Option<&PageToken>,
) -> Result<InventoryPage<SourceObject>, InventoryError> {
    match after.map(PagePlace::parse).transpose()? {
        None => match page_of_versions(store, prefix, None).await {
            Err(failure) if failure.status() == Some(501) => {
                page_of_objects(store, prefix, None).await
            }
            page => latest_versions(page),
        },
        Some(PagePlace::Version(key, id)) => {
            latest_versions(page_of_versions(store, prefix, Some((key, id))).await)
        }
        Some(PagePlace::Object(token)) => page_of_objects(store, prefix, Some(token)).await,
        Some(PagePlace::Upload(..)) => Err(ListFault::Token.into()),
    }
}

/// Names the permission that is missing, or that the bucket does not exist.
fn unlisted(failure: RequestFailure, right: &'static str) -> InventoryError {
    if failure.status() == Some(404) {
        InventoryError::Unusable(Box::new(failure))
    } else {
        refused(failure, right)
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
        .set_version_id_marker(id.filter(|it| !it.is_empty()));
    let page = request.send().await;
    page.map_err(|error| RequestFailure::sdk("ListObjectVersions", &error))
}

fn latest_versions(
    page: Result<ListObjectVersionsOutput, RequestFailure>,
) -> Result<InventoryPage<SourceObject>, InventoryError> {
    let page = page.map_err(|failure| unlisted(failure, "s3:ListBucketVersions"))?;
    let encoding = page.encoding_type();
    let latest = page.versions().iter();
    let latest = latest.filter(|it| it.is_latest() == Some(true));
    let items = latest.map(|it| {
        listed(
            decoded(it.key().ok_or(ListFault::Item)?, encoding)?,
            version_id(it.version_id()),
            it.e_tag(),
            it.size(),
            it.last_modified(),
        )
    });
    let next = if page.is_truncated() == Some(true) {
        let key = page.next_key_marker().ok_or(ListFault::Next)?;
        let id = page.next_version_id_marker().unwrap_or_default();
        Some(PagePlace::Version(decoded(key, encoding)?, id.to_owned()))
    } else {
        None
    };
    Ok(InventoryPage {
        items: items.collect::<Result<_, ListFault>>()?,
        next: next.map(|it| it.token()),
    })
}

async fn page_of_objects(
    store: &Store,
    prefix: &str,
    token: Option<String>,
) -> Result<InventoryPage<SourceObject>, InventoryError> {
    let request = store
        .client
        .list_objects_v2()
        .bucket(store.bucket().as_str())
        .prefix(prefix)
        .encoding_type(EncodingType::Url)
        .set_continuation_token(token);
    let page = request.send().await.map_err(|error| {
        let failure = RequestFailure::sdk("ListObjectsV2", &error);
        unlisted(failure, "s3:ListBucket")
    })?;
    Ok(all_objects(&page)?)
}

fn all_objects(page: &ListObjectsV2Output) -> Result<InventoryPage<SourceObject>, ListFault> {
    let items = page.contents().iter().map(|it| {
        listed(
            decoded(it.key().ok_or(ListFault::Item)?, page.encoding_type())?,
            None,
            it.e_tag(),
            it.size(),
            it.last_modified(),
        )
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

/// Without an entity tag or a time an object cannot be told from another one at its key. `SeaweedFS` lists
/// empty objects without a tag, which are all the same.
fn listed(
    key: String,
    version_id: Option<String>,
    etag: Option<&str>,
    size: Option<i64>,
    modified: Option<&DateTime>,
) -> Result<SourceObject, ListFault> {
    let size = size.and_then(|it| u64::try_from(it).ok());
    let etag = etag.map(|it| it.trim_matches('"')).unwrap_or_default();
    if etag.is_empty() && size != Some(0) {
        return Err(ListFault::Pin);
    }
    let micros = modified.map(|it| it.as_nanos() / 1000);
    let micros = micros.and_then(|it| i64::try_from(it).ok());
    let modified_at = micros.and_then(|it| Timestamp::from_micros(it).ok());
    Ok(SourceObject {
        key,
        version_id,
        etag: etag.to_owned(),
        size_bytes: size.ok_or(ListFault::Pin)?,
        modified_at: modified_at.ok_or(ListFault::Pin)?,
    })
}
