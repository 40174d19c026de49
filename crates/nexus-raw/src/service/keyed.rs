use super::{PresignError, PresignRequest, Presigned, PresignedAsset, RawStorageService};
use crate::{
    asset::{Sha256Digest, UploadIntent},
    event::{EventBody, RequestContext},
    ports::{
        BoxError, CallerKey, CatalogError, IdempotencyKey, IntentState, KeyedIntent, KeyedOutcome,
        RepeatOutcome,
    },
    tenancy::WriteAccess,
};

/// How often a key is looked up. Its state can change between lookup and write, at most twice:
/// free, pending, registered.
const MAX_LOOKUPS: usize = 4;

/// The state of a key was another one at every lookup. No sequence of calls is known that leads
/// here.
#[derive(Debug, thiserror::Error)]
#[error("the state of the idempotency key has changed {MAX_LOOKUPS} times in one request")]
struct KeyKeptChanging;

impl RawStorageService {
    /// Returns the key that a caller has named for a route.
    pub(super) fn caller_key(
        access: &WriteAccess,
        route: &'static str,
        key: IdempotencyKey,
    ) -> CallerKey {
        CallerKey {
            scope: access.scope().clone(),
            user: access.user().clone(),
            route,
            key,
        }
    }

    /// Presigns under a caller's key: a new intent, or the one that the key is bound to.
    pub(super) async fn presign_keyed(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        key: CallerKey,
        body_digest: Sha256Digest,
        request: &PresignRequest,
    ) -> Result<Presigned, PresignError> {
        for _ in 0..MAX_LOOKUPS {
            let standing = self.catalog.find_key(&key, self.clock.now()).await?;
            if standing
                .as_ref()
                .is_some_and(|standing| standing.body_digest != body_digest)
            {
                return Err(PresignError::KeyReused);
            }
            if let Some(asset) = self.registered_copy(access, request).await? {
                return Ok(Presigned::Registered(asset));
            }
            let presigned = match standing {
                None => {
                    self.presign_first(access, context, &key, body_digest, request)
                        .await?
                }
                Some(standing) => match standing.state {
                    IntentState::Pending(intent) => {
                        self.presign_again(access, context, &intent).await?
                    }
                    // aborted since: the key is free
                    IntentState::Aborted(_) => None,
                    IntentState::Registered { intent, .. } => {
                        let asset_id = intent.asset_id;
                        return Err(PresignError::KeyRegistered { asset_id });
                    }
                },
            };
            if let Some(presigned) = presigned {
                return Ok(Presigned::Upload(presigned));
            }
        }
        let reason: BoxError = Box::new(KeyKeptChanging);
        Err(CatalogError::Unavailable(reason).into())
    }

    /// Records an intent under a free key; `None` where it is free no longer.
    async fn presign_first(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        key: &CallerKey,
        body_digest: Sha256Digest,
        request: &PresignRequest,
    ) -> Result<Option<PresignedAsset>, PresignError> {
        let now = self.clock.now();
        let intent = self.new_intent(access, request, now);
        let presigned = self.sign(&intent, now).await?;
        let event = EventBody::presigned(&intent, access.user(), context, now);
        let new = KeyedIntent {
            key: key.clone(),
            body_digest,
            intent,
            event,
        };
        Ok(match self.catalog.record_keyed_intent(new).await? {
            KeyedOutcome::Recorded => Some(presigned),
            KeyedOutcome::KeyStands => None,
        })
    }

    /// Signs a fresh URL for a pending intent; `None` where it is pending no longer.
    async fn presign_again(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        intent: &UploadIntent,
    ) -> Result<Option<PresignedAsset>, PresignError> {
        let now = self.clock.now();
        let presigned = self.sign(intent, now).await?;
        if intent.multipart.is_some() {
            // no URL leaves: there is nothing to record
            return Ok(Some(presigned));
        }
        let event = EventBody::presigned(intent, access.user(), context, now);
        match self.catalog.record_repeated_presign(event).await? {
            RepeatOutcome::Recorded => Ok(Some(presigned)),
            RepeatOutcome::NotPending => Ok(None),
            RepeatOutcome::Exhausted => Err(PresignError::PresignsExhausted {
                retry_after: intent.ends_at.since(now),
            }),
        }
    }
}
