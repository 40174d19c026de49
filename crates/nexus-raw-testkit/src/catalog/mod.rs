mod backlog;
mod closing;
mod facts;
mod inventory;
mod ledger;
mod listing;
mod outbox;
mod parts;
mod state;
mod verifications;
mod works;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use async_trait::async_trait;
use nexus_raw::{
    asset::{
        AssetId, ByteSize, DeclaredPart, RawAsset, Sha256Digest, StatedFact, UploadId, UploadIntent,
    },
    event::{DatasetEvent, EventBody},
    ports::{
        AbortedUpload, AssetCatalog, AssetFacts, AssetHead, AssetPage, AssetQuery,
        AssetVerification, BegunUpload, CallerKey, CatalogCensus, CatalogError, CatalogTotals,
        CursorKey, DownloadKey, DownloadOutcome, Downloadable, EventQuery, EventSelection,
        FactOutcome, IntentState, KeyClaim, KeyedIntent, KeyedOutcome, LineageGraph, LineageQuery,
        ListedAsset, NewAsset, NewDownload, NewFact, NewImport, NewParts, NewVerification,
        ParkedEvent, PartsOutcome, RegisterOutcome, RepeatOutcome, SinkName, StandingKey,
        VerificationOutcome,
    },
    tenancy::Scope,
    time::Timestamp,
};
use tokio::sync::Notify;

use self::state::State;

/// An in-memory catalogue that fulfils the contracts of [`AssetCatalog`], [`CatalogCensus`],
/// [`CatalogInventory`](nexus_raw::ports::CatalogInventory),
/// [`EventOutbox`](nexus_raw::ports::EventOutbox),
/// [`IntentClosing`](nexus_raw::ports::IntentClosing),
/// [`VerificationBacklog`](nexus_raw::ports::VerificationBacklog) and
/// [`WorkLedger`](nexus_raw::ports::WorkLedger), except durability.
///
/// A clone is another connection to the same catalogue.
#[derive(Debug, Clone, Default)]
pub struct FakeCatalog {
    shared: Arc<Shared>,
    on_write: Option<OnWrite>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    weather: Mutex<Weather>,
    committed: Notify,
    consent_version: AtomicU64,
}

#[derive(Clone)]
struct OnWrite(Arc<dyn Fn(&Scope) + Send + Sync>);

impl std::fmt::Debug for OnWrite {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("OnWrite")
    }
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    down: bool,
    lose_next_answer: bool,
}

/// The error of an unavailable fake.
#[derive(Debug, thiserror::Error)]
#[error("the test has taken the catalogue down")]
struct CatalogTakenDown;

impl FakeCatalog {
    /// Creates an empty catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the availability. While unavailable, every call is [`CatalogError::Unavailable`] and
    /// changes nothing.
    pub fn set_available(&self, available: bool) {
        lock(&self.shared.weather).down = !available;
    }

    /// Commits the next write and loses its response: the caller gets
    /// [`CatalogError::Unavailable`].
    pub fn lose_next_answer(&self) {
        lock(&self.shared.weather).lose_next_answer = true;
    }

    /// Calls `on_write` with the scope after each write of an event through this connection and its
    /// clones, before the caller gets the outcome.
    #[must_use]
    pub fn on_write(self, on_write: impl Fn(&Scope) + Send + Sync + 'static) -> Self {
        Self {
            on_write: Some(OnWrite(Arc::new(on_write))),
            ..self
        }
    }

    /// Returns every event of a scope, in order of sequence.
    #[must_use]
    pub fn events_in(&self, scope: &Scope) -> Vec<DatasetEvent> {
        self.state().events_in(scope).to_vec()
    }

    /// Returns the parked events of a sink, in the order of parking.
    #[must_use]
    pub fn parked(&self, sink: &SinkName) -> Vec<ParkedEvent> {
        self.state().parked(sink)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    async fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, CatalogError> {
        self.connect().await?;
        Ok(look(&self.state()))
    }

    /// Runs a transaction, which an error rolls back.
    async fn write<T>(
        &self,
        scope: Scope,
        change: impl FnOnce(&mut State) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        self.connect().await?;
        let outcome = change(&mut self.state());
        if outcome.is_ok() {
            self.shared.committed.notify_waiters();
            self.shared.committed.notify_one();
            if let Some(OnWrite(on_write)) = &self.on_write {
                on_write(&scope);
            }
            if std::mem::take(&mut lock(&self.shared.weather).lose_next_answer) {
                return Err(down());
            }
        }
        outcome
    }

    /// Yields once, as a network call would, so that concurrent callers interleave.
    async fn connect(&self) -> Result<(), CatalogError> {
        tokio::task::yield_now().await;
        if lock(&self.shared.weather).down {
            Err(down())
        } else {
            Ok(())
        }
    }
}

fn down() -> CatalogError {
    CatalogError::Unavailable(Box::new(CatalogTakenDown))
}

/// Locks, and ignores the panics of other tests.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl AssetCatalog for FakeCatalog {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let scope = intent.scope.clone();
        self.write(scope, |state| state.record_intent(intent, event))
            .await
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let scope = new.key.scope.clone();
        self.write(scope, |state| state.record_keyed_intent(new))
            .await
    }

    async fn claim_key(&self, claim: KeyClaim) -> Result<Sha256Digest, CatalogError> {
        let scope = claim.key.scope.clone();
        self.write(scope, |state| Ok(state.claim_key(claim))).await
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let write = |state: &mut State| Ok(state.record_repeated_presign(event.clone()));
        self.write(event.scope(), write).await
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        self.read(|state| state.key(key, now)).await
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        self.read(|state| state.intent(scope, asset).cloned()).await
    }

    async fn record_upload(&self, begun: BegunUpload) -> Result<Option<UploadId>, CatalogError> {
        let scope = begun.scope.clone();
        self.write(scope, |state| Ok(parts::record_upload(state, begun)))
            .await
    }

    async fn declare_parts(&self, new: NewParts) -> Result<PartsOutcome, CatalogError> {
        let scope = new.scope.clone();
        self.write(scope, |state| Ok(parts::declare(state, new)))
            .await
    }

    async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        self.read(|state| parts::page(state, scope, asset, after, limit))
            .await
    }

    async fn record_abort(&self, event: EventBody) -> Result<AbortedUpload, CatalogError> {
        self.write(event.scope(), |state| Ok(parts::abort(state, event)))
            .await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        self.read(|state| state.unknown_parents(scope, parents))
            .await
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        self.write(new.event.scope(), |state| Ok(state.register(new)))
            .await
    }

    async fn record_import(&self, new: NewImport) -> Result<RegisterOutcome, CatalogError> {
        let scope = new.intent.scope.clone();
        self.write(scope, |state| Ok(state.record_import(new)))
            .await
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError> {
        self.read(|state| listing::find(state, scope, asset)).await
    }

    async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        let found = self
            .read(|state| listing::find(state, scope, asset))
            .await?;
        Ok(found.map(|it| it.in_force.train_ok_effective))
    }

    fn consent_version(&self, _: &Scope) -> Option<u64> {
        Some(self.shared.consent_version.load(SeqCst))
    }

    async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError> {
        self.read(|state| facts::find(state, scope, asset)).await
    }

    async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError> {
        self.read(|state| facts::page(state, scope, asset, after, limit))
            .await
    }

    async fn record_fact(&self, new: NewFact) -> Result<FactOutcome, CatalogError> {
        let scope = new.scope.clone();
        self.write(scope, |state| {
            // readers wait for the state, and then see the fact
            self.shared.consent_version.fetch_add(1, SeqCst);
            Ok(facts::record(state, new))
        })
        .await
    }

    async fn advance_consent(&self, _: &Scope, _: u32) -> Result<bool, CatalogError> {
        self.read(|_| false).await
    }

    async fn unfinished_consent(&self, _: u32) -> Result<Vec<Scope>, CatalogError> {
        self.read(|_| Vec::new()).await
    }

    async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError> {
        self.read(|state| facts::lineage(state, scope, asset, query))
            .await
    }

    async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError> {
        self.read(|state| verifications::find(state, scope, asset))
            .await
    }

    async fn record_verification(
        &self,
        new: NewVerification,
    ) -> Result<VerificationOutcome, CatalogError> {
        let scope = new.scope.clone();
        self.write(scope, |state| Ok(verifications::record(state, new)))
            .await
    }

    async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError> {
        self.read(|state| state.content(scope, sha256, size_bytes).cloned())
            .await
    }

    async fn find_download(&self, key: &DownloadKey) -> Result<Option<Downloadable>, CatalogError> {
        self.read(|state| {
            Some(Downloadable {
                listed: Arc::new(listing::find(state, &key.scope, key.asset_id)?),
                granted_until: state.downloads.get(key).copied(),
            })
        })
        .await
    }

    async fn record_download(&self, new: NewDownload) -> Result<DownloadOutcome, CatalogError> {
        let scope = new.key.scope.clone();
        self.write(scope, |state| Ok(state.record_download(new)))
            .await
    }

    async fn assets(&self, scope: &Scope, query: &AssetQuery) -> Result<AssetPage, CatalogError> {
        self.read(|state| listing::page(state, scope, query)).await
    }

    async fn asset_heads(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage<AssetHead>, CatalogError> {
        let page = self.assets(scope, query).await?;
        Ok(AssetPage {
            assets: page.assets.into_iter().map(AssetHead::from).collect(),
            next: page.next,
        })
    }

    async fn find_records(
        &self,
        scope: &Scope,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, CatalogError> {
        let found = |state: &State| {
            let found = assets.iter().map(|it| listing::find(state, scope, *it));
            found.flatten().map(|it| it.asset).collect()
        };
        self.read(found).await
    }

    async fn cursor_key(&self) -> Result<CursorKey, CatalogError> {
        // as with real catalogues, one does not accept the cursors of another
        let address = std::ptr::from_ref::<Shared>(&self.shared)
            .addr()
            .to_be_bytes();
        self.read(|_| CursorKey::new(*Sha256Digest::of(&address).as_bytes()))
            .await
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let is_asked = |event: &&DatasetEvent| {
            event.sequence > query.after
                && match &query.selection {
                    EventSelection::OfAsset(asset) => event.body.asset_id == *asset,
                    EventSelection::OfTypes(types) => types.contains(&event.body.event_type),
                    _ => true,
                }
        };
        self.read(|state| {
            let events = state.events_in(scope).iter();
            events
                .filter(is_asked)
                .take(usize::try_from(query.limit).unwrap())
                .cloned()
                .collect()
        })
        .await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.read(|_| ()).await
    }
}

#[async_trait]
impl CatalogCensus for FakeCatalog {
    async fn totals(&self) -> Result<CatalogTotals, CatalogError> {
        self.read(State::totals).await
    }
}
