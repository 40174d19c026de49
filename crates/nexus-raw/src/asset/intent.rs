use super::{AssetId, ContentFacts, ObjectAddress};
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
    /// What its content must be.
    pub facts: ContentFacts,
    /// The user who requested it.
    pub requested_by: UserId,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When it ends: nothing can be uploaded after that.
    pub ends_at: Timestamp,
}

impl UploadIntent {
    /// How often one intent may be presigned: each URL that leaves is an event, and what a caller
    /// can have written under one key has an end.
    pub const MAX_PRESIGNS: u32 = 100;

    /// The user metadata that the object must carry, each name without its `x-amz-meta-` prefix:
    /// they name the owner on the object itself.
    #[must_use]
    pub fn object_metadata(&self) -> [(&'static str, String); 3] {
        [
            ("tenant-id", self.scope.tenant.to_string()),
            ("env", self.scope.environment.to_string()),
            ("asset-id", self.asset_id.to_string()),
        ]
    }
}
