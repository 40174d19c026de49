//! The import of objects that are in the store already.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    num::NonZeroU16,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use nexus_raw::{
    ports::RawStorageRepository,
    service::RawStorageService,
    system::SystemAssetIds,
    tenancy::{Environment, Principal, Role, Scope, TenantId, UserId, WriteAccess},
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_config::Settings;
use nexus_raw_storage_s3::{ImportSource, S3SourceBucket, UnprobedS3};
use nexus_raw_upkeep::{
    import::{
        Import, ImportEnd, ImportError, ImportLine, ImportManifest, ImportSettings, ImportSummary,
        ManifestForm,
    },
    reconcile::ReportFormat,
};
use serde_json::json;
use slog::Logger;
use tokio::sync::Notify;

#[cfg(feature = "fail-points")]
use super::fail_points;
use super::{Failure, Signals, plan::Plan, writing::WritingCommand};
use crate::random;

/// What to import, and how to report it.
#[derive(Debug)]
pub struct ImportTask {
    /// Where the objects are.
    pub source: ImportSource,
    /// The tenant of the assets.
    pub tenant: TenantId,
    /// The environment of the assets.
    pub environment: Environment,
    /// The user in records and events.
    pub user: UserId,
    /// What is stated of the objects.
    pub manifest: Option<PathBuf>,
    /// How many objects are imported at once.
    pub concurrency: NonZeroU16,
    /// After this time no further object is begun.
    pub max_time: Option<Duration>,
    /// The form of the report.
    pub format: ReportFormat,
}

/// Imports objects until the list is worked through, the time is over, or a signal stops it; writes what
/// became of each and the summary, and returns whether an operator has to act.
///
/// # Errors
/// See [`Failure`]. What was imported until then stays.
pub fn import(
    settings: &Settings,
    task: ImportTask,
    log: &Logger,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let mut plan = Plan::of(settings)?;
    let access = access(settings, &task)?;
    let manifest = task.manifest.as_ref();
    let manifest = manifest.map(|path| {
        let form = ManifestForm::of(path).unwrap_or(ManifestForm::Csv);
        ImportManifest::open(path, form, task.source.prefix(), plan.clock.now())
    });
    let manifest = manifest.transpose().map_err(ImportError::from)?;
    let runtime = super::runtime_of_a_command()?;
    runtime.block_on(async {
        let mut signals = Signals::install().map_err(Failure::System)?;
        let opened = WritingCommand::open(&mut plan).await?;
        let run = ImportRun {
            plan: &plan,
            catalog: &opened.catalog,
            log,
            access,
            manifest,
            task,
        };
        let done = run.finish(&mut signals, out).await;
        opened.close(log).await;
        done
    })
}

/// Whoever may run the command has the catalogue and the store already, so the right to write is no
/// more than that; and the environment must be one of the service.
fn access(settings: &Settings, task: &ImportTask) -> Result<WriteAccess, Failure> {
    let environments = &settings.tenancy.environments;
    if environments.find(task.environment.as_str()).is_none() {
        return Err(Failure::Config(vec![format!(
            "tenancy.environments: has no {}",
            task.environment
        )]));
    }
    let scope = Scope {
        tenant: task.tenant.clone(),
        environment: task.environment.clone(),
    };
    let memberships = BTreeMap::from([(task.tenant.clone(), Some(Role::Owner))]);
    let operator = Principal::from_verified(task.user.clone(), memberships);
    let access = operator.authorize_write(&scope);
    access.map_err(|denied| Failure::of_key("identity.role_map_claim", &denied))
}

struct ImportRun<'a> {
    plan: &'a Plan,
    catalog: &'a Arc<SqlAssetCatalog>,
    log: &'a Logger,
    access: WriteAccess,
    manifest: Option<ImportManifest>,
    task: ImportTask,
}

impl ImportRun<'_> {
    async fn finish(self, signals: &mut Signals, out: &mut impl Write) -> Result<bool, Failure> {
        let Self {
            plan, catalog, log, ..
        } = self;
        let clock = Arc::clone(&plan.clock);
        let store = UnprobedS3::connect_unhurried(plan.storage.clone(), clock).await?;
        let written = Arc::new(store.probe().await?);
        let storage: Arc<dyn RawStorageRepository> = Arc::clone(&written) as _;
        #[cfg(feature = "fail-points")]
        let (storage, _) = fail_points::around(storage, Vec::new());
        let clock = Arc::clone(&plan.clock);
        let settings = plan.storage.clone();
        let source = S3SourceBucket::connect(settings, &self.task.source, clock).await?;
        let service = RawStorageService::new(
            Arc::clone(&storage),
            Arc::clone(catalog) as _,
            Arc::clone(&plan.clock),
            Arc::new(SystemAssetIds),
        )
        .with_policy(plan.policy);
        let context = random::fresh_context();
        slog::info!(log, "import begun";
            "bucket" => self.task.source.bucket().as_str(),
            "prefix" => self.task.source.prefix(),
            "tenant_id" => self.task.tenant.as_str(),
            "env" => self.task.environment.as_str(),
            "user_id" => self.task.user.as_str(),
            "trace_id" => context.trace_id.to_string(),
            "request_id" => context.request_id.as_str());
        let import = Import {
            source: &source,
            writer: &*written,
            storage: &*storage,
            service: &service,
            catalog: &**catalog,
            settings: ImportSettings {
                bucket: self.task.source.bucket().clone(),
                prefix: self.task.source.prefix().to_owned(),
                access: self.access,
                context,
                manifest: self.manifest,
                concurrency: self.task.concurrency,
                max_time: self.task.max_time,
            },
        };
        let format = self.task.format;
        let stop = Notify::new();
        let mut report = |line: &ImportLine| match format {
            ReportFormat::Text => writeln!(out, "{line}"),
            ReportFormat::JsonLines => writeln!(out, "{}", json!(line)),
        };
        let summary = {
            let running = import.run(stop.notified(), &mut report);
            tokio::select! {
                done = running => Some(done?),
                () = stop_on_signals(signals, &stop, log) => None,
            }
        };
        // a second signal: what was begun is taken up again by the next run
        let Some(summary) = summary else {
            return Ok(true);
        };
        let written = match format {
            ReportFormat::Text => write_summary(out, &summary),
            ReportFormat::JsonLines => writeln!(out, "{}", json!({ "summary": summary })),
        };
        written
            .and_then(|()| out.flush())
            .map_err(Failure::Output)?;
        Ok(summary.asks_for_action())
    }
}

/// The first signal ends the run after the objects that were begun, the next one at once.
async fn stop_on_signals(signals: &mut Signals, stop: &Notify, log: &Logger) {
    let signal = signals.next().await;
    slog::info!(log, "stopping after the objects that are being imported"; "signal" => signal);
    stop.notify_one();
    let signal = signals.next().await;
    slog::info!(log, "stopping at once"; "signal" => signal);
}

fn write_summary(out: &mut impl Write, it: &ImportSummary) -> io::Result<()> {
    writeln!(out, "imported: {} objects, {} bytes", it.imported, it.bytes)?;
    writeln!(
        out,
        "there before: {} by an import, {} by their content",
        it.known, it.same_content
    )?;
    let left_out = [
        (it.refused, "refused"),
        (it.changed, "changed"),
        (it.failed, "failed"),
        (it.without_row, "without_row"),
        (it.without_object, "without_object"),
    ];
    let left = left_out.iter().filter(|(count, _)| *count > 0);
    let left: Vec<_> = left
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    if it.folders > 0 {
        writeln!(out, "no assets: {} folders", it.folders)?;
    }
    if !left.is_empty() {
        writeln!(out, "not imported: {}", left.join(", "))?;
    }
    let listed = [it.imported, it.known, it.same_content, it.folders]
        .into_iter()
        .chain(left_out.map(|(count, _)| count));
    let end = match it.ended {
        ImportEnd::NothingLeft if listed.sum::<u64>() == it.without_object => {
            "no object has this prefix"
        }
        ImportEnd::NothingLeft => "nothing is left",
        ImportEnd::TimeOver => "the time is over; the next run goes on",
        ImportEnd::Stopped => "stopped by a signal; the next run goes on",
    };
    writeln!(out, "{end}")
}

#[cfg(test)]
mod tests {
    use nexus_raw::ports::{CatalogError, InventoryError, StorageError};

    use super::*;

    #[test]
    fn an_operator_sees_from_the_exit_code_what_to_do() {
        let denied = InventoryError::Denied {
            right: "s3:ListBucket",
            source: "no".into(),
        };
        for (failure, code) in [
            (ImportError::InPlace.into(), 78),
            (ImportError::List(denied).into(), 78),
            (
                ImportError::List(InventoryError::Unavailable("down".into())).into(),
                69,
            ),
            (ImportError::Endless.into(), 69),
            (ImportError::InARow(100).into(), 69),
            (
                ImportError::from(StorageError::Unavailable("down".into())).into(),
                69,
            ),
            (
                ImportError::from(CatalogError::Unavailable("down".into())).into(),
                69,
            ),
            (
                ImportError::from(CatalogError::Corrupt("row".into())).into(),
                74,
            ),
            (
                ImportError::Report(io::ErrorKind::BrokenPipe.into()).into(),
                74,
            ),
        ] {
            let failure: Failure = failure;
            assert_eq!(failure.exit_code(), code, "{failure}");
        }
    }

    #[test]
    fn the_summary_names_what_there_is() {
        let text = |summary: &ImportSummary| {
            let mut out = Vec::new();
            write_summary(&mut out, summary).unwrap();
            String::from_utf8(out).unwrap()
        };
        let mut summary = ImportSummary {
            ended: ImportEnd::NothingLeft,
            imported: 3,
            bytes: 66,
            known: 1,
            same_content: 2,
            folders: 0,
            refused: 0,
            changed: 0,
            failed: 0,
            without_row: 0,
            without_object: 0,
        };
        assert_eq!(
            text(&summary),
            "imported: 3 objects, 66 bytes\n\
             there before: 1 by an import, 2 by their content\n\
             nothing is left\n"
        );
        let none = ImportSummary {
            imported: 0,
            bytes: 0,
            known: 0,
            same_content: 0,
            without_object: 1,
            ..summary
        };
        assert_eq!(
            text(&none),
            "imported: 0 objects, 0 bytes\n\
             there before: 0 by an import, 0 by their content\n\
             not imported: 1 without_object\n\
             no object has this prefix\n"
        );
        (summary.refused, summary.changed, summary.failed) = (4, 5, 6);
        summary.folders = 9;
        (summary.without_row, summary.without_object) = (7, 8);
        summary.ended = ImportEnd::TimeOver;
        assert_eq!(
            text(&summary),
            "imported: 3 objects, 66 bytes\n\
             there before: 1 by an import, 2 by their content\n\
             no assets: 9 folders\n\
             not imported: 4 refused, 5 changed, 6 failed, 7 without_row, 8 without_object\n\
             the time is over; the next run goes on\n"
        );
    }
}
