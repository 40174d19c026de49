use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use backon::{BackoffBuilder, ExponentialBuilder};
use nexus_raw::{ports::Clock, time::Timestamp};
use tokio::sync::watch;

use super::CredentialsSource;
use crate::time::timestamp;

/// How long before their expiry credentials are renewed. AWS provides new ones of an instance's role
/// at least this long before the old ones expire (Amazon EC2 User Guide, "Retrieve security
/// credentials from instance metadata").
const LEAD: Duration = Duration::from_mins(5);

/// The longest sleep, so that a machine that was suspended, and its timers with it, notices expired
/// credentials soon after waking.
const MAX_SLEEP: Duration = Duration::from_mins(1);

/// Twice the minimum time between two renewals, for a provider that returns nothing newer.
const MIN_LIFE: Duration = Duration::from_secs(2);

/// Renews the credentials in the cell before they expire, until the cell has no readers.
pub(super) async fn renew(
    source: CredentialsSource,
    cell: watch::Sender<Credentials>,
    clock: Arc<dyn Clock>,
) {
    tokio::select! {
        () = cell.closed() => {}
        () = renew_for_ever(&source, &cell, &*clock) => {}
    }
}

async fn renew_for_ever(
    source: &CredentialsSource,
    cell: &watch::Sender<Credentials>,
    clock: &dyn Clock,
) {
    loop {
        let ends_at = cell.borrow().expiry().and_then(timestamp);
        let Some(ends_at) = ends_at else { return };
        sleep_until(clock, renewal_time(clock.now(), ends_at)).await;
        let fresh = load_with_retries(source).await;
        cell.send_replace(fresh);
    }
}

/// Returns when to renew credentials loaded at `now`: well before their expiry, or at half of their
/// lifetime if that is short.
fn renewal_time(now: Timestamp, ends_at: Timestamp) -> Timestamp {
    let life = ends_at.since(now);
    let wait = life.saturating_sub(LEAD).max(life / 2).max(MIN_LIFE / 2);
    now.saturating_add(wait)
}

async fn sleep_until(clock: &dyn Clock, due: Timestamp) {
    loop {
        let wait = due.since(clock.now());
        if wait.is_zero() {
            return;
        }
        tokio::time::sleep(wait.min(MAX_SLEEP)).await;
    }
}

/// Retries until credentials are loaded, with exponential backoff and jitter.
async fn load_with_retries(source: &CredentialsSource) -> Credentials {
    let mut waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(30))
        .without_max_times()
        .with_jitter()
        .build();
    loop {
        match source.load().await {
            Ok(fresh) => return fresh,
            Err(failure) => {
                tracing::warn!(error = %failure, "signing credentials renewal failed");
                let wait = waits.next().unwrap_or(MAX_SLEEP);
                tokio::time::sleep(wait).await;
            }
        }
    }
}
