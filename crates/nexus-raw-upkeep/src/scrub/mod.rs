//! Reads the objects of registered assets again, those that were not verified for longest first.

mod budget;
mod coverage;
mod error;
mod finding;
mod queue;
#[cfg(test)]
mod tests;

use std::{io, pin::pin, time::Duration};

use nexus_raw::{
    ErrorChain,
    asset::{ByteSize, RawAsset, Verdict, Verification},
    event::RequestContext,
    ports::{
        AssetCatalog, CatalogError, Clock, ObjectWorker, RawStorageRepository, Urgency,
        VerificationBacklog, VerificationOrder, WorkError, WorkProgress,
    },
    tenancy::{TenantId, UserId},
    time::Timestamp,
};
use tokio::time::{Instant, sleep_until};

use self::{
    budget::Pace,
    queue::{Candidate, Queue},
};
pub use self::{
    budget::ScrubBudget,
    coverage::{Coverage, coverage},
    error::ScrubError,
    finding::{FindingKind, ScrubFinding},
};

/// What is read again, in whose name, and how fast.
#[derive(Debug, Clone)]
pub struct ScrubSettings {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only what was not verified for so long.
    pub older_than: Duration,
    /// What is read of the store, at most.
    pub budget: ScrubBudget,
    /// After this time no further object is begun.
    pub max_time: Option<Duration>,
    /// The user in the events.
    pub user: UserId,
    /// The trace and the request in the events.
    pub context: RequestContext,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScrubEnd {
    /// There is nothing older.
    NothingLeft,
    /// The time was over.
    TimeOver,
    /// It was asked to stop.
    Stopped,
}

/// The numbers of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ScrubSummary {
    /// Why it ended.
    pub ended: ScrubEnd,
    /// Objects that are what their records say.
    pub intact: u64,
    /// Objects that are not.
    pub corrupt: u64,
    /// Objects that are no longer there.
    pub missing: u64,
    /// Objects that could not be read, or whose records could not be.
    pub unread: u64,
    /// The bytes of all objects that were read.
    pub bytes: u64,
    /// Assets that other processes were reading, or have read since the page was made.
    pub elsewhere: u64,
    /// Assets whose objects are in another bucket.
    pub other_bucket: u64,
}

impl ScrubSummary {
    fn new() -> Self {
        Self {
            ended: ScrubEnd::NothingLeft,
            intact: 0,
            corrupt: 0,
            missing: 0,
            unread: 0,
            bytes: 0,
            elsewhere: 0,
            other_bucket: 0,
        }
    }

    /// Whether an operator has to act.
    #[must_use]
    pub fn asks_for_action(&self) -> bool {
        self.corrupt + self.missing + self.unread > 0
    }
}

/// What became of one asset.
enum Outcome {
    Read {
        asset: Box<RawAsset>,
        verification: Verification,
    },
    Unread(Option<Box<RawAsset>>, String),
    Elsewhere,
    OtherBucket,
}

/// The reading of objects again. Any number of processes may do it at once: each object is read under
/// the lease of the catalogue.
#[derive(Debug)]
pub struct Scrub<'a> {
    /// Says which assets are next.
    pub backlog: &'a dyn VerificationBacklog,
    /// Has the records and the latest verdicts.
    pub catalog: &'a dyn AssetCatalog,
    /// Reads an object and records the verdict. It waits as long as that takes.
    pub worker: &'a dyn ObjectWorker,
    /// Says whether the store as a whole answers, when an object could not be read.
    pub storage: &'a dyn RawStorageRepository,
    /// Says what is older.
    pub clock: &'a dyn Clock,
    /// What is read.
    pub settings: ScrubSettings,
}

impl Scrub<'_> {
    /// Reads objects until nothing older is left, the time is over, or `stopped` resolves; an object
    /// that was begun is read to its end. What is not intact goes to `report`.
    ///
    /// Each asset is begun once at most. Nothing is kept for the next run but the verdicts, which are
    /// where it goes on.
    ///
    /// # Errors
    /// See [`ScrubError`].
    pub async fn run(
        &self,
        stopped: impl Future<Output = ()>,
        report: &mut dyn FnMut(&ScrubFinding) -> io::Result<()>,
    ) -> Result<ScrubSummary, ScrubError> {
        let mut stopped = pin!(stopped);
        let before = older_than(self.clock.now(), self.settings.older_than);
        let mut queue = Queue::new(self.backlog, self.settings.tenant.clone(), before);
        let mut pace = Pace::new(self.settings.budget);
        let end = self.settings.max_time;
        let end = end.and_then(|max| Instant::now().checked_add(max));
        let mut summary = ScrubSummary::new();
        while let Some(candidate) = queue.next().await? {
            let start = pace.next();
            if end.is_some_and(|end| start >= end) {
                summary.ended = ScrubEnd::TimeOver;
                return Ok(summary);
            }
            tokio::select! {
                biased;
                () = &mut stopped => {
                    summary.ended = ScrubEnd::Stopped;
                    return Ok(summary);
                }
                () = sleep_until(start) => {}
            }
            let outcome = self.read(&candidate, before).await?;
            pace.spend(candidate.asset.size_bytes.get(), &outcome);
            if let Some(finding) = count(&mut summary, &candidate, outcome) {
                report(&finding).map_err(ScrubError::Report)?;
            }
        }
        Ok(summary)
    }

    async fn read(&self, of: &Candidate, before: Timestamp) -> Result<Outcome, ScrubError> {
        let (scope, asset_id) = (&of.scope, of.asset.asset_id);
        let known = match self.catalog.find_verification(scope, asset_id).await {
            Ok(known) => known,
            // a row that cannot be read must not keep the others from being read
            Err(error @ CatalogError::Corrupt(_)) => {
                return Ok(Outcome::Unread(None, ErrorChain(&error).to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        // it may have been read elsewhere since the page was made, and longer ago than a verdict is fresh
        let known = known.filter(|it| it.latest.is_none_or(|it| it.verified_at() < before));
        let Some(known) = known else {
            return Ok(Outcome::Elsewhere);
        };
        let asset = Box::new(known.listed.asset);
        if asset.address().bucket != *self.storage.bucket() {
            return Ok(Outcome::OtherBucket);
        }
        let order = VerificationOrder {
            asset: asset.clone(),
            user: self.settings.user.clone(),
            context: self.settings.context.clone(),
        };
        match self.worker.verify(order, Urgency::Awaited).await {
            Ok(WorkProgress::Done(verification)) => Ok(Outcome::Read {
                asset,
                verification,
            }),
            Ok(WorkProgress::Pending) => Ok(Outcome::Elsewhere),
            Err(WorkError::Storage(error)) => match self.storage.ready().await {
                // of this object alone: an archived one, for instance
                Ok(()) => Ok(Outcome::Unread(Some(asset), ErrorChain(&error).to_string())),
                Err(_) => Err(error.into()),
            },
            Err(WorkError::Catalog(error)) => Err(error.into()),
        }
    }
}

/// Counts an outcome, and returns what is to be reported of it.
fn count(
    summary: &mut ScrubSummary,
    candidate: &Candidate,
    outcome: Outcome,
) -> Option<ScrubFinding> {
    match outcome {
        Outcome::Read {
            asset,
            verification,
        } => {
            let bytes = verification.size_bytes().map_or(0, ByteSize::get);
            summary.bytes = summary.bytes.saturating_add(bytes);
            match verification.verdict() {
                Verdict::Intact => {
                    summary.intact += 1;
                    return None;
                }
                Verdict::Corrupt => summary.corrupt += 1,
                Verdict::Missing => summary.missing += 1,
            }
            Some(ScrubFinding::verified(&asset, &verification))
        }
        Outcome::Unread(asset, reason) => {
            summary.unread += 1;
            let (scope, asset_id) = (&candidate.scope, candidate.asset.asset_id);
            Some(ScrubFinding::unread(
                scope,
                asset_id,
                asset.as_deref(),
                reason,
            ))
        }
        Outcome::Elsewhere => {
            summary.elsewhere += 1;
            None
        }
        Outcome::OtherBucket => {
            summary.other_bucket += 1;
            None
        }
    }
}

/// Returns the time so long ago.
fn older_than(now: Timestamp, age: Duration) -> Timestamp {
    let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    let then = now.as_micros().saturating_sub(age);
    Timestamp::from_micros(then).unwrap_or(Timestamp::UNIX_EPOCH)
}
