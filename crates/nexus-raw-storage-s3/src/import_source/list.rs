use aws_sdk_s3::primitives::DateTime;
use nexus_raw::{
    ports::{InventoryError, InventoryPage, PageToken, SourceObject},
    time::Timestamp,
};

use crate::{
    failure::RequestFailure,
    inventory::{ListFault, ListRequest, VersionsPage, refused},
    stat::version_id,
    store::Store,
};

/// Lists the latest version of each object, or objects where the store has no list of versions.
pub(super) async fn objects(
    store: &Store,
    prefix: &str,
    after: Option<&PageToken>,
) -> Result<InventoryPage<SourceObject>, InventoryError> {
    let request = ListRequest {
        store,
        prefix,
        refused: unlisted,
    };
    let page = request.page(after).await?;
    match &page {
        VersionsPage::Versions(of) => {
            // one that may be is an error below
            let latest = of.versions().iter();
            let latest = latest.filter(|it| it.is_latest() != Some(false));
            page.of(latest.map(|it| {
                it.is_latest().ok_or(ListFault::Pin)?;
                let id = version_id(it.version_id());
                let key = page.key(it.key())?;
                listed(key, id, it.e_tag(), it.size(), it.last_modified())
            }))
        }
        VersionsPage::Objects(of) => page.of(of.contents().iter().map(|it| {
            let key = page.key(it.key())?;
            listed(key, None, it.e_tag(), it.size(), it.last_modified())
        })),
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
