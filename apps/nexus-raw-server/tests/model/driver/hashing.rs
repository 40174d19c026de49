use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use nexus_raw::{
    asset::AssetId,
    ports::{
        HashingError, HashingProgress, ObjectHasher, PinnedObject, RawStorageRepository, Urgency,
    },
};

/// Is not done with an object at its first call in the background, and then is.
#[derive(Debug)]
pub(super) struct PendingOnce {
    pub(super) storage: Arc<dyn RawStorageRepository>,
    pub(super) begun: Mutex<BTreeSet<(AssetId, String)>>,
}

#[async_trait]
impl ObjectHasher for PendingOnce {
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<HashingProgress, HashingError> {
        let what = (object.asset_id, object.etag.clone());
        let is_new = self.begun.lock().unwrap().insert(what);
        if is_new && urgency == Urgency::Background {
            return Ok(HashingProgress::Pending);
        }
        Ok(HashingProgress::Done(self.storage.hash(&object).await?))
    }
}
