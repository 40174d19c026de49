use aws_sdk_s3::{
    operation::list_multipart_uploads::ListMultipartUploadsOutput, types::MultipartUpload,
};
use nexus_raw::{
    asset::{BucketName, ObjectAddress, ObjectKey, UploadId},
    ports::{ListedUpload, OpenUploads, UploadsMarker},
};

use crate::{
    failure::{FailureKind, RequestFailure},
    store::Store,
};

/// Below this are the keys of assets.
const ASSETS: &str = "tenants/";

const OPERATION: &str = "ListMultipartUploads";

/// Returns a page of the uploads that are open at keys of assets.
pub(crate) async fn open_uploads(
    store: &Store,
    after: Option<UploadsMarker>,
) -> Result<OpenUploads, RequestFailure> {
    let asked = after.clone();
    let (key, upload_id) = after.map(|it| (it.key, it.upload_id)).unzip();
    let request = store
        .client
        .list_multipart_uploads()
        .bucket(store.bucket().as_str())
        .prefix(ASSETS)
        .set_key_marker(key)
        .set_upload_id_marker(upload_id)
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let page = request
        .send()
        .await
        .map_err(|error| RequestFailure::sdk(OPERATION, &error))?;
    let next = next(&page)?;
    if next.is_some() && next == asked {
        let kind = FailureKind::Malformed("the list goes on where it began");
        return Err(RequestFailure::new(OPERATION, kind));
    }
    let bucket = store.bucket();
    let uploads = page.uploads().iter();
    Ok(OpenUploads {
        uploads: uploads.filter_map(|it| listed(bucket, it)).collect(),
        next,
    })
}

fn next(page: &ListMultipartUploadsOutput) -> Result<Option<UploadsMarker>, RequestFailure> {
    if page.is_truncated() != Some(true) {
        return Ok(None);
    }
    let marker = page.next_key_marker().zip(page.next_upload_id_marker());
    let kind = FailureKind::Malformed("a list that goes on does not say where");
    let (key, upload_id) = marker.ok_or_else(|| RequestFailure::new(OPERATION, kind))?;
    Ok(Some(UploadsMarker {
        key: key.to_owned(),
        upload_id: upload_id.to_owned(),
    }))
}

/// The upload, if it is at a key that this or an earlier version makes.
fn listed(bucket: &BucketName, upload: &MultipartUpload) -> Option<ListedUpload> {
    let key = upload.key()?;
    let (scope, asset_id, filename) = ObjectKey::parse_parts(key).ok()?;
    let address = ObjectAddress {
        bucket: bucket.clone(),
        key: ObjectKey::for_asset(&scope, asset_id, &filename),
    };
    Some(ListedUpload {
        scope,
        asset_id,
        address,
        upload_id: UploadId::parse(upload.upload_id()?).ok()?,
    })
}
