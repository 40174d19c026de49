use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, DeclaredPart, Verification},
    ports::{
        AbortOutcome, AssetCatalog, Clock, CompletionOutcome, HashOutcome, ObjectWorker,
        OpenUpload, PinnedObject, RawStorageRepository, Urgency, VerificationOrder, WorkError,
        WorkProgress, abort_unless_completed, verify_object,
    },
};

/// Is not done with an object at its first call in the background, and then is.
#[derive(Debug)]
pub(super) struct PendingOnce {
    pub(super) storage: Arc<dyn RawStorageRepository>,
    pub(super) catalog: Arc<dyn AssetCatalog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) begun: Mutex<BTreeSet<(AssetId, String)>>,
}

#[async_trait]
impl ObjectWorker for PendingOnce {
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<WorkProgress<HashOutcome>, WorkError> {
        let what = (object.asset_id, object.etag.clone());
        let is_new = self.begun.lock().unwrap().insert(what);
        if is_new && urgency == Urgency::Background {
            return Ok(WorkProgress::Pending);
        }
        Ok(WorkProgress::Done(self.storage.hash(&object).await?))
    }

    async fn complete(
        &self,
        upload: OpenUpload,
        parts: Vec<DeclaredPart>,
    ) -> Result<WorkProgress<CompletionOutcome>, WorkError> {
        let outcome = self.storage.complete(&upload, &parts).await?;
        Ok(WorkProgress::Done(outcome))
    }

    async fn abort(&self, upload: OpenUpload) -> Result<WorkProgress<AbortOutcome>, WorkError> {
        let outcome = abort_unless_completed(&*self.storage, &upload).await?;
        Ok(WorkProgress::Done(outcome))
    }

    async fn verify(
        &self,
        order: VerificationOrder,
        _urgency: Urgency,
    ) -> Result<WorkProgress<Verification>, WorkError> {
        verify_object(&*self.storage, &*self.catalog, &*self.clock, &order, None).await
    }
}
