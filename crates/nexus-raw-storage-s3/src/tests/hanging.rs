//! A store that never answers, in the time that the service really gives it.

use std::time::Duration;

use nexus_raw::ports::{RawStorageRepository, StorageError};
use tokio::time::Instant;

use super::{
    scripted::Scripted,
    support::{intent, repository_of, settings, static_credentials, store_on},
};
use crate::{ProbeError, deadlines::Deadlines, probe};

#[tokio::test(start_paused = true)]
async fn a_stat_and_readiness_end_within_four_seconds() {
    let scripted = Scripted::saying(|_| None);
    let connector = scripted.connector();
    let store = store_on(
        settings(),
        static_credentials(),
        connector,
        Deadlines::default(),
    )
    .await;
    let repository = repository_of(store);
    let intent = intent(repository.bucket(), "a");
    let started = Instant::now();
    let looked = repository.stat(&intent.address).await;
    assert!(matches!(looked, Err(StorageError::Unavailable(_))));
    assert!(
        started.elapsed() <= Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    // the first attempt leaves time for another
    assert!(scripted.seen().len() > 1);
    let started = Instant::now();
    let ready = repository.ready().await;
    assert!(matches!(ready, Err(StorageError::Unavailable(_))));
    assert!(
        started.elapsed() <= Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_a_store_that_falls_silent_at_an_upload_ends_too() {
    let scripted = Scripted::saying(super::fit_store::fit_but_for(|seen| {
        (seen.method == "PUT").then_some(None)
    }));
    let connector = scripted.connector();
    let store = store_on(
        settings(),
        static_credentials(),
        connector,
        Deadlines::default(),
    )
    .await;
    let started = Instant::now();
    let Err(ProbeError::Unreachable(source)) = probe::examine(&store).await else {
        panic!("the store did not answer");
    };
    assert_eq!(source.to_string(), "presigned PutObject timed out");
    assert!(
        started.elapsed() <= Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}
