//! What signatures depend on: this machine's clock, and the credentials.

use std::time::{Duration, SystemTime};

use nexus_raw::checkup::Examined;

use crate::store::Store;

/// S3 refuses a signature whose time is 15 minutes off (Amazon S3 API Reference, `RequestTimeTooSkewed`);
/// a URL of a few minutes suffers earlier.
const MAX_OFFSET_SECONDS: i64 = 30;

pub(super) fn clock(store: &Store) -> Examined {
    const CHECK: &str = "clock";
    let mend = "synchronize the machine's clock, such as by chrony or systemd-timesyncd";
    match store.clock_offset.seconds() {
        None => Examined::note(CHECK, "the store does not say its time"),
        Some(offset) if offset.abs() > MAX_OFFSET_SECONDS => {
            let direction = if offset > 0 { "ahead of" } else { "behind" };
            let seconds = offset.unsigned_abs();
            Examined::fault(
                CHECK,
                format!("this machine is {seconds} s {direction} the store"),
                mend,
            )
        }
        Some(_) => Examined::sound(CHECK, "agrees with the store's within 30 s"),
    }
}

pub(super) fn credentials(store: &Store, presign_ttl: Duration) -> Examined {
    const CHECK: &str = "credentials";
    let current = store.credentials.current();
    let Some(end) = current.expiry() else {
        return Examined::note(CHECK, "do not end: rotate them by hand");
    };
    let end = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let now = u64::try_from(store.clock.now().as_unix_seconds()).unwrap_or(0);
    let left = end.saturating_sub(Duration::from_secs(now));
    let minutes = left.as_secs() / 60;
    if left < presign_ttl {
        return Examined::fault(
            CHECK,
            format!("end in {minutes} min, and with them each URL, which is to live longer"),
            "give the service a role whose sessions last longer, or lower storage.presign_ttl_seconds",
        );
    }
    Examined::sound(
        CHECK,
        format!("end in {minutes} min, and are renewed before"),
    )
}
