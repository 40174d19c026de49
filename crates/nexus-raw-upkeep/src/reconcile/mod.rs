//! Compares the bucket with the catalogue, both ways.

mod adoption;
mod comparison;
mod difference;
mod error;
mod evaluation;
mod page_writer;
mod report;
mod state;
#[cfg(test)]
mod tests;
mod work_file;

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use nexus_raw::{
    asset::{AssetId, BucketName, ObjectKey},
    ports::{BucketInventory, CatalogInventory, Clock, InventoryPage, ObjectListing, PageToken},
    tenancy::{Scope, TenantId},
};

pub use self::{
    adoption::Adoption,
    difference::{Difference, DifferenceKind},
    error::{EndlessList, ReconcileError, WorkFileError},
    report::{ReportError, ReportFormat, Summary},
    state::Counts,
    work_file::WorkFile,
};
use self::{
    evaluation::{Evaluation, RunFacts},
    page_writer::ListedItem,
    state::{ListPlace, Phase},
};

/// How many intents, keys or uploads are looked at in one step.
const STEP: u32 = 256;

/// How many requests to the store run at once.
const PARALLEL: usize = 32;

/// How many pages in a row may have nothing new. A page may be repeated, and one or another empty.
const MAX_FRUITLESS: u32 = 16;

/// What is compared, and for how long.
#[derive(Debug, Clone)]
pub struct ReconcileSettings {
    /// The bucket. Intents of other buckets are only counted.
    pub bucket: BucketName,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// After this time the run pauses.
    pub max_time: Option<Duration>,
}

impl ReconcileSettings {
    /// Returns what all keys to be listed begin with.
    fn prefix(&self) -> String {
        let root = ObjectKey::ROOT;
        match &self.tenant {
            Some(tenant) => format!("{root}{tenant}/"),
            None => root.to_owned(),
        }
    }
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// The report is complete.
    Finished,
    /// The time is over. The next run with the same work file goes on.
    Paused,
}

/// The comparison of a bucket with a catalogue. It writes to neither, unless it has an [`Adoption`].
#[derive(Debug)]
pub struct Reconciliation<'a> {
    /// The list of objects.
    pub objects: &'a dyn ObjectListing,
    /// The bucket.
    pub bucket: &'a dyn BucketInventory,
    /// The catalogue.
    pub catalog: &'a dyn CatalogInventory,
    /// Says whether an intent has ended, and when the time is over.
    pub clock: &'a dyn Clock,
    /// What is written to the catalogue; `None` for nothing.
    pub adoption: Option<Adoption<'a>>,
    /// What is compared.
    pub settings: ReconcileSettings,
}

impl Reconciliation<'_> {
    /// Goes on with the run of a work file, until its end or until the time is over.
    ///
    /// # Errors
    /// See [`ReconcileError`]. The run can go on after any.
    pub async fn run(&self, file: &mut WorkFile) -> Result<RunOutcome, ReconcileError> {
        let began = self.clock.now();
        let started_at = file.state().started_at;
        let facts = RunFacts {
            listed_at: self.objects.complete_until().unwrap_or(started_at),
            keeps_octet_stream: self.bucket.keeps_octet_stream().await?,
        };
        loop {
            if file.state().phase == Phase::Done {
                return Ok(RunOutcome::Finished);
            }
            let is_over = |max| self.clock.now().since(began) >= max;
            if self.settings.max_time.is_some_and(is_over) {
                return Ok(RunOutcome::Paused);
            }
            self.step(file, facts).await?;
        }
    }

    async fn step(&self, file: &mut WorkFile, facts: RunFacts) -> Result<(), ReconcileError> {
        match file.state().phase.clone() {
            Phase::ListObjects(place) => self.list_objects(file, place).await,
            Phase::ListUploads(place) => self.list_uploads(file, place).await,
            Phase::Intents { scope, after } => {
                let scope = scope.map(Scope::from);
                self.look_at_intents(file, scope, after, facts).await
            }
            Phase::Objects { after } => {
                let keys = file.unmatched(&after, STEP)?;
                let next = match keys.last() {
                    Some(last) => Phase::Objects {
                        after: last.clone(),
                    },
                    None => Phase::Review {
                        after: String::new(),
                    },
                };
                self.look_at_keys(file, keys, facts, next, None).await
            }
            Phase::Review { after } => {
                let keys = file.differing(&after, STEP)?;
                let next = match keys.last() {
                    Some(last) => Phase::Review {
                        after: last.clone(),
                    },
                    None => Phase::Uploads {
                        key: String::new(),
                        upload_id: String::new(),
                    },
                };
                let adoption = self.adoption.as_ref();
                self.look_at_keys(file, keys, facts, next, adoption).await
            }
            Phase::Uploads { key, upload_id } => {
                self.look_at_uploads(file, (&key, &upload_id)).await
            }
            Phase::Done => Ok(()),
        }
    }

    async fn list_objects(
        &self,
        file: &mut WorkFile,
        place: ListPlace,
    ) -> Result<(), ReconcileError> {
        let (prefix, token) = (self.settings.prefix(), place.page());
        let mut page = self.objects.versions(&prefix, token.as_ref()).await?;
        page.items.retain(|it| it.key.starts_with(&prefix));
        take_page(file, List::Objects, &place, &page)
    }

    async fn list_uploads(
        &self,
        file: &mut WorkFile,
        place: ListPlace,
    ) -> Result<(), ReconcileError> {
        let (prefix, token) = (self.settings.prefix(), place.page());
        let mut page = self.bucket.multiparts(&prefix, token.as_ref()).await?;
        page.items.retain(|it| it.key.starts_with(&prefix));
        take_page(file, List::Uploads, &place, &page)
    }

    async fn look_at_intents(
        &self,
        file: &mut WorkFile,
        scope: Option<Scope>,
        after: Option<AssetId>,
        facts: RunFacts,
    ) -> Result<(), ReconcileError> {
        let states = match &scope {
            Some(scope) => self.catalog.intents(scope, after, STEP).await?,
            None => Vec::new(),
        };
        let Some(last) = states.last().map(|it| it.intent().asset_id) else {
            let tenant = self.settings.tenant.as_ref();
            let scopes = self.catalog.scopes(tenant, scope.as_ref(), 1).await?;
            let next = match scopes.into_iter().next() {
                Some(scope) => Phase::Intents {
                    scope: Some(scope.into()),
                    after: None,
                },
                None => Phase::Objects {
                    after: String::new(),
                },
            };
            return Ok(file.advance(Counts::default(), |_| Ok(next))?);
        };
        let mut looks = Vec::with_capacity(states.len());
        for state in states {
            let is_listed = file.has_object(state.intent().address.key.as_str())?;
            looks.push(self.evaluate_intent(state, is_listed, facts));
        }
        let evaluations: Vec<Evaluation> =
            stream::iter(looks).buffered(PARALLEL).try_collect().await?;
        let mut counts = counts_of(&evaluations);
        let ended: Vec<AssetId> = evaluations.iter().filter_map(|it| it.ended).collect();
        if let (Some(adoption), Some(scope), false) = (&self.adoption, &scope, ended.is_empty()) {
            let closed = adoption
                .closing
                .close_intents(scope, &ended, self.clock.now());
            counts.closed = closed.await?.into();
        }
        let next = Phase::Intents {
            scope: scope.map(Into::into),
            after: Some(last),
        };
        file.advance(counts, |page| {
            for it in &evaluations {
                if it.counts.other_bucket == 0 {
                    page.matched(&it.key)?;
                }
                page.differences(&it.key, &it.differences)?;
            }
            Ok(next)
        })?;
        Ok(())
    }

    /// Looks at these keys, and writes what differs in the place of what was found before.
    async fn look_at_keys(
        &self,
        file: &mut WorkFile,
        keys: Vec<String>,
        facts: RunFacts,
        next: Phase,
        adoption: Option<&Adoption<'_>>,
    ) -> Result<(), ReconcileError> {
        let looks = keys
            .into_iter()
            .map(|key| self.evaluate_key(key, facts, adoption));
        let evaluations: Vec<Evaluation> =
            stream::iter(looks).buffered(PARALLEL).try_collect().await?;
        file.advance(counts_of(&evaluations), |page| {
            for it in &evaluations {
                page.differences(&it.key, &it.differences)?;
            }
            Ok(next)
        })?;
        Ok(())
    }

    async fn look_at_uploads(
        &self,
        file: &mut WorkFile,
        after: (&str, &str),
    ) -> Result<(), ReconcileError> {
        let uploads = file.uploads(after, STEP)?;
        let next = match uploads.last() {
            Some(last) => Phase::Uploads {
                key: last.key.clone(),
                upload_id: last.upload_id.clone(),
            },
            None => Phase::Done,
        };
        let looks = uploads.into_iter().map(|it| self.evaluate_upload(it));
        let differences: Vec<Option<Difference>> =
            stream::iter(looks).buffered(PARALLEL).try_collect().await?;
        file.advance(Counts::default(), |page| {
            for it in differences.iter().flatten() {
                page.difference(it, 0)?;
            }
            Ok(next)
        })?;
        Ok(())
    }
}

fn counts_of(evaluations: &[Evaluation]) -> Counts {
    let mut counts = Counts::default();
    for it in evaluations {
        counts.add(it.counts);
    }
    counts
}

/// What is listed.
#[derive(Debug, Clone, Copy)]
enum List {
    Objects,
    Uploads,
}

impl List {
    fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Uploads => "open uploads",
        }
    }

    fn at(self, place: ListPlace) -> Phase {
        match self {
            Self::Objects => Phase::ListObjects(place),
            Self::Uploads => Phase::ListUploads(place),
        }
    }

    fn end(self) -> Phase {
        match self {
            Self::Objects => Phase::ListUploads(ListPlace::default()),
            Self::Uploads => Phase::Intents {
                scope: None,
                after: None,
            },
        }
    }
}

/// Writes a page of a list to the file, and where the list goes on.
fn take_page<T: ListedItem>(
    file: &mut WorkFile,
    list: List,
    place: &ListPlace,
    page: &InventoryPage<T>,
) -> Result<(), ReconcileError> {
    let next = page.next.as_ref().map(PageToken::as_str);
    if let Some(token) = next
        && file.has_page(list.name(), token)?
    {
        return begin_again(file, list, EndlessList::Repeats);
    }
    let mut fruitless = 0;
    file.advance(Counts::default(), |writer| {
        let mut is_fruitful = false;
        for item in &page.items {
            is_fruitful |= item.write(writer)?;
        }
        let Some(token) = next else {
            return Ok(list.end());
        };
        writer.page(list.name(), token)?;
        if !is_fruitful {
            fruitless = place.fruitless + 1;
        }
        Ok(list.at(ListPlace {
            token: Some(token.to_owned()),
            fruitless,
        }))
    })?;
    if fruitless < MAX_FRUITLESS {
        return Ok(());
    }
    begin_again(file, list, EndlessList::Fruitless(fruitless))
}

/// Has the next run list from the beginning, and returns the error.
fn begin_again(file: &mut WorkFile, list: List, reason: EndlessList) -> Result<(), ReconcileError> {
    file.advance(Counts::default(), |writer| {
        match list {
            List::Objects => writer.forget_objects()?,
            List::Uploads => writer.forget_uploads()?,
        }
        writer.forget_pages(list.name())?;
        Ok(list.at(ListPlace::default()))
    })?;
    Err(ReconcileError::Endless {
        list: list.name(),
        reason,
    })
}
