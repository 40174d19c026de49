use nexus_raw::{
    asset::PartNumber,
    ports::{OpenUpload, PartsListing, StoredPart},
};

use super::requests::{ListedPart, UploadRef};
use crate::{failure::RequestFailure, store::Store};

/// The maximum number of parts of a page (Amazon S3 API Reference, `ListParts`).
const MAX_PAGE: u16 = 1000;

impl<'a> UploadRef<'a> {
    pub(crate) fn of(upload: &'a OpenUpload) -> Self {
        Self {
            key: upload.address.key.as_str(),
            upload_id: &upload.upload_id,
        }
    }
}

/// Returns the parts with a number above `after`, at most `limit`.
pub(crate) async fn stored_parts(
    store: &Store,
    upload: &OpenUpload,
    after: u16,
    limit: u16,
) -> Result<PartsListing, RequestFailure> {
    let parts = upload_parts(store, UploadRef::of(upload), after, limit).await?;
    let Some(parts) = parts else {
        return Ok(PartsListing::UnknownUpload);
    };
    let parts = parts.into_iter().map(|part| StoredPart {
        number: part.number,
        size_bytes: part.size_bytes,
        etag: part.etag,
    });
    Ok(PartsListing::Parts(parts.collect()))
}

/// Returns the parts with a number above `after`, at most `limit`, from as many pages as it takes;
/// `None` if the store does not know the upload.
pub(crate) async fn upload_parts(
    store: &Store,
    upload: UploadRef<'_>,
    after: u16,
    limit: u16,
) -> Result<Option<Vec<ListedPart>>, RequestFailure> {
    let mut found: Vec<ListedPart> = Vec::new();
    loop {
        let held = u16::try_from(found.len()).unwrap_or(PartNumber::MAX);
        let left = limit.saturating_sub(held);
        if left == 0 {
            return Ok(Some(found));
        }
        let marker = found.last().map_or(after, |part| part.number.get());
        match store.list_parts(upload, marker, left.min(MAX_PAGE)).await {
            Ok(page) => {
                // a store may give more than it was asked for
                found.extend(page.parts.into_iter().take(usize::from(left)));
                if page.is_last {
                    return Ok(Some(found));
                }
            }
            Err(failure) if failure.is_unknown_upload() => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
}
