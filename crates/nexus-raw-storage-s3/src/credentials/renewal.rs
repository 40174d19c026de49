use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use backon::{BackoffBuilder, ExponentialBuilder};
use nexus_raw::{ports::Clock, time::Timestamp};
use tokio::sync::watch;

use super::CredentialsSource;
use crate::time::timestamp;

/// How long before their end credentials are renewed. AWS puts new ones of an instance's role out
/// at least this long before the old ones end (Amazon EC2 User Guide, "Retrieve security
/// credentials from instance metadata").
const LEAD: Duration = Duration::from_mins(5);

/// The longest sleep: a machine that was suspended finds its credentials old soon after waking,
/// though the runtime's timers did not run meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Between two renewals that brought nothing newer.
const SHORTEST_LIFE: Duration = Duration::from_secs(2);

/// Renews what is in the cell before it ends, until nobody reads the cell any more.
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
        let fresh = load_at_last(source).await;
        cell.send_replace(fresh);
    }
}

/// When to renew credentials that were taken at `now`: well before their end, and at half of
/// their life where that is short.
fn renewal_time(now: Timestamp, ends_at: Timestamp) -> Timestamp {
    let life = ends_at.since(now);
    let wait = life
        .saturating_sub(LEAD)
        .max(life / 2)
        .max(SHORTEST_LIFE / 2);
    now.saturating_add(wait)
}

async fn sleep_until(clock: &dyn Clock, due: Timestamp) {
    loop {
        let wait = due.since(clock.now());
        if wait.is_zero() {
            return;
        }
        tokio::time::sleep(wait.min(LONGEST_SLEEP)).await;
    }
}

/// Asks until credentials come, with growing waits that differ between instances.
async fn load_at_last(source: &CredentialsSource) -> Credentials {
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
                tracing::warn!(error = %failure, "the signing credentials were not renewed");
                let wait = waits.next().unwrap_or(LONGEST_SLEEP);
                tokio::time::sleep(wait).await;
            }
        }
    }
}
