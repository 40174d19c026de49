use std::{collections::BTreeSet, sync::Arc};

use super::{RawStorageService, RegisterError};
use crate::{
    asset::{
        AssetId, ByteSize, ContentType, DeclaredFacts, Filename, Provenance, RawAsset,
        RawAssetParts, Sha256Digest, UploadIntent,
    },
    event::{EventBody, RequestContext},
    ports::{IntentState, NewAsset, RegisterOutcome, StoredObject},
    tenancy::WriteAccess,
};

/// A request to register an uploaded asset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RegisterRequest {
    /// The asset, as presign named it.
    pub asset_id: AssetId,
    /// Restated facts of the intent.
    pub restated: RestatedFacts,
    /// Where the asset came from and how it may be used.
    pub provenance: Provenance,
    /// Assets that are not to count as registered.
    unregistered: BatchParents,
}

/// The assets of a batch of registrations that are parents of others in it and were not registered
/// before. An item sees the state before the batch, so they are no parents yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchParents(Arc<BTreeSet<AssetId>>);

impl BatchParents {
    /// The positions of these parents that are among the assets.
    fn positions(&self, parents: &[AssetId]) -> impl Iterator<Item = usize> {
        let places = parents.iter().enumerate();
        places.filter_map(|(at, parent)| self.0.contains(parent).then_some(at))
    }
}

impl FromIterator<AssetId> for BatchParents {
    fn from_iter<I: IntoIterator<Item = AssetId>>(parents: I) -> Self {
        Self(Arc::new(parents.into_iter().collect()))
    }
}

impl RegisterRequest {
    /// A request to register this asset, which restates and states nothing.
    #[must_use]
    pub fn new(asset_id: AssetId) -> Self {
        Self {
            asset_id,
            restated: RestatedFacts::default(),
            provenance: Provenance::default(),
            unregistered: BatchParents::default(),
        }
    }

    /// Makes it an item of a batch, to which these parents are not registered yet.
    #[must_use]
    pub fn in_batch(self, parents: &BatchParents) -> Self {
        Self {
            unregistered: parents.clone(),
            ..self
        }
    }

    /// Restates facts of the intent, which are compared with it.
    #[must_use]
    pub fn with_restated(self, restated: RestatedFacts) -> Self {
        Self { restated, ..self }
    }

    /// States where the asset came from and how it may be used.
    #[must_use]
    pub fn with_provenance(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }
}

/// Facts of the intent that a caller may restate, so that a mix-up is reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestatedFacts {
    /// The file's name.
    pub filename: Option<Filename>,
    /// The media type.
    pub content_type: Option<ContentType>,
    /// The length.
    pub size_bytes: Option<ByteSize>,
    /// The digest.
    pub sha256: Option<Sha256Digest>,
}

impl RestatedFacts {
    /// The wire names of those that differ from the intent's.
    fn differing(&self, declared: &DeclaredFacts) -> Vec<&'static str> {
        let differs = [
            (
                "filename",
                self.filename
                    .as_ref()
                    .is_some_and(|it| *it != declared.filename),
            ),
            (
                "content_type",
                self.content_type
                    .as_ref()
                    .is_some_and(|it| *it != declared.content_type),
            ),
            (
                "size_bytes",
                self.size_bytes.is_some_and(|it| it != declared.size_bytes),
            ),
            (
                "sha256",
                declared
                    .sha256
                    .is_some_and(|declared| self.sha256.is_some_and(|it| it != declared)),
            ),
        ];
        differs
            .into_iter()
            .filter_map(|(name, differs)| differs.then_some(name))
            .collect()
    }
}

/// A registration, new or repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The record.
    pub asset: RawAsset,
    /// Whether this call wrote it; otherwise an identical one did before.
    pub created: bool,
}

impl RawStorageService {
    /// Registers what was uploaded, once: asks the store what it holds at the key that follows
    /// from the intent, compares it with the intent, and writes record and event together.
    ///
    /// The same registration again gives the same record.
    ///
    /// # Errors
    /// See [`RegisterError`]; in every case this call wrote nothing.
    pub async fn register(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        request: RegisterRequest,
    ) -> Result<Registered, RegisterError> {
        let RegisterRequest {
            asset_id,
            restated,
            provenance,
            unregistered,
        } = request;
        if provenance
            .captured_at
            .is_some_and(|captured| captured.is_ahead_of(self.clock.now()))
        {
            return Err(RegisterError::CapturedInFuture);
        }
        let digest = provenance.digest();
        let state = self.catalog.find_intent(access.scope(), asset_id).await?;
        let (intent, sha256) = match state.ok_or(RegisterError::AssetNotFound)? {
            IntentState::Pending(intent) => {
                let sha256 = check_restated(&restated, &intent.facts)?;
                (intent, sha256)
            }
            IntentState::Registered {
                intent,
                asset,
                provenance_digest,
            } => {
                check_restated(&restated, &intent.facts)?;
                check_restated(&restated, &asset.facts().clone().into())?;
                return repeated(asset, provenance_digest, digest);
            }
            IntentState::Aborted(intent) => {
                check_restated(&restated, &intent.facts)?;
                return Err(RegisterError::UploadAborted);
            }
        };
        let new = self
            .prove(
                access,
                context,
                (intent, sha256),
                (provenance, digest),
                &unregistered,
            )
            .await?;
        let asset = new.asset.clone();
        match self.catalog.register(new).await? {
            RegisterOutcome::Registered => Ok(Registered {
                asset,
                created: true,
            }),
            RegisterOutcome::AlreadyRegistered {
                asset,
                provenance_digest,
            } => repeated(asset, provenance_digest, digest),
            RegisterOutcome::UnknownParents(positions) => {
                Err(RegisterError::UnknownParents { positions })
            }
            RegisterOutcome::UnknownIntent => Err(RegisterError::AssetNotFound),
            RegisterOutcome::Aborted => Err(RegisterError::UploadAborted),
        }
    }

    /// What is at the address of `intent`, whose parts are put together where nothing is.
    async fn look_or_complete(&self, intent: &UploadIntent) -> Result<StoredObject, RegisterError> {
        match self.look(intent).await {
            Err(RegisterError::ObjectNotUploaded) => {
                let layout = intent.layout().ok_or(RegisterError::ObjectNotUploaded)?;
                self.complete(intent, layout).await?;
                self.look(intent).await
            }
            looked => looked,
        }
    }

    /// Has the content proved, and returns the record that may be written for it.
    async fn prove(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        (intent, sha256): (UploadIntent, Sha256Digest),
        (provenance, provenance_digest): (Provenance, Sha256Digest),
        unregistered: &BatchParents,
    ) -> Result<NewAsset, RegisterError> {
        let ended = self.clock.now() >= intent.ends_at;
        let early = if ended {
            // an object that arrived in time is registered even late; only the store knows
            Some(self.look(&intent).await?)
        } else {
            None
        };
        let parents = provenance.lineage.derived_from.as_slice();
        if !parents.is_empty() {
            let mut positions = self
                .catalog
                .unknown_parents(access.scope(), parents)
                .await?;
            positions.extend(unregistered.positions(parents));
            positions.sort_unstable();
            positions.dedup();
            if !positions.is_empty() {
                return Err(RegisterError::UnknownParents { positions });
            }
        }
        let stored = match early {
            Some(stored) => stored,
            None => self.look_or_complete(&intent).await?,
        };
        let integrity = self.integrity(&intent, sha256, stored).await?;
        let asset = RawAsset::from_parts(RawAssetParts {
            asset_id: intent.asset_id,
            scope: intent.scope,
            address: intent.address,
            facts: intent.facts.with_sha256(sha256),
            provenance,
            imported_at: self.clock.now(),
            registered_by: access.user().clone(),
            integrity,
        });
        let event = EventBody::registered(&asset, context);
        Ok(NewAsset {
            asset,
            provenance_digest,
            event,
        })
    }
}

/// Returns the digest of the content, which presign or this request has stated.
fn check_restated(
    restated: &RestatedFacts,
    declared: &DeclaredFacts,
) -> Result<Sha256Digest, RegisterError> {
    let stated = declared.sha256.or(restated.sha256);
    let sha256 = stated.ok_or(RegisterError::DigestMissing)?;
    let fields = restated.differing(declared);
    if fields.is_empty() {
        Ok(sha256)
    } else {
        Err(RegisterError::RestatedDiffers { fields })
    }
}

fn repeated(
    asset: Box<RawAsset>,
    standing: Sha256Digest,
    stated: Sha256Digest,
) -> Result<Registered, RegisterError> {
    if standing == stated {
        Ok(Registered {
            asset: *asset,
            created: false,
        })
    } else {
        Err(RegisterError::ProvenanceDiffers { asset })
    }
}
