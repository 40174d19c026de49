use std::{fmt, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, RawAsset, Sha256Digest, UploadIntent},
    event::{DatasetEvent, EventBody},
    ports::{
        AssetCatalog, Backlog, CallerKey, CatalogCensus, CatalogError, DigestLedger, EventOutbox,
        HashingClaim, IntentState, KeptEvent, KeyedIntent, KeyedOutcome, Lease, NewAsset,
        OpenIntents, ParkedEvent, ParkedEvents, ParkedFilter, PinnedObject, RegisterOutcome,
        RepeatOutcome, SinkName, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    backend::{Backend, Reader},
    commitment::CommittedBody,
    error::{DEADLINE, OpenError, Reason},
    location::Location,
    postgres,
    settings::SqlCatalogSettings,
    sqlite,
    writer::{
        GroupObserver, HashingAnswer, HashingRequest, HashingStep, IntentKey, IntentOutcome,
        LeaseRequest, Message, NewIntent, Progress, Registration, RepeatedPresign, RetryRequest,
        Writer,
    },
};

/// The catalogue and its outbox, in an SQL database.
///
/// One process has it at a time. Every call answers within three seconds, with
/// [`CatalogError::Unavailable`] where the database does not; of a write it is then not known
/// whether it happened, and the same call again tells.
///
/// When the medium under it fails, nothing is written any more and [`Self::failed`] resolves:
/// what the medium then holds is known only to whoever opens it anew, so the process should end.
pub struct SqlAssetCatalog {
    reader: Box<dyn Reader>,
    writer: Writer,
}

impl SqlAssetCatalog {
    /// Opens the catalogue, makes it where there is none, and brings its schema up to date.
    ///
    /// The writer runs as a task of the current tokio runtime.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: SqlCatalogSettings) -> Result<Self, OpenError> {
        let backend = match Location::parse(&settings.url)? {
            Location::Sqlite(path) => sqlite::open(&path, &settings.object_store).await?,
            Location::Postgres(options) => {
                postgres::open(*options, settings.max_connections, &settings.object_store).await?
            }
        };
        Ok(Self::on(backend))
    }

    /// Makes the catalogue where there is none, and brings its schema up to date; the numbers of
    /// the migrations that this took. Servers of the version before may go on meanwhile.
    ///
    /// The role must own the tables. On PostgreSQL call it on the server itself and not through
    /// a pooler: it holds a lock of its session, so that two at once do not meet.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn migrate(settings: SqlCatalogSettings) -> Result<Vec<i64>, OpenError> {
        match Location::parse(&settings.url)? {
            Location::Sqlite(path) => sqlite::migrate(&path, &settings.object_store).await,
            Location::Postgres(options) => postgres::migrate(*options).await,
        }
    }

    /// The same, with `hook` called inside every transaction, when all of it is written and
    /// nothing committed.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(feature = "commit-hook")]
    pub async fn open_with_hook(
        settings: SqlCatalogSettings,
        hook: crate::CommitHook,
    ) -> Result<Self, OpenError> {
        let backend = match Location::parse(&settings.url)? {
            Location::Sqlite(path) => {
                sqlite::open_with_hook(&path, &settings.object_store, hook).await?
            }
            Location::Postgres(_) => {
                return Err(OpenError::unfit(
                    "a hook inside a transaction is for SQLite alone",
                ));
            }
        };
        Ok(Self::on(backend))
    }

    fn on(Backend { reader, writer }: Backend) -> Self {
        Self {
            reader,
            writer: Writer::start(writer),
        }
    }

    /// Has `observer` told of each group of writes from now on, for metrics. The first one that
    /// was given stays.
    pub fn observe_groups(&self, observer: GroupObserver) {
        self.writer.observe_groups(observer);
    }

    /// Resolves once the medium has failed (a write or a flush to disk ended in an I/O error).
    /// Nothing is written any more, and the process should end.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.writer.failed()
    }

    /// Has written what was asked for before, then lets go of the database, so that another
    /// process may have it. Later calls answer [`CatalogError::Unavailable`].
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl fmt::Debug for SqlAssetCatalog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SqlAssetCatalog").finish_non_exhaustive()
    }
}

/// Gives a reader the time that every call has.
async fn timely<T>(
    answer: impl Future<Output = Result<T, CatalogError>>,
) -> Result<T, CatalogError> {
    tokio::time::timeout(DEADLINE, answer)
        .await
        .map_err(|_| Reason::Deadline)?
}

#[async_trait]
impl AssetCatalog for SqlAssetCatalog {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let event = CommittedBody::seal(&event)?;
        let request = NewIntent {
            intent,
            event,
            key: None,
        };
        match self.writer.call(request, Message::Intent).await? {
            IntentOutcome::Recorded => Ok(()),
            // no key was asked about, so none stands
            IntentOutcome::AlreadyExists | IntentOutcome::KeyStands => {
                Err(CatalogError::AlreadyExists)
            }
        }
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let request = NewIntent {
            intent: new.intent,
            event: CommittedBody::seal(&new.event)?,
            key: Some(Box::new(IntentKey {
                caller: new.key,
                body_digest: new.body_digest,
            })),
        };
        match self.writer.call(request, Message::Intent).await? {
            IntentOutcome::Recorded => Ok(KeyedOutcome::Recorded),
            IntentOutcome::KeyStands => Ok(KeyedOutcome::KeyStands),
            IntentOutcome::AlreadyExists => Err(CatalogError::AlreadyExists),
        }
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let request = RepeatedPresign {
            scope: event.scope(),
            event: CommittedBody::seal(&event)?,
        };
        self.writer.call(request, Message::Repeat).await
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        timely(self.reader.find_key(key, now)).await
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        timely(self.reader.find_intent(scope, asset)).await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        timely(self.reader.unknown_parents(scope, parents)).await
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        let event = CommittedBody::seal(&new.event)?;
        let request = Registration {
            new: Box::new(new),
            event,
        };
        self.writer.call(request, Message::Register).await
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError> {
        timely(self.reader.find_asset(scope, asset)).await
    }

    async fn events_of(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.events_of(scope, asset)).await
    }

    async fn events_after(
        &self,
        scope: &Scope,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.events_after(scope, after, limit)).await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.writer.check_alive()?;
        timely(self.reader.ready()).await
    }
}

#[async_trait]
impl CatalogCensus for SqlAssetCatalog {
    async fn open_intents(&self) -> Result<OpenIntents, CatalogError> {
        timely(self.reader.open_intents()).await
    }
}

#[async_trait]
impl EventOutbox for SqlAssetCatalog {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        let request = LeaseRequest { owner, now, ttl };
        self.writer.call(request, Message::Lease).await
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.undelivered(sink, limit, held)).await
    }

    async fn delivered(
        &self,
        sink: &SinkName,
        cursors: Vec<(Scope, u64)>,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let request = Progress {
            sink: sink.clone(),
            epoch,
            cursors,
            parked: None,
            retried: None,
        };
        self.writer.call(request, Message::Progress).await
    }

    async fn park(
        &self,
        sink: &SinkName,
        parked: ParkedEvent,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let request = Progress {
            sink: sink.clone(),
            epoch,
            cursors: vec![(parked.scope.clone(), parked.sequence)],
            parked: Some(parked),
            retried: None,
        };
        self.writer.call(request, Message::Progress).await
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.retries(sink, limit)).await
    }

    async fn retried(
        &self,
        sink: &SinkName,
        scope: Scope,
        sequence: u64,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let request = Progress {
            sink: sink.clone(),
            epoch,
            cursors: Vec::new(),
            parked: None,
            retried: Some((scope, sequence)),
        };
        self.writer.call(request, Message::Progress).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        timely(self.reader.oldest_undelivered(sink)).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        timely(self.reader.backlog(sink)).await
    }

    async fn committed(&self, patience: Duration) {
        self.writer.committed(patience).await;
    }
}

#[async_trait]
impl ParkedEvents for SqlAssetCatalog {
    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        timely(self.reader.parked(filter, limit)).await
    }

    async fn ask_retry(&self, filter: ParkedFilter, now: Timestamp) -> Result<u64, CatalogError> {
        let request = RetryRequest { filter, now };
        self.writer.call(request, Message::Retry).await
    }
}

impl SqlAssetCatalog {
    async fn hashing(
        &self,
        object: &PinnedObject,
        step: HashingStep,
    ) -> Result<HashingAnswer, CatalogError> {
        let object = object.clone();
        let request = HashingRequest { object, step };
        self.writer.call(request, Message::Hashing).await
    }

    /// Whether a step was done.
    async fn done(&self, object: &PinnedObject, step: HashingStep) -> Result<bool, CatalogError> {
        Ok(self.hashing(object, step).await? == HashingAnswer::Done(true))
    }
}

#[async_trait]
impl DigestLedger for SqlAssetCatalog {
    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        timely(self.reader.known_digest(object)).await
    }

    async fn claim_hashing(
        &self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<HashingClaim, CatalogError> {
        let step = HashingStep::Claim { owner, now, ttl };
        match self.hashing(object, step).await? {
            HashingAnswer::Claim(claim) => Ok(claim),
            // the writer answers a claim with a claim
            HashingAnswer::Done(_) => Ok(HashingClaim::Closed),
        }
    }

    async fn renew_hashing(
        &self,
        object: &PinnedObject,
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, CatalogError> {
        let step = HashingStep::Renew { epoch, now, ttl };
        self.done(object, step).await
    }

    async fn record_digest(
        &self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> Result<bool, CatalogError> {
        self.done(object, HashingStep::Record { epoch, digest })
            .await
    }

    async fn release_hashing(
        &self,
        object: &PinnedObject,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        self.done(object, HashingStep::Release { epoch }).await
    }
}
