use std::collections::BTreeSet;

use super::{AbortError, PartsError, RawStorageService, RegisterError};
use crate::{
    asset::{AssetId, DeclaredPart, PartLayout, PartNumber, Sha256Digest, UploadId, UploadIntent},
    event::{EventBody, RequestContext},
    ports::{
        AbortOutcome, AbortedUpload, BegunUpload, CompletionOutcome, IntentState, NewParts,
        OpenUpload, PartTerms, PartsListing, PartsOutcome, PresignedUpload, WorkError,
        WorkProgress,
    },
    tenancy::{ReadAccess, Scope, WriteAccess},
};

/// The maximum number of parts that are declared or listed at once.
const MAX_PARTS: u16 = 1000;

/// A signed upload of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedPart {
    /// The number of the part.
    pub part_number: PartNumber,
    /// How to upload it.
    pub upload: PresignedUpload,
}

impl RawStorageService {
    /// The maximum number of parts of one call.
    pub const MAX_PARTS: u16 = MAX_PARTS;

    /// Declares parts of an upload, each with its digest, and signs the upload of each. What was
    /// declared is durable before a URL is returned, and stays for good: another digest needs
    /// another upload. The first call begins the upload in the store.
    ///
    /// `parts` are at most [`Self::MAX_PARTS`], each with a number of its own.
    ///
    /// # Errors
    /// See [`PartsError`]; no part was declared then.
    pub async fn presign_parts(
        &self,
        access: &WriteAccess,
        asset: AssetId,
        parts: &[(PartNumber, Sha256Digest)],
    ) -> Result<Vec<PresignedPart>, PartsError> {
        let (intent, layout) = self.open_intent(access.scope(), asset).await?;
        let declared = declared(layout, parts)?;
        let upload = self.begun(&intent, None).await?;
        let upload = upload.ok_or(PartsError::Ended)?;
        let terms = PartTerms {
            upload: &upload,
            now: self.clock.now(),
            ttl: self.policy.presign_ttl,
            not_after: intent.ends_at,
        };
        let uploads = self.storage.presign_parts(terms, &declared).await?;
        let new = NewParts {
            scope: access.scope().clone(),
            asset_id: asset,
            parts: declared,
        };
        match self.catalog.declare_parts(new).await? {
            PartsOutcome::Declared => {}
            PartsOutcome::Differ(parts) => return Err(PartsError::Differ { parts }),
            PartsOutcome::NotPending => {
                // registered or aborted since
                self.open_intent(access.scope(), asset).await?;
                return Err(PartsError::AssetNotFound);
            }
        }
        let numbers = parts.iter().map(|(number, _)| *number);
        Ok(numbers
            .zip(uploads)
            .map(|(part_number, upload)| PresignedPart {
                part_number,
                upload,
            })
            .collect())
    }

    /// The parts that the store holds of an upload, with a number above `after`, at most `limit` (1
    /// to [`Self::MAX_PARTS`]), ascending, each as it was declared.
    ///
    /// # Errors
    /// See [`PartsError`].
    pub async fn parts(
        &self,
        access: &ReadAccess,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, PartsError> {
        let scope = access.scope();
        let (intent, _) = self.open_intent(scope, asset).await?;
        let Some(upload) = open_upload(&intent) else {
            return Ok(Vec::new());
        };
        Ok(self.held_parts(&upload, after, limit).await?)
    }

    /// Aborts an upload in parts for good: nothing is left of it in the store, and its asset is
    /// never registered. Of an aborted one nothing is changed.
    ///
    /// # Errors
    /// See [`AbortError`].
    pub async fn abort_upload(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        asset: AssetId,
    ) -> Result<(), AbortError> {
        let state = self.catalog.find_intent(access.scope(), asset).await?;
        let intent = match state.ok_or(AbortError::AssetNotFound)? {
            IntentState::Registered { .. } => return Err(AbortError::Registered),
            IntentState::Aborted(_) => return Ok(()),
            IntentState::Pending(intent) if intent.multipart.is_none() => {
                return Err(AbortError::NotMultipart);
            }
            IntentState::Pending(intent) => intent,
        };
        let upload = open_upload(&intent);
        match upload.clone() {
            Some(upload) => match self.worker.abort(upload).await? {
                WorkProgress::Done(AbortOutcome::Aborted) => {}
                WorkProgress::Done(AbortOutcome::Completed) => return Err(AbortError::Completed),
                WorkProgress::Pending => return Err(AbortError::Pending),
            },
            // of an upload that is not known any more, as after `reconcile --adopt`
            None => {
                if self.storage.stat(&intent.address).await?.is_some() {
                    return Err(AbortError::Completed);
                }
            }
        }
        let now = self.clock.now();
        let event = EventBody::upload_aborted(&intent, access.user(), context, now);
        match self.catalog.record_abort(event).await? {
            AbortedUpload::Recorded => {}
            AbortedUpload::NotPending => return Err(AbortError::Registered),
        }
        // a call at the same time may have begun another upload until now; none does later
        let state = self.catalog.find_intent(access.scope(), asset).await?;
        if let Some(IntentState::Aborted(intent)) = state
            && let Some(begun) = open_upload(&intent)
            && upload.is_none_or(|it| it != begun)
        {
            self.storage.abort(&begun).await?;
        }
        Ok(())
    }

    /// Puts the parts of an upload together in the store. When it returns, an object is at the
    /// address, which is still to be looked at.
    pub(super) async fn complete(
        &self,
        intent: &UploadIntent,
        layout: PartLayout,
    ) -> Result<(), RegisterError> {
        let all_parts = || RegisterError::PartsMissing {
            parts: layout.numbers().collect(),
        };
        let upload = open_upload(intent).ok_or_else(all_parts)?;
        let parts = self
            .catalog
            .declared_parts(&intent.scope, intent.asset_id, 0, PartNumber::MAX)
            .await?;
        if parts.len() < usize::from(layout.count()) {
            let parts = self.missing_parts(&upload, layout).await?;
            return Err(RegisterError::PartsMissing { parts });
        }
        let upload_id = upload.upload_id.clone();
        match self.worker.complete(upload, parts).await? {
            WorkProgress::Done(CompletionOutcome::Completed) => Ok(()),
            WorkProgress::Done(CompletionOutcome::MissingParts(parts)) => {
                Err(RegisterError::PartsMissing { parts })
            }
            WorkProgress::Done(CompletionOutcome::UnknownUpload) => {
                // the store has lost it, or a rule of the bucket has removed it: the caller can
                // upload its parts again
                self.begun(intent, Some(upload_id)).await?;
                Err(all_parts())
            }
            WorkProgress::Pending => Err(RegisterError::pending(intent.facts.size_bytes)),
        }
    }

    /// The parts that the store holds as they were declared, with a number above `after`, at most
    /// `limit`, ascending.
    async fn held_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, WorkError> {
        let listing = self.storage.stored_parts(upload, after, limit).await?;
        let PartsListing::Parts(stored) = listing else {
            return Ok(Vec::new());
        };
        let Some(last) = stored.last() else {
            return Ok(Vec::new());
        };
        let span = last.number.get().saturating_sub(after);
        let declared = self
            .catalog
            .declared_parts(&upload.scope, upload.asset_id, after, span)
            .await?;
        let is_held = |part: &DeclaredPart| {
            let at = stored.binary_search_by_key(&part.number, |it| it.number);
            at.is_ok_and(|at| stored[at].size_bytes == part.size_bytes.get())
        };
        Ok(declared.into_iter().filter(is_held).collect())
    }

    /// The parts that the store does not hold as they were declared, ascending.
    async fn missing_parts(
        &self,
        upload: &OpenUpload,
        layout: PartLayout,
    ) -> Result<Vec<PartNumber>, WorkError> {
        let mut missing: BTreeSet<_> = layout.numbers().collect();
        let mut after = 0;
        loop {
            let held = self.held_parts(upload, after, MAX_PARTS).await?;
            let Some(last) = held.last() else {
                return Ok(missing.into_iter().collect());
            };
            after = last.number.get();
            for part in held {
                missing.remove(&part.number);
            }
        }
    }

    /// The upload of an intent, begun in the store where it was not, or where the store no longer
    /// knows it as `lost`.
    /// `None` where it is pending no longer.
    async fn begun(
        &self,
        intent: &UploadIntent,
        lost: Option<UploadId>,
    ) -> Result<Option<OpenUpload>, WorkError> {
        let standing = intent
            .multipart
            .as_ref()
            .and_then(|it| it.upload_id.clone());
        if let Some(upload_id) = standing.clone().filter(|_| lost.is_none()) {
            return Ok(Some(OpenUpload::of(intent, upload_id)));
        }
        let upload_id = self.storage.begin_upload(intent).await?;
        let begun = BegunUpload {
            scope: intent.scope.clone(),
            asset_id: intent.asset_id,
            instead_of: lost,
            upload_id: upload_id.clone(),
        };
        let recorded = self.catalog.record_upload(begun).await?;
        if recorded.as_ref() != Some(&upload_id) {
            // another call was first; what fails here is removed with the abandoned uploads
            let own = OpenUpload::of(intent, upload_id);
            let _ = self.storage.abort(&own).await;
        }
        Ok(recorded.map(|upload_id| OpenUpload::of(intent, upload_id)))
    }

    /// The pending intent of an upload in parts that has not ended.
    async fn open_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<(UploadIntent, PartLayout), PartsError> {
        let state = self.catalog.find_intent(scope, asset).await?;
        match state.ok_or(PartsError::AssetNotFound)? {
            IntentState::Registered { .. } => Err(PartsError::Registered),
            IntentState::Aborted(_) => Err(PartsError::Ended),
            IntentState::Pending(intent) => match intent.layout() {
                None => Err(PartsError::NotMultipart),
                Some(_) if self.clock.now() >= intent.ends_at => Err(PartsError::Ended),
                Some(layout) => Ok((intent, layout)),
            },
        }
    }
}

fn open_upload(intent: &UploadIntent) -> Option<OpenUpload> {
    let upload_id = intent.multipart.as_ref()?.upload_id.clone()?;
    Some(OpenUpload::of(intent, upload_id))
}

/// The parts with their sizes.
fn declared(
    layout: PartLayout,
    parts: &[(PartNumber, Sha256Digest)],
) -> Result<Vec<DeclaredPart>, PartsError> {
    let sized = |(number, sha256): &(PartNumber, Sha256Digest)| {
        Some(DeclaredPart {
            number: *number,
            size_bytes: layout.size_of(*number)?,
            sha256: *sha256,
        })
    };
    let declared: Vec<_> = parts.iter().filter_map(sized).collect();
    if declared.len() == parts.len() {
        return Ok(declared);
    }
    let outside = parts.iter().enumerate();
    let outside = outside.filter(|(_, part)| layout.size_of(part.0).is_none());
    Err(PartsError::OutOfRange {
        positions: outside.map(|(at, _)| at).collect(),
        count: layout.count(),
    })
}
