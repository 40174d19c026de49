use super::RawStorageService;
use crate::ports::{
    AbortOutcome, IntentState, ListedUpload, OpenUpload, UploadsMarker, WorkError, WorkProgress,
};

/// What became of a page of the uploads in parts that the store lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbandonedUploads {
    /// Uploads that are in use, or of which the catalogue knows nothing.
    pub open: u64,
    /// Uploads that were aborted.
    pub aborted: u64,
    /// Where the next page begins, if there is one.
    pub next: Option<UploadsMarker>,
}

impl RawStorageService {
    /// Aborts, of a page of the uploads in parts that the store lists, those that cannot be
    /// completed any more: the intent has ended, is registered or aborted, or has begun another
    /// upload. Nothing is removed for its age alone, and nothing of which the catalogue has no
    /// intent. No event is written. The program calls it in the background; any replica may.
    ///
    /// # Errors
    /// If the store or the catalogue does not respond.
    pub async fn remove_abandoned(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<AbandonedUploads, WorkError> {
        let listed = self.storage.open_uploads(after).await?;
        let mut page = AbandonedUploads {
            next: listed.next,
            ..AbandonedUploads::default()
        };
        for upload in listed.uploads {
            if self.remove_if_abandoned(upload).await? {
                page.aborted += 1;
            } else {
                page.open += 1;
            }
        }
        Ok(page)
    }

    /// Returns whether the upload was aborted.
    async fn remove_if_abandoned(&self, listed: ListedUpload) -> Result<bool, WorkError> {
        let state = self.catalog.find_intent(&listed.scope, listed.asset_id);
        let Some(state) = state.await? else {
            return Ok(false);
        };
        let (IntentState::Pending(intent)
        | IntentState::Aborted(intent)
        | IntentState::Registered { intent, .. }) = &state;
        let Some(multipart) = &intent.multipart else {
            return Ok(false);
        };
        if intent.address != listed.address {
            return Ok(false);
        }
        let upload = OpenUpload::of(intent, listed.upload_id);
        let has_ended = self.clock.now() >= intent.ends_at;
        let is_own = multipart.upload_id.as_ref() == Some(&upload.upload_id);
        match state {
            IntentState::Pending(_) if is_own && has_ended => {
                // a completion that was begun in time may still be under way
                let aborted = self.worker.abort(upload).await?;
                Ok(aborted == WorkProgress::Done(AbortOutcome::Aborted))
            }
            // an upload is begun in the store before its id is recorded
            IntentState::Pending(_) if is_own || !has_ended && multipart.upload_id.is_none() => {
                Ok(false)
            }
            _ => {
                self.storage.abort(&upload).await?;
                Ok(true)
            }
        }
    }
}
