//! Brings objects of another bucket or prefix under keys of ours, and registers each.

mod asset_id;
mod claims;
mod error;
mod in_parts;
mod manifest;
mod naming;
mod outcome;
mod pages;
mod pieces;
mod report;
mod same_content;
#[cfg(test)]
mod tests;
mod transfer;

use std::{
    io,
    num::NonZeroU16,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use nexus_raw::{
    ErrorChain,
    asset::{AssetId, BucketName, ByteSize, ObjectKey, UploadIntent},
    event::RequestContext,
    ports::{
        AssetCatalog, AssetWriter, IntentState, RawStorageRepository, SourceBucket, SourceObject,
    },
    service::RawStorageService,
    tenancy::WriteAccess,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use self::{
    asset_id::import_id,
    claims::ContentClaims,
    manifest::FaultLines,
    outcome::{Setback, Verdict},
    pages::SourcePages,
    transfer::Transfer,
};
pub use self::{
    error::ImportError,
    manifest::{ImportManifest, ManifestError, ManifestFaults, ManifestForm},
    report::{ImportEnd, ImportKind, ImportLine, ImportSummary},
};

/// What is imported, from where, and in whose name.
#[derive(Debug)]
pub struct ImportSettings {
    /// The bucket of the source.
    pub bucket: BucketName,
    /// The prefix of the keys in it.
    pub prefix: String,
    /// The user in records and events, and the tenant and environment.
    pub access: WriteAccess,
    /// The trace and the request in the events.
    pub context: RequestContext,
    /// What is stated of the objects; without it nothing is.
    pub manifest: Option<ImportManifest>,
    /// How many objects are imported at once.
    pub concurrency: NonZeroU16,
    /// After this time no further object is begun.
    pub max_time: Option<Duration>,
}

/// An import. Each object gets an id that follows from the scope, its key and its version, so any
/// number of runs import it once: what a killed run has left at the key of that id is taken up again.
#[derive(Debug)]
pub struct Import<'a> {
    /// Where objects are read.
    pub source: &'a dyn SourceBucket,
    /// Where they are written.
    pub writer: &'a dyn AssetWriter,
    /// The same store.
    pub storage: &'a dyn RawStorageRepository,
    /// Registers them.
    pub service: &'a RawStorageService,
    /// Its catalogue.
    pub catalog: &'a dyn AssetCatalog,
    /// What is imported.
    pub settings: ImportSettings,
}

/// What the objects of a run share.
struct Shared {
    claims: ContentClaims,
    /// Pieces of [`ByteSize::PART`] in memory.
    memory: Semaphore,
    pieces: u32,
    /// Objects in a row that could not be read or written, for a reason that may be one of others too.
    failed: AtomicU32,
}

/// How often an object is tried.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// So many objects in a row that fail are no fault of the objects.
const MAX_FAILURES_IN_A_ROW: u32 = 100;

/// The largest piece of an object that is held in memory. An object has 10,000 of them at most.
const MAX_PIECE_BYTES: u64 = 64 * 1024 * 1024;

/// The prefixes of keys that only the service writes.
const OWN_PREFIXES: [&str; 2] = [ObjectKey::ROOT, "nexus-raw-probe/"];

impl Import<'_> {
    /// Imports objects until the list is worked through, the time is over, or `stopped` resolves; an
    /// object that was begun is imported to its end. What became of each goes to `report`.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn run(
        &self,
        stopped: impl Future<Output = ()>,
        report: &mut dyn FnMut(&ImportLine) -> io::Result<()>,
    ) -> Result<ImportSummary, ImportError> {
        self.check_place()?;
        self.check_parents().await?;
        let mut stopped = pin!(stopped);
        let end = self.settings.max_time;
        let end = end.and_then(|max| Instant::now().checked_add(max));
        let concurrency = usize::from(self.settings.concurrency.get());
        let pieces = u32::from(self.settings.concurrency.get())
            .max(u32::try_from(MAX_PIECE_BYTES / ByteSize::PART.get()).unwrap_or(1));
        let shared = Shared {
            claims: ContentClaims::default(),
            memory: Semaphore::new(pieces as usize),
            pieces,
            failed: AtomicU32::new(0),
        };
        let mut summary = ImportSummary::new();
        let mut pages = SourcePages::of(self.source);
        let is_over = || end.is_some_and(|end| Instant::now() >= end);
        loop {
            let page = tokio::select! {
                biased;
                () = &mut stopped => {
                    summary.ended = ImportEnd::Stopped;
                    return Ok(summary);
                }
                page = pages.next() => page?,
            };
            let Some(page) = page else { break };
            if is_over() {
                summary.ended = ImportEnd::TimeOver;
                return Ok(summary);
            }
            let mut left = page.into_iter();
            let mut running = FuturesUnordered::new();
            loop {
                while running.len() < concurrency && summary.ended == ImportEnd::NothingLeft {
                    let Some(object) = left.next() else { break };
                    if is_over() {
                        summary.ended = ImportEnd::TimeOver;
                        break;
                    }
                    running.push(self.import(object, &shared));
                }
                if running.is_empty() {
                    break;
                }
                tokio::select! {
                    biased;
                    () = &mut stopped, if summary.ended == ImportEnd::NothingLeft => {
                        summary.ended = ImportEnd::Stopped;
                    }
                    Some(line) = running.next() => {
                        let line = line?;
                        summary.count(&line);
                        report(&line).map_err(ImportError::Report)?;
                        let in_a_row = shared.failed.load(Relaxed);
                        if in_a_row >= MAX_FAILURES_IN_A_ROW {
                            return Err(ImportError::InARow(in_a_row));
                        }
                    }
                }
            }
            if summary.ended != ImportEnd::NothingLeft {
                return Ok(summary);
            }
        }
        let manifest = self.settings.manifest.iter();
        for line in manifest.flat_map(ImportManifest::without_object) {
            summary.count(&line);
            report(&line).map_err(ImportError::Report)?;
        }
        Ok(summary)
    }

    /// The service's own keys are not imported: nothing is at them without a record but what
    /// `reconcile` reports.
    fn check_place(&self) -> Result<(), ImportError> {
        let ImportSettings { bucket, prefix, .. } = &self.settings;
        let is_own = |own: &str| prefix.starts_with(own) || own.starts_with(prefix.as_str());
        if bucket == self.storage.bucket() && OWN_PREFIXES.into_iter().any(is_own) {
            Err(ImportError::InPlace)
        } else {
            Ok(())
        }
    }

    /// All parents that the manifest names must be registered, before anything is written.
    async fn check_parents(&self) -> Result<(), ImportError> {
        let scope = self.settings.access.scope();
        let mut faults = FaultLines::default();
        let manifest = self.settings.manifest.iter();
        for (line, parents) in manifest.flat_map(ImportManifest::parents) {
            for at in self.catalog.unknown_parents(scope, parents).await? {
                let parent = parents.get(at).map(AssetId::to_string).unwrap_or_default();
                let fault = "is not registered in this tenant and environment";
                faults.add(line, format!("derived_from: {parent} {fault}"));
            }
        }
        Ok(faults.end().map_err(ManifestError::from)?)
    }

    /// Imports one object, tries again while that may help, and returns what became of it.
    async fn import(
        &self,
        object: SourceObject,
        shared: &Shared,
    ) -> Result<ImportLine, ImportError> {
        let scope = self.settings.access.scope();
        let id = import_id(scope, &self.settings.bucket, &object);
        let row = self.settings.manifest.as_ref();
        let row = row.map(|manifest| manifest.row_of(&object.key));
        let promised = match self.promised(id).await? {
            Ok(promised) => promised,
            Err(known) => return Ok(known.line(&object)),
        };
        let row = match row {
            // as consoles and sync tools write it, without a content that could be lost
            None | Some(None) if object.size_bytes == 0 && object.key.ends_with('/') => {
                return Ok(Verdict::Folder.line(&object));
            }
            Some(None) => return Ok(Verdict::WithoutRow.line(&object)),
            Some(row) => row,
            None => None,
        };
        let mut transfer = Transfer {
            object: &object,
            id,
            row,
            promised: promised.as_ref(),
            attempt: 1,
        };
        loop {
            let failure = match self.transfer(transfer, shared).await {
                Ok(verdict) => {
                    shared.failed.store(0, Relaxed);
                    return Ok(verdict.line(&object));
                }
                Err(Setback::Catalog(error)) => return Err(error.into()),
                Err(failure) => failure,
            };
            if transfer.attempt < ATTEMPTS && failure.may_pass() {
                sleep(PAUSE * 2_u32.pow(transfer.attempt)).await;
                transfer.attempt += 1;
                continue;
            }
            self.storage.ready().await?;
            if !failure.is_of_the_object() {
                shared.failed.fetch_add(1, Relaxed);
            }
            let reason = ErrorChain(&failure).to_string();
            return Ok(Verdict::Failed(reason).line(&object));
        }
    }

    /// Returns the intent that `reconcile` may have written of what a killed run left, or what became
    /// of the object if nothing is to be done.
    async fn promised(
        &self,
        id: AssetId,
    ) -> Result<Result<Option<UploadIntent>, Verdict>, ImportError> {
        let scope = self.settings.access.scope();
        let state = self.catalog.find_intent(scope, id).await?;
        Ok(match state {
            Some(IntentState::Registered { .. }) => Err(Verdict::Known(id)),
            Some(IntentState::Aborted(_)) => Err(Verdict::refused(
                "its asset is one whose upload was aborted",
            )),
            Some(IntentState::Pending(intent)) => Ok(Some(intent)),
            None => Ok(None),
        })
    }
}
