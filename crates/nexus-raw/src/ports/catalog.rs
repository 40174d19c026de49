use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{
    AssetFacts, AssetHead, AssetPage, AssetQuery, AssetVerification, CallerKey, CatalogError,
    CursorKey, DownloadKey, DownloadOutcome, Downloadable, FactOutcome, KeyClaim, KeyedIntent,
    KeyedOutcome, LineageGraph, LineageQuery, ListedAsset, NewDownload, NewFact, NewImport,
    NewVerification, RepeatOutcome, StandingKey, VerificationOutcome,
};
use crate::{
    asset::{
        AssetId, ByteSize, DeclaredPart, PartNumber, RawAsset, Sha256Digest, StatedFact, UploadId,
        UploadIntent,
    },
    event::{DatasetEvent, EventBody, EventType},
    tenancy::Scope,
    time::Timestamp,
};

/// Which events of a scope count.
///
/// A catalogue finds each selection by an index: it looks at no more events than it returns, for
/// each of the types.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventSelection {
    /// All.
    #[default]
    All,
    /// Those of one asset.
    OfAsset(AssetId),
    /// Those of any of these types, so that sequences may have gaps.
    OfTypes(BTreeSet<EventType>),
}

/// Which events of a scope to read: the first `limit` of those that match all other fields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventQuery {
    /// Only these events.
    pub selection: EventSelection,
    /// Only events of a higher sequence.
    pub after: u64,
    /// The maximum number of events.
    pub limit: u32,
}

impl EventQuery {
    /// The first `limit` events of a scope.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            selection: EventSelection::All,
            after: 0,
            limit,
        }
    }

    /// Of one asset alone.
    #[must_use]
    pub fn of_asset(self, asset: AssetId) -> Self {
        Self {
            selection: EventSelection::OfAsset(asset),
            ..self
        }
    }

    /// Of any of these types alone.
    #[must_use]
    pub fn of_types(self, types: impl IntoIterator<Item = EventType>) -> Self {
        Self {
            selection: EventSelection::OfTypes(types.into_iter().collect()),
            ..self
        }
    }

    /// Of a higher sequence alone.
    #[must_use]
    pub fn after(self, sequence: u64) -> Self {
        Self {
            after: sequence,
            ..self
        }
    }
}

/// An intent and its state.
#[derive(Debug, Clone, PartialEq)]
pub enum IntentState {
    /// Not registered, ended or not.
    Pending(UploadIntent),
    /// Registered: the record, and the digest of the provenance it was registered with.
    Registered {
        /// The intent.
        intent: UploadIntent,
        /// The record.
        asset: Box<RawAsset>,
        /// [`Provenance::digest`](crate::asset::Provenance::digest) of the record.
        provenance_digest: Sha256Digest,
    },
    /// Its upload in parts was aborted; it is never registered.
    Aborted(UploadIntent),
}

impl IntentState {
    /// The intent.
    #[must_use]
    pub fn intent(&self) -> &UploadIntent {
        match self {
            Self::Pending(intent) | Self::Aborted(intent) | Self::Registered { intent, .. } => {
                intent
            }
        }
    }
}

/// The id of an upload in parts that was begun in the store, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunUpload {
    /// The tenant and environment.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// The id that it takes the place of, because the store no longer knows that.
    pub instead_of: Option<UploadId>,
    /// The new id.
    pub upload_id: UploadId,
}

/// Parts of an upload to be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewParts {
    /// The tenant and environment.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// The parts, at most 1,000, each with a number of its own.
    pub parts: Vec<DeclaredPart>,
}

/// The outcome of declaring parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartsOutcome {
    /// All are declared, now or before.
    Declared,
    /// These were declared before with another digest; nothing was written. Ascending.
    Differ(Vec<PartNumber>),
    /// The intent is not pending, or not of an upload in parts; nothing was written.
    NotPending,
}

/// The outcome of recording an abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbortedUpload {
    /// The state and its event are durable, now or before.
    Recorded,
    /// The asset is registered, or there is no such intent; nothing was written.
    NotPending,
}

/// A record to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAsset {
    /// The record.
    pub asset: RawAsset,
    /// The digest of its provenance.
    pub provenance_digest: Sha256Digest,
    /// The event of it.
    pub event: EventBody,
}

/// The outcome of a registration.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RegisterOutcome {
    /// The record and its event are durable.
    Registered,
    /// Another call registered the asset before; nothing was written.
    AlreadyRegistered {
        /// The existing record.
        asset: Box<RawAsset>,
        /// The digest of its provenance.
        provenance_digest: Sha256Digest,
    },
    /// Some parents are not registered in this scope; nothing was written. Positions in
    /// `derived_from`, ascending.
    UnknownParents(Vec<usize>),
    /// There is no intent of this asset in this scope; nothing was written.
    UnknownIntent,
    /// Its upload was aborted; nothing was written.
    Aborted,
}

/// The catalogue: intents, records and events of all scopes.
///
/// Implemented by `SqlAssetCatalog` and the fake of `nexus-raw-testkit`; called by
/// [`RawStorageService`](crate::service::RawStorageService). What must hold:
///
/// - Every look-up is by scope; nothing of another scope is ever returned or distinguishable from
///   what is absent.
/// - State and event are one transaction: neither is ever seen without the other, and both are
///   durable (survive a power cut) before a method returns.
/// - The events of a scope are numbered from 1 in order of commit, without a gap.
/// - An intent goes from pending to registered once, under any race.
/// - A caller's key is bound to one intent at a time, under any race, until that intent ends.
/// - A method whose future is dropped either happened whole or not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AssetCatalog: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an intent and the event of its presign.
    ///
    /// # Errors
    /// [`CatalogError::AlreadyExists`] when there is an intent of this asset id.
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError>;

    /// Writes an intent, the event of its presign, and the caller's key, bound to the intent
    /// until it ends; none of the three where the key is in use.
    ///
    /// # Errors
    /// [`CatalogError::AlreadyExists`] when there is an intent of this asset id.
    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError>;

    /// Binds a caller's key to a batch, unless it is bound to one already, and returns the digest
    /// of the request that it is bound to now.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn claim_key(&self, claim: KeyClaim) -> Result<Sha256Digest, CatalogError>;

    /// Writes one more event of a presign, if the asset's intent is pending, ended or not: each
    /// URL that leaves is an event. Of one intent there are [`UploadIntent::MAX_PRESIGNS`] at
    /// most, the first included, under any race.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError>;

    /// What a caller's key is bound to at `now`; `None` when it is free: never used, or its intent
    /// has ended by then, registered or not, or was aborted.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError>;

    /// The intent of an asset; `None` when this scope has none.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError>;

    /// Writes down under which id the store has begun the upload of a pending intent, if it has
    /// [`BegunUpload::instead_of`] until now; returns the id that it has then, which is another one
    /// where another call was first. `None` when the intent is not pending, or not of an upload in
    /// parts. Parts that are declared stay so.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn record_upload(&self, begun: BegunUpload) -> Result<Option<UploadId>, CatalogError>;

    /// Writes down the digests of parts, all or none. A part keeps its digest for good.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn declare_parts(&self, new: NewParts) -> Result<PartsOutcome, CatalogError>;

    /// The declared parts of an asset with a number above `after`, at most `limit`, ascending.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError>;

    /// Has a pending upload in parts be aborted for good, and writes the event of it. Its key, if
    /// it has one, is free from then on. Of an aborted one nothing is written.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn record_abort(&self, event: EventBody) -> Result<AbortedUpload, CatalogError>;

    /// The positions in `parents`, ascending, of those that are not registered in this scope.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError>;

    /// Writes a record, its labels, its lineage and its event, if the intent is still pending and
    /// every parent is registered in the same scope.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] also when it is not known whether the transaction was
    /// committed: the same call again shows.
    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError>;

    /// Writes a record as [`Self::register`] does, and its intent in the same transaction where
    /// there is none. The registration is the only event. Where the record is not written, the
    /// intent is not either.
    ///
    /// # Errors
    /// As [`Self::register`].
    async fn record_import(&self, new: NewImport) -> Result<RegisterOutcome, CatalogError>;

    /// The record of a registered asset and what is in force of it; `None` when this scope has
    /// none.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError>;

    /// [`InForce::train_ok_effective`](crate::asset::InForce::train_ok_effective) of a registered
    /// asset, for one who has its record already; `None` when this scope has none.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError>;

    /// A number that is another one after each change of the consent in force of any asset of the
    /// scope, from its commit on: what was read after the number was is still so while the
    /// catalogue returns the same number. `None` while that cannot be known, as where other
    /// processes write too.
    fn consent_version(&self, scope: &Scope) -> Option<u64>;

    /// What is stated of a registered asset, at one moment; `None` when the scope has no such
    /// asset.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError>;

    /// The facts of an asset with a sequence above `after`, at most `limit`, in order of sequence.
    /// Empty when there is none.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError>;

    /// Writes a fact, its event and what is then in force of the asset, unless another fact of the
    /// asset was recorded after [`NewFact::last_fact`].
    ///
    /// `train_ok_effective` is true exactly where the own statement in force of the asset and those
    /// of all its ancestors are true. A change reaches the descendants step by step, see
    /// [`Self::advance_consent`]; until its end a descendant may be reported as false too early or
    /// too long, and never as true too early or too long, by any read.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] also when it is not known whether the transaction was
    /// committed.
    async fn record_fact(&self, new: NewFact) -> Result<FactOutcome, CatalogError>;

    /// Takes the next step of the changes of consent in a scope towards the descendants, in one
    /// transaction that changes at most `max_changes` assets, and returns whether there is more to
    /// do. Any process may take any step, at any time. The service takes steps of
    /// [`NewFact::MAX_FOLLOWERS`].
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn advance_consent(&self, scope: &Scope, max_changes: u32) -> Result<bool, CatalogError>;

    /// Up to `limit` scopes in which a change of consent has not reached all descendants.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn unfinished_consent(&self, limit: u32) -> Result<Vec<Scope>, CatalogError>;

    /// A part of the lineage of a registered asset; `None` when the scope has no such asset.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError>;

    /// The latest verification of a registered asset, with its record and what is in force of it,
    /// at one moment; `None` when the scope has no such asset.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError>;

    /// Writes a verification, which becomes the asset's latest one, and its event, unless a fact of
    /// the asset was recorded after [`NewVerification::last_fact`], or the claim of
    /// [`NewVerification::epoch`] is no longer valid. The claim stays.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] also when it is not known whether the transaction was
    /// committed.
    async fn record_verification(
        &self,
        new: NewVerification,
    ) -> Result<VerificationOutcome, CatalogError>;

    /// The oldest registered asset of a scope with this content, of those whose digest is proved:
    /// the latest verification says that it is intact, or there was none and its content was
    /// compared with the digest at registration. `None` when there is none.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError>;

    /// The record of a registered asset, what is in force of it, and when the last URL ends that
    /// was made for this key; `None` when the scope has no such asset.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_download(&self, key: &DownloadKey) -> Result<Option<Downloadable>, CatalogError>;

    /// Writes the event of a download and when its URL ends, unless an earlier one of the same key
    /// ends at [`NewDownload::enough_until`] or later: of callers that race, one writes. It is not
    /// written either if a fact of the asset was recorded after [`NewDownload::last_fact`].
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn record_download(&self, new: NewDownload) -> Result<DownloadOutcome, CatalogError>;

    /// The registered assets of a scope that the query selects, newest first, by the sequence of
    /// their registration. It looks at [`AssetQuery::MAX_ROWS`] registrations at most; where more
    /// may match, the page says where to go on.
    ///
    /// A reader that goes on there sees each asset that matches once and misses none, also while
    /// others register.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn assets(&self, scope: &Scope, query: &AssetQuery) -> Result<AssetPage, CatalogError>;

    /// The same page as of [`Self::assets`], without the records, for one who has most of them.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn asset_heads(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage<AssetHead>, CatalogError>;

    /// The records of those of these assets that are registered in the scope, in any order.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn find_records(
        &self,
        scope: &Scope,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, CatalogError>;

    /// The key of this catalogue's list cursors: random, and the same for good.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn cursor_key(&self) -> Result<CursorKey, CatalogError>;

    /// The events of a scope that the query selects, in order of sequence; those of the whole
    /// scope come without a gap from `after + 1` on. Empty when there is none.
    ///
    /// A reader that continues from the last sequence it was given sees each event once and misses
    /// none, also while others write: no event shows before those of lower sequence do.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError>;

    /// Whether the catalogue answers and takes writes, by the cheapest request that shows it.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when it does not.
    async fn ready(&self) -> Result<(), CatalogError>;
}
