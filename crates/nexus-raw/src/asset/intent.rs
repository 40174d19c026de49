use super::{AssetId, ByteSize, DeclaredFacts, ObjectAddress, PartLayout, UploadId};
use crate::{
    tenancy::{Scope, UserId},
    time::Timestamp,
};

/// A pending upload: one asset that a user may upload until the intent ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadIntent {
    /// The asset that it will be.
    pub asset_id: AssetId,
    /// The tenant and environment that it will belong to.
    pub scope: Scope,
    /// Where its object must be.
    pub address: ObjectAddress,
    /// What its content must be. The digest is always there for an upload by one request.
    pub facts: DeclaredFacts,
    /// How it is uploaded in parts; `None` for an upload by one request.
    pub multipart: Option<MultipartUpload>,
    /// The user who requested it.
    pub requested_by: UserId,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When it ends: nothing can be uploaded after that.
    pub ends_at: Timestamp,
}

/// An upload in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartUpload {
    /// The size of each part but the last.
    pub part_size_bytes: ByteSize,
    /// The id that the store gave it, once it was begun there.
    pub upload_id: Option<UploadId>,
}

impl UploadIntent {
    /// How often one intent may be presigned: each URL that leaves is an event, and what a caller
    /// can have written under one key has an end.
    pub const MAX_PRESIGNS: u32 = 100;

    /// How the content is cut into parts; `None` for an upload by one request.
    #[must_use]
    pub fn layout(&self) -> Option<PartLayout> {
        let part_size_bytes = self.multipart.as_ref()?.part_size_bytes;
        PartLayout::with_parts_of(self.facts.size_bytes, part_size_bytes)
    }

    /// The user metadata that the object must carry, each name without its `x-amz-meta-` prefix:
    /// they name the owner on the object itself.
    #[must_use]
    pub fn object_metadata(&self) -> [(&'static str, String); 3] {
        [
            ("tenant-id", self.scope.tenant.as_str().to_owned()),
            ("env", self.scope.environment.as_str().to_owned()),
            ("asset-id", self.asset_id.to_string()),
        ]
    }
}
