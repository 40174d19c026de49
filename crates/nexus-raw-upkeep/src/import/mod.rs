//! Brings objects of another bucket or prefix under keys of ours, and registers each.

mod asset_id;
mod claims;
mod error;
mod manifest;
mod naming;
mod pages;
mod report;
#[cfg(test)]
mod tests;
mod transfer;

use std::{io, num::NonZeroU16, pin::pin, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use nexus_raw::{
    ErrorChain,
    asset::{AssetId, BucketName, ByteSize, ObjectKey},
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
    pages::SourcePages,
    transfer::{Setback, Verdict},
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
        };
        let mut summary = ImportSummary::new();
        let mut in_a_row = 0;
        let mut pages = SourcePages::of(self.source);
        while let Some(page) = pages.next().await? {
            let mut left = page.into_iter();
            let mut running = FuturesUnordered::new();
            loop {
                while running.len() < concurrency && summary.ended == ImportEnd::NothingLeft {
                    let Some(object) = left.next() else { break };
                    if end.is_some_and(|end| Instant::now() >= end) {
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
                        in_a_row = match line.kind {
                            ImportKind::Failed => in_a_row + 1,
                            _ => 0,
                        };
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
        if let Some(known) = self.known(id).await? {
            return Ok(known.line(&object));
        }
        let row = match row {
            // as consoles and sync tools write it, without a content that could be lost
            None | Some(None) if object.size_bytes == 0 && object.key.ends_with('/') => {
                return Ok(Verdict::Folder.line(&object));
            }
            Some(None) => return Ok(Verdict::WithoutRow.line(&object)),
            Some(row) => row,
            None => None,
        };
        let mut attempt = 1;
        loop {
            let failure = match self.transfer(&object, id, row, shared).await {
                Ok(verdict) => return Ok(verdict.line(&object)),
                Err(Setback::Catalog(error)) => return Err(error.into()),
                Err(failure) => failure,
            };
            if attempt < ATTEMPTS && failure.may_pass() {
                sleep(PAUSE * 2_u32.pow(attempt)).await;
                attempt += 1;
                continue;
            }
            // of this object alone, an archived one for instance, if the store as a whole responds
            self.storage.ready().await?;
            let reason = ErrorChain(&failure).to_string();
            return Ok(Verdict::Failed(reason).line(&object));
        }
    }

    /// Returns whether an earlier run has registered it.
    async fn known(&self, id: AssetId) -> Result<Option<Verdict>, ImportError> {
        let scope = self.settings.access.scope();
        let state = self.catalog.find_intent(scope, id).await?;
        Ok(match state {
            Some(IntentState::Registered { .. }) => Some(Verdict::Known(id)),
            Some(IntentState::Aborted(_)) => Some(Verdict::refused(
                "its asset is one whose upload was aborted",
            )),
            Some(IntentState::Pending(_)) | None => None,
        })
    }
}
