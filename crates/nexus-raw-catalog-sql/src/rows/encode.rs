//! Values of columns.

use nexus_raw::asset::{UploadId, UploadIntent};

/// Returns `upload_intent.kind`.
pub(crate) fn kind(intent: &UploadIntent) -> &'static str {
    match intent.multipart {
        None => "single",
        Some(_) => "multipart",
    }
}

/// Returns `upload_intent.upload_id`.
pub(crate) fn upload_id(intent: &UploadIntent) -> Option<&str> {
    let upload = intent.multipart.as_ref()?;
    upload.upload_id.as_ref().map(UploadId::as_str)
}
