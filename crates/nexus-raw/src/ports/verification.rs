use super::{
    AssetCatalog, CatalogError, Clock, HashOutcome, ListedAsset, PinnedObject,
    RawStorageRepository, StorageError, WorkError, WorkProgress,
};
use crate::{
    asset::{AssetId, ByteSize, FoundContent, RawAsset, Verification},
    event::{EventBody, RequestContext},
    tenancy::{Scope, UserId},
};

/// How often an object that is another one each time it is looked at is looked at.
const LOOKS: u32 = 3;

/// A registered asset and its latest verification.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetVerification {
    /// The record, and what is in force of it.
    pub listed: ListedAsset,
    /// The latest verification, if there was one.
    pub latest: Option<Verification>,
}

/// A request to read the object of a registered asset again.
#[derive(Debug, Clone, PartialEq)]
pub struct VerificationOrder {
    /// The record.
    pub asset: Box<RawAsset>,
    /// Who asks.
    pub user: UserId,
    /// In which trace, by which request.
    pub context: RequestContext,
}

/// A verification to be written, with its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVerification {
    /// The tenant and environment.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// The sequence of the asset's last fact, on which the event is based.
    pub last_fact: Option<u64>,
    /// The claim under which the object was read, where it was read under one. It must still be
    /// valid.
    pub epoch: Option<u64>,
    /// The verification.
    pub verification: Verification,
    /// Its event.
    pub event: EventBody,
}

/// The outcome of recording a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerificationOutcome {
    /// It is the asset's latest one, and durable with its event.
    Recorded,
    /// A fact of the asset was recorded meanwhile; nothing was written.
    Changed,
    /// The claim is no longer valid; nothing was written.
    ClaimLost,
    /// There is no such registered asset in this scope; nothing was written.
    UnknownAsset,
}

/// Nothing stays at the address long enough to be read.
#[derive(Debug, thiserror::Error)]
#[error("the object changed while it was read")]
pub(crate) struct Restless;

/// Facts of the asset came first each time.
#[derive(Debug, thiserror::Error)]
#[error("too many facts of one asset at once")]
pub(crate) struct Contended;

impl Contended {
    /// The number of times that a write is tried while facts of the same asset come first.
    pub(crate) const ATTEMPTS: usize = 64;
}

/// Reads the object of a registered asset to its end, compares it with the record, and records the
/// verdict with its event; unless the latest verdict [is fresh](Verification::is_fresh), which is
/// then returned.
///
/// `epoch` is that of the claim under which this is done, if there is one. [`WorkProgress::Pending`]
/// where that was lost, so that whoever has it now goes on.
///
/// # Errors
/// See [`WorkError`]; nothing was recorded, unless the catalogue is the cause.
pub async fn verify_object(
    storage: &dyn RawStorageRepository,
    catalog: &dyn AssetCatalog,
    clock: &dyn Clock,
    order: &VerificationOrder,
    epoch: Option<u64>,
) -> Result<WorkProgress<Verification>, WorkError> {
    let asset = &*order.asset;
    let (scope, asset_id) = (asset.scope(), asset.asset_id());
    let known = catalog.find_verification(scope, asset_id).await?;
    if let Some(latest) = known.and_then(|it| it.latest)
        && latest.is_fresh(clock.now())
    {
        return Ok(WorkProgress::Done(latest));
    }
    let found = read(storage, asset).await?;
    for _ in 0..Contended::ATTEMPTS {
        let Some(known) = catalog.find_verification(scope, asset_id).await? else {
            return Ok(WorkProgress::Pending);
        };
        let in_force = &known.listed.in_force;
        let verification = Verification::of(asset.facts(), found, clock.now());
        let (user, context) = (&order.user, &order.context);
        let new = NewVerification {
            scope: scope.clone(),
            asset_id,
            last_fact: in_force.last_fact,
            epoch,
            verification,
            event: EventBody::verified(asset, in_force, verification, user, context),
        };
        match catalog.record_verification(new).await? {
            VerificationOutcome::Recorded => return Ok(WorkProgress::Done(verification)),
            VerificationOutcome::Changed => {}
            VerificationOutcome::ClaimLost | VerificationOutcome::UnknownAsset => {
                return Ok(WorkProgress::Pending);
            }
        }
    }
    Err(CatalogError::Unavailable(Box::new(Contended)).into())
}

/// Reads what is there of an asset. Where the object that the record pins was replaced, what took its
/// place is read.
async fn read(
    storage: &dyn RawStorageRepository,
    asset: &RawAsset,
) -> Result<Option<FoundContent>, StorageError> {
    let mut object = PinnedObject::of_record(asset);
    for _ in 0..LOOKS {
        match storage.hash(&object).await? {
            HashOutcome::Hashed(sha256) => {
                return Ok(Some(FoundContent {
                    sha256,
                    size_bytes: object.size_bytes,
                }));
            }
            HashOutcome::Gone => return Ok(None),
            HashOutcome::Replaced => {}
        }
        let Some(stored) = storage.stat(&object.address).await? else {
            return Ok(None);
        };
        let size_bytes = ByteSize::parse(stored.size_bytes);
        object.size_bytes = size_bytes.map_err(|error| StorageError::Unavailable(error.into()))?;
        object.etag = stored.etag;
        object.version_id = stored.version_id;
    }
    Err(StorageError::Unavailable(Box::new(Restless)))
}
