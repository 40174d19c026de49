//! The reading of registered objects again, beside the servers that use them.

use std::{
    future::pending,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use nexus_raw::tenancy::{TenantId, UserId};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_config::Settings;
use nexus_raw_hasher::{TokioObjectWorker, WorkerSettings};
use nexus_raw_upkeep::{
    reconcile::ReportFormat,
    scrub::{Scrub, ScrubBudget, ScrubEnd, ScrubFinding, ScrubSettings, ScrubSummary},
};
use serde_json::json;
use slog::Logger;
use tokio::sync::Notify;

use super::{
    Failure, Signals,
    plan::Plan,
    writing::{self, WritingCommand},
};
use crate::random;

/// What to read again, and how to report it.
#[derive(Debug)]
pub struct ScrubTask {
    /// The user in the events.
    pub user: UserId,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only what was not verified for so long.
    pub older_than: Duration,
    /// What is read of the store, at most.
    pub budget: ScrubBudget,
    /// After this time no further object is begun.
    pub max_time: Option<Duration>,
    /// The form of the report.
    pub format: ReportFormat,
}

/// Reads objects again until nothing older is left, the time is over, or a signal stops it; writes what
/// was not intact and the summary, and returns whether an operator has to act.
///
/// # Errors
/// See [`Failure`]. The verdicts until then are recorded.
pub fn scrub(
    settings: &Settings,
    task: &ScrubTask,
    log: &Logger,
    out: &mut (impl Write + Send),
) -> Result<bool, Failure> {
    let mut plan = Plan::of(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::System)?;
    runtime.block_on(async {
        let mut signals = Signals::install().map_err(Failure::System)?;
        let opened = WritingCommand::open(&mut plan).await?;
        let done = read_again(&plan, task, &opened.catalog, &mut signals, log, out).await;
        opened.close(log).await;
        done
    })
}

async fn read_again(
    plan: &Plan,
    task: &ScrubTask,
    catalog: &Arc<SqlAssetCatalog>,
    signals: &mut Signals,
    log: &Logger,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let storage = writing::probed(plan).await?;
    // smooth also within an object, which may be of terabytes
    let storage = Arc::new(storage.with_read_rate(task.budget.bytes_per_second));
    let worker = TokioObjectWorker::new(
        Arc::clone(&storage) as _,
        Arc::clone(catalog) as _,
        Arc::clone(catalog) as _,
        Arc::clone(&plan.clock),
        random::fresh_uuid(),
        WorkerSettings {
            // nobody waits but this program, and an object takes as long as it takes
            wait_timeout: Duration::MAX,
            awaited_at_once: 1,
            ..plan.worker
        },
        log.clone(),
    );
    let context = writing::context_of("scrub", plan, log);
    let scrub = Scrub {
        backlog: &**catalog,
        catalog: &**catalog,
        worker: &worker,
        storage: &*storage,
        clock: &*plan.clock,
        settings: ScrubSettings {
            tenant: task.tenant.clone(),
            older_than: task.older_than,
            budget: task.budget,
            max_time: task.max_time,
            user: task.user.clone(),
            context,
        },
    };
    let stop = Notify::new();
    let mut report = |finding: &ScrubFinding| match task.format {
        ReportFormat::Text => writeln!(out, "{finding}"),
        ReportFormat::JsonLines => line(out, &json!(finding)),
    };
    let summary = {
        let running = scrub.run(stop.notified(), &mut report);
        tokio::select! {
            done = running => done,
            never = stop_on_signals(signals, &stop, &worker, log) => match never {},
        }
    };
    worker.stop().await;
    let summary = summary?;
    let written = match task.format {
        ReportFormat::Text => write_summary(out, &summary),
        ReportFormat::JsonLines => line(out, &json!({ "summary": summary })),
    };
    written
        .and_then(|()| out.flush())
        .map_err(Failure::Output)?;
    Ok(summary.asks_for_action())
}

/// The first signal ends the run after the object that was begun, the next one at once.
async fn stop_on_signals(
    signals: &mut Signals,
    stop: &Notify,
    worker: &TokioObjectWorker,
    log: &Logger,
) -> std::convert::Infallible {
    let signal = signals.next().await;
    slog::info!(log, "stopping after the object that is being read"; "signal" => signal);
    stop.notify_one();
    let signal = signals.next().await;
    slog::info!(log, "stopping at once"; "signal" => signal);
    worker.stop().await;
    pending().await
}

fn line(out: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    writeln!(out, "{value}")
}

fn write_summary(out: &mut impl Write, it: &ScrubSummary) -> io::Result<()> {
    let read = it.intact + it.corrupt + it.missing;
    writeln!(out, "verified: {read} assets, {} bytes", it.bytes)?;
    if it.elsewhere > 0 {
        writeln!(out, "left to other processes: {} assets", it.elsewhere)?;
    }
    if it.other_bucket > 0 {
        let count = it.other_bucket;
        writeln!(out, "not read: {count} assets of other buckets")?;
    }
    match [
        (it.corrupt, "corrupt"),
        (it.missing, "missing"),
        (it.unread, "unread"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, kind)| format!("{count} {kind}"))
    .collect::<Vec<_>>()
    .as_slice()
    {
        [] if read == 0 => writeln!(out, "none was due")?,
        [] => writeln!(out, "all are intact")?,
        found => writeln!(out, "not intact: {}", found.join(", "))?,
    }
    let end = match it.ended {
        ScrubEnd::NothingLeft => "nothing older is left",
        ScrubEnd::TimeOver => "the time is over; the next run goes on",
        ScrubEnd::Stopped => "stopped by a signal; the next run goes on",
    };
    writeln!(out, "{end}")
}

#[cfg(test)]
mod tests {
    use nexus_raw::ports::{CatalogError, StorageError};
    use nexus_raw_upkeep::scrub::ScrubError;

    use super::*;

    #[test]
    fn an_operator_sees_from_the_exit_code_what_to_do() {
        for (failure, code) in [
            (
                ScrubError::from(StorageError::Unavailable("down".into())).into(),
                69,
            ),
            (
                ScrubError::from(CatalogError::Unavailable("down".into())).into(),
                69,
            ),
            (
                ScrubError::from(CatalogError::Corrupt("row".into())).into(),
                74,
            ),
            (
                ScrubError::Report(io::ErrorKind::BrokenPipe.into()).into(),
                74,
            ),
        ] {
            let failure: Failure = failure;
            assert_eq!(failure.exit_code(), code, "{failure}");
        }
    }

    #[test]
    fn the_summary_names_what_there_is() {
        let text = |summary: &ScrubSummary| {
            let mut out = Vec::new();
            write_summary(&mut out, summary).unwrap();
            String::from_utf8(out).unwrap()
        };
        let mut summary = ScrubSummary {
            ended: ScrubEnd::NothingLeft,
            intact: 3,
            corrupt: 0,
            missing: 0,
            unread: 0,
            bytes: 66,
            elsewhere: 0,
            other_bucket: 0,
        };
        assert_eq!(
            text(&summary),
            "verified: 3 assets, 66 bytes\nall are intact\nnothing older is left\n"
        );
        let none = ScrubSummary {
            intact: 0,
            bytes: 0,
            ..summary
        };
        assert_eq!(
            text(&none),
            "verified: 0 assets, 0 bytes\nnone was due\nnothing older is left\n"
        );
        (summary.corrupt, summary.missing, summary.unread) = (1, 2, 4);
        (summary.elsewhere, summary.other_bucket) = (5, 6);
        summary.ended = ScrubEnd::TimeOver;
        assert_eq!(
            text(&summary),
            "verified: 6 assets, 66 bytes\n\
             left to other processes: 5 assets\n\
             not read: 6 assets of other buckets\n\
             not intact: 1 corrupt, 2 missing, 4 unread\n\
             the time is over; the next run goes on\n"
        );
    }
}
