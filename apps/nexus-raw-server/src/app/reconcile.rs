//! The comparison of the bucket with the catalogue, beside the servers that use them.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nexus_raw::tenancy::{TenantId, UserId};
use nexus_raw_catalog_sql::{CatalogInspector, SqlAssetCatalog};
use nexus_raw_config::{CatalogLocation, Settings};
use nexus_raw_storage_s3::{S3BucketInventory, S3RawStorageRepository, S3Settings};
use nexus_raw_upkeep::{
    reconcile::{
        Adoption, ReconcileSettings, Reconciliation, ReportError, ReportFormat, RunOutcome,
        WorkFile,
    },
    s3_inventory::S3Inventory,
};

use slog::Logger;
use tokio::runtime::Runtime;

use super::{
    Failure,
    embedded::EmbeddedStore,
    plan::Plan,
    writing::{self, WritingCommand},
};

/// What to compare, and how to report it.
#[derive(Debug)]
pub struct ReconcileTask {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// The user in the intents of objects that had none; `None` to write nothing.
    pub adopt_as: Option<UserId>,
    /// The run pauses after this time.
    pub max_time: Option<Duration>,
    /// The manifest of a report of S3 Inventory, which lists the objects; `None` to list them by
    /// requests.
    pub inventory: Option<PathBuf>,
    /// The work file; `None` for one beside the catalogue.
    pub work_file: Option<PathBuf>,
    /// Whether the work file is kept after the report.
    pub keeps_work_file: bool,
    /// The form of the report.
    pub format: ReportFormat,
}

/// Compares the bucket with the catalogue, writes the report, and returns whether they differ. If it is
/// to adopt, it excludes a server on SQLite.
///
/// # Errors
/// See [`Failure`]. The next call goes on after any.
pub fn reconcile(
    settings: &Settings,
    task: &ReconcileTask,
    log: &Logger,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let mut plan = Plan::of(settings)?;
    let runtime = super::runtime_of_a_command()?;
    if task.adopt_as.is_some() {
        let opened = runtime.block_on(WritingCommand::open(&mut plan))?;
        let done = compare(
            &plan,
            settings,
            task,
            &runtime,
            Some(&opened.catalog),
            log,
            out,
        );
        runtime.block_on(opened.close(log));
        return done;
    }
    // until the end
    let _store = EmbeddedStore::beside(
        settings.embedded.as_ref(),
        plan.store.as_ref(),
        &mut plan.storage,
    )?;
    compare(&plan, settings, task, &runtime, None, log, out)
}

/// Compares, and has `writer` adopt, if there is one.
fn compare(
    plan: &Plan,
    settings: &Settings,
    task: &ReconcileTask,
    runtime: &Runtime,
    writer: Option<&SqlAssetCatalog>,
    log: &Logger,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let path = match &task.work_file {
        Some(path) => path.clone(),
        None => beside(&settings.catalog.location, task.tenant.as_ref()),
    };
    let inventory = task.inventory.as_ref();
    let inventory = inventory.map(|it| S3Inventory::open(it, &plan.storage.bucket));
    let inventory = inventory.transpose()?;
    let subject = subject(&plan.storage, task, inventory.as_ref());
    let (file, outcome) = runtime.block_on(async {
        let catalog = CatalogInspector::open(&plan.catalog.url).await?;
        let storage = plan.storage.clone();
        let bucket = S3BucketInventory::connect(storage, Arc::clone(&plan.clock)).await?;
        let storage = match writer {
            Some(_) => Some(writing::probed(plan).await?),
            None => None,
        };
        // at last: of a run that cannot begin nothing is left
        let mut file = WorkFile::open(&path, &subject, plan.clock.now())?;
        let reconciliation = Reconciliation {
            objects: match &inventory {
                Some(inventory) => inventory,
                None => &bucket,
            },
            bucket: &bucket,
            catalog: &catalog,
            clock: &*plan.clock,
            adoption: adoption(plan, settings, task, writer.zip(storage.as_ref()), log),
            settings: ReconcileSettings {
                bucket: plan.storage.bucket.clone(),
                tenant: task.tenant.clone(),
                max_time: task.max_time,
            },
        };
        let outcome = reconciliation.run(&mut file).await?;
        Ok::<_, Failure>((file, outcome))
    })?;
    if outcome == RunOutcome::Paused {
        return Err(Failure::Unfinished { work_file: path });
    }
    let summary = file.report(task.format, out).map_err(|error| match error {
        ReportError::WorkFile(error) => error.into(),
        ReportError::Output(error) => Failure::Output(error),
        _ => Failure::Output(std::io::Error::other(error)),
    })?;
    if !task.keeps_work_file {
        file.remove()?;
    }
    match summary.counts.unlisted {
        0 => Ok(summary.differs()),
        left_out => Err(Failure::IncompleteList { left_out }),
    }
}

fn adoption<'a>(
    plan: &Plan,
    settings: &Settings,
    task: &ReconcileTask,
    written: Option<(&'a SqlAssetCatalog, &'a S3RawStorageRepository)>,
    log: &Logger,
) -> Option<Adoption<'a>> {
    let (catalog, storage) = written?;
    let user = task.adopt_as.clone()?;
    Some(Adoption {
        catalog,
        closing: catalog,
        storage,
        environments: settings.tenancy.environments.clone(),
        user,
        context: writing::context_of("adoption", plan, log),
        policy: plan.policy,
    })
}

/// Returns the default work file: in the directory of the catalogue's file, or the working directory.
fn beside(catalog: &CatalogLocation, tenant: Option<&TenantId>) -> PathBuf {
    let directory = match catalog {
        CatalogLocation::Sqlite(file) => file.parent().unwrap_or(Path::new("")),
        CatalogLocation::Postgres(_) => Path::new(""),
    };
    directory.join(match tenant {
        Some(tenant) => format!("reconcile-{tenant}.work"),
        None => "reconcile.work".to_owned(),
    })
}

/// Says what is compared, for the report, and so that a work file serves one comparison only.
fn subject(storage: &S3Settings, task: &ReconcileTask, inventory: Option<&S3Inventory>) -> String {
    let tenant = task
        .tenant
        .as_ref()
        .map(|it| format!("tenant {it} in "))
        .unwrap_or_default();
    let list = inventory
        .map(|it| format!(" by the inventory of {}", it.created_at()))
        .unwrap_or_default();
    let adopting = if task.adopt_as.is_some() {
        ", adopting"
    } else {
        ""
    };
    format!("{tenant}bucket {}{list}{adopting}", storage.bucket)
}

#[cfg(test)]
mod tests {
    use nexus_raw::ports::{CatalogError, InventoryError};
    use nexus_raw_upkeep::reconcile::{ReconcileError, WorkFileError};

    use super::*;

    #[test]
    fn an_operator_sees_from_the_exit_code_what_to_do() {
        let work_file = PathBuf::from("work");
        let of = |error: ReconcileError| Failure::from(error).exit_code();
        for (code, expected) in [
            (Failure::Unfinished { work_file }.exit_code(), 75),
            (Failure::IncompleteList { left_out: 1 }.exit_code(), 69),
            (of(CatalogError::Unavailable("down".into()).into()), 69),
            (of(CatalogError::Corrupt("row".into()).into()), 78),
            (of(InventoryError::Unavailable("down".into()).into()), 69),
            (of(InventoryError::Unusable("page".into()).into()), 78),
            (of(WorkFileError::InUse("work".into()).into()), 69),
            (of(WorkFileError::Unknown("work".into()).into()), 78),
        ] {
            assert_eq!(code, expected);
        }
    }

    #[test]
    fn the_work_file_is_beside_the_catalogue_and_one_for_each_tenant() {
        let sqlite = CatalogLocation::Sqlite("data/catalog.sqlite".into());
        let tenant = TenantId::parse("t_demo").unwrap();
        assert_eq!(beside(&sqlite, None), Path::new("data/reconcile.work"));
        assert_eq!(
            beside(&sqlite, Some(&tenant)),
            Path::new("data/reconcile-t_demo.work")
        );
        let postgres = CatalogLocation::Postgres("postgres://db/x".into());
        assert_eq!(beside(&postgres, None), Path::new("reconcile.work"));
    }
}
