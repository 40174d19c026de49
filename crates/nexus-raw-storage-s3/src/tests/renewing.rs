//! The credentials' cell, in the runtime's paused time.

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use nexus_raw::ports::{Clock, RawStorageRepository, StorageError};

use super::{
    scripted::{Answer, Scripted},
    support::{RuntimeClock, SECRET_KEY, intent, now, repository_of, settings, terms},
};
use crate::{
    CredentialsFailure,
    credentials::{CredentialsCell, CredentialsSource},
    deadlines::Deadlines,
    endpoint::BucketUrl,
    store::{Connectors, Store},
    time::system_time,
};

const MINUTE: Duration = Duration::from_mins(1);

/// Gives the `nth` credentials at the `nth` call, as a script has them.
struct CredentialScript {
    calls: Mutex<u32>,
    script: Box<dyn Fn(u32) -> Given + Send + Sync>,
}

enum Given {
    /// A key of this id, that ends so long after the start.
    Ending(&'static str, Duration),
    Lasting(&'static str),
    Nothing,
    Failure,
    Silence,
}

#[derive(Clone)]
struct Provider(Arc<CredentialScript>);

impl Provider {
    fn giving(script: impl Fn(u32) -> Given + Send + Sync + 'static) -> Self {
        Self(Arc::new(CredentialScript {
            calls: Mutex::new(0),
            script: Box::new(script),
        }))
    }

    fn calls(&self) -> u32 {
        *self.0.calls.lock().unwrap()
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Provider")
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let call = {
            let mut calls = self.0.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        let key = |id: &str, end| Credentials::new(id, SECRET_KEY, None, end, "tests");
        let given = match (self.0.script)(call) {
            Given::Ending(id, after) => Ok(key(id, Some(system_time(now().saturating_add(after))))),
            Given::Lasting(id) => Ok(key(id, None)),
            Given::Nothing => Err(CredentialsError::not_loaded_no_source()),
            Given::Failure => Err(CredentialsError::provider_error(SECRET_KEY)),
            Given::Silence => return future::ProvideCredentials::new(std::future::pending()),
        };
        future::ProvideCredentials::ready(given)
    }
}

async fn filled(provider: &Provider) -> CredentialsCell {
    let source = CredentialsSource::new(provider.clone());
    CredentialsCell::fill(source, RuntimeClock::start())
        .await
        .unwrap()
}

fn key_of(cell: &CredentialsCell) -> String {
    cell.current().access_key_id().to_owned()
}

/// An hour each.
fn hourly(call: u32) -> Given {
    let ids = ["", "first", "second", "third"];
    Given::Ending(ids[call as usize], MINUTE * 60 * call)
}

#[tokio::test(start_paused = true)]
async fn credentials_are_renewed_five_minutes_before_they_end() {
    let provider = Provider::giving(hourly);
    let cell = filled(&provider).await;
    tokio::time::sleep(MINUTE * 54).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("first", 1));
    tokio::time::sleep(MINUTE * 2).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("second", 2));
    tokio::time::sleep(MINUTE * 58).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("second", 2));
    tokio::time::sleep(MINUTE * 2).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("third", 3));
}

#[tokio::test(start_paused = true)]
async fn short_lived_credentials_are_renewed_at_half_of_their_life() {
    let provider = Provider::giving(|call| match call {
        1 => Given::Ending("short", MINUTE * 4),
        _ => Given::Ending("next", MINUTE * 60),
    });
    let cell = filled(&provider).await;
    tokio::time::sleep(Duration::from_secs(119)).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("short", 1));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("next", 2));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_do_not_end_are_requested_once() {
    let provider = Provider::giving(|_| Given::Lasting("static"));
    let cell = filled(&provider).await;
    tokio::time::sleep(MINUTE * 60 * 24 * 30).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("static", 1));
}

#[tokio::test(start_paused = true)]
async fn a_failing_provider_is_retried_with_growing_waits_and_the_old_ones_stay() {
    let provider = Provider::giving(|call| match call {
        1 => Given::Ending("first", MINUTE * 60),
        2..=8 => Given::Failure,
        9 => Given::Silence,
        _ => Given::Ending("second", MINUTE * 180),
    });
    let cell = filled(&provider).await;
    tokio::time::sleep(MINUTE * 57).await;
    assert_eq!(key_of(&cell), "first");
    // in two minutes: at once, then after 1, 2, 4, 8, 16 and 30 s, each at most doubled by jitter
    assert!((6..=9).contains(&provider.calls()), "{}", provider.calls());
    tokio::time::sleep(MINUTE * 8).await;
    assert_eq!((key_of(&cell).as_str(), provider.calls()), ("second", 10));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_gives_the_same_again_is_called_rarely() {
    let provider = Provider::giving(|_| Given::Ending("same", MINUTE * 60));
    let _cell = filled(&provider).await;
    tokio::time::sleep(MINUTE * 70).await;
    // by halves to the end, then every second
    assert!(
        (500..=700).contains(&provider.calls()),
        "{}",
        provider.calls()
    );
}

#[tokio::test(start_paused = true)]
async fn without_credentials_there_is_no_cell() {
    for (given, failure) in [
        (
            (|| Given::Nothing) as fn() -> Given,
            CredentialsFailure::Absent,
        ),
        (|| Given::Failure, CredentialsFailure::Failed),
        (|| Given::Silence, CredentialsFailure::Timeout),
    ] {
        let source = CredentialsSource::new(Provider::giving(move |_| given()));
        let outcome = CredentialsCell::fill(source, RuntimeClock::start()).await;
        assert_eq!(outcome.unwrap_err(), failure);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_renews_for_a_cell_that_is_gone() {
    let provider = Provider::giving(hourly);
    let cell = filled(&provider).await;
    let watched: Weak<CredentialScript> = Arc::downgrade(&provider.0);
    drop(provider);
    let other = cell.clone();
    drop(cell);
    tokio::time::sleep(MINUTE).await;
    assert!(watched.upgrade().is_some());
    drop(other);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(watched.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn presigning_and_the_client_sign_with_what_is_in_the_cell() {
    let provider = Provider::giving(|call| match call {
        1 => Given::Ending("FIRST", MINUTE * 60),
        2..=30 => Given::Failure,
        _ => Given::Ending("SECOND", MINUTE * 600),
    });
    let clock: Arc<dyn Clock> = RuntimeClock::start();
    let cell = CredentialsCell::fill(CredentialsSource::new(provider), Arc::clone(&clock))
        .await
        .unwrap();
    let scripted = Scripted::saying(|_| Some(Answer::status(404)));
    let settings = settings();
    let bucket = BucketUrl::resolve(&settings).await.unwrap();
    let connectors = Connectors::one(scripted.connector());
    let store = Store::new(
        settings,
        bucket,
        cell,
        connectors,
        Arc::clone(&clock),
        Deadlines::default(),
    );
    let repository = repository_of(Arc::new(store));
    let intent = intent(repository.bucket(), "a");
    let signed_with = async || {
        repository.stat(&intent.address).await.unwrap();
        let seen = scripted.seen().pop().unwrap();
        let authorization = seen.header("authorization").unwrap().to_owned();
        let mut terms = terms(&intent);
        terms.now = clock.now();
        let url = repository.presign_upload(terms).await;
        (
            authorization,
            url.map(|upload| upload.url.expose().to_owned()),
        )
    };
    let (authorization, url) = signed_with().await;
    assert!(authorization.contains("Credential=FIRST/20261124/"));
    assert!(url.unwrap().contains("X-Amz-Credential=FIRST%2F"));
    // nothing came in time
    tokio::time::sleep(MINUTE * 59 + Duration::from_secs(30)).await;
    let (_, url) = signed_with().await;
    assert!(matches!(url, Err(StorageError::CredentialsEnding)));
    tokio::time::sleep(MINUTE * 30).await;
    let (authorization, url) = signed_with().await;
    assert!(authorization.contains("Credential=SECOND/20261124/"));
    assert!(url.unwrap().contains("X-Amz-Credential=SECOND%2F"));
}
