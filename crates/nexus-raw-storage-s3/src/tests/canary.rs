//! Nothing that was signed, and nothing that signs, is in any text.

use std::{error::Error, sync::Arc};

use aws_credential_types::Credentials;
use nexus_raw::ports::RawStorageRepository;

use super::{
    fit_store::fit_but_for,
    scripted::{Answer, Scripted, Seen},
    support::{
        ACCESS_KEY, RuntimeClock, SECRET_KEY, SESSION_TOKEN, intent, repository_of, settings,
        settings_for, store_on, terms,
    },
};
use crate::{
    CredentialsFailure, UnprobedS3,
    connect::ConnectError,
    credentials::{CredentialsCell, CredentialsSource},
    deadlines::Deadlines,
    probe,
};

fn credentials() -> Credentials {
    let token = Some(SESSION_TOKEN.to_owned());
    Credentials::new(ACCESS_KEY, SECRET_KEY, token, None, "tests")
}

/// A store that gives back what it was sent, as S3 does in `SignatureDoesNotMatch`.
fn echo(status: u16, seen: &Seen) -> Answer {
    let sent = format!("{seen:?}");
    Answer::error(status, &sent)
        .with("x-amz-request-id", "R1D2?X-Amz-Signature=1")
        .body(&format!(
            "<Error><Code>SignatureDoesNotMatch</Code><Message>{sent}</Message><StringToSign>{sent}</StringToSign></Error>"
        ))
}

fn texts(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = vec![format!("{error:?}"), format!("{error:#?}")];
    let mut next = Some(error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}

fn assert_clean(text: &str) {
    for canary in [
        ACCESS_KEY,
        SECRET_KEY,
        SESSION_TOKEN,
        "X-Amz-",
        "Signature=",
        "AWS4-HMAC",
    ] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
}

fn assert_all_clean(error: &(dyn Error + 'static)) {
    for text in texts(error) {
        assert_clean(&text);
    }
}

#[tokio::test]
async fn no_error_shows_a_secret_or_a_signature() {
    for status in [200, 400, 403, 409, 500, 503] {
        let scripted = Scripted::saying(move |seen| Some(echo(status, seen)));
        let connector = scripted.connector();
        let store = store_on(settings(), credentials(), connector, Deadlines::default()).await;
        let repository = repository_of(store);
        let intent = intent(repository.bucket(), "a");
        let error = repository.stat(&intent.address).await.unwrap_err();
        assert_all_clean(&error);
    }
}

#[tokio::test(start_paused = true)]
async fn no_outcome_of_a_probe_shows_a_secret_or_a_signature() {
    for status in [200, 400, 403, 404, 409, 500] {
        for method in ["HEAD", "PUT"] {
            let scripted = Scripted::saying(fit_but_for(move |seen| {
                (seen.method == method).then(|| Some(echo(status, seen)))
            }));
            let connector = scripted.connector();
            let store = store_on(settings(), credentials(), connector, Deadlines::default()).await;
            let error = probe::examine(&store).await.unwrap_err();
            assert_all_clean(&error);
        }
    }
}

#[tokio::test]
async fn no_value_prints_a_secret_or_a_signature() {
    let clock = RuntimeClock::start();
    let unprobed = UnprobedS3::connect(settings(), clock).await.unwrap();
    let scripted = Scripted::saying(|_| None);
    let connector = scripted.connector();
    let store = store_on(settings(), credentials(), connector, Deadlines::default()).await;
    let cell = CredentialsCell::fill(CredentialsSource::new(credentials()), RuntimeClock::start())
        .await
        .unwrap();
    let repository = repository_of(Arc::clone(&store));
    let intent = intent(repository.bucket(), "a");
    let upload = repository.presign_upload(terms(&intent)).await.unwrap();
    assert!(upload.url.expose().contains("X-Amz-Signature="));
    for text in [
        // it remembers what it signed with
        format!("{:?} {cell:?}", store.signer),
        format!("{:?}", settings()),
        format!("{:#?}", settings()),
        format!("{unprobed:?}"),
        format!("{repository:#?}"),
        format!("{upload:#?}"),
    ] {
        assert_clean(&text);
    }
    assert_eq!(
        format!("{unprobed:?}"),
        "UnprobedS3 { bucket: BucketName(\"nexus-raw\"), .. }"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_no_place_of_a_store_is_refused_and_not_shown() {
    let settings = settings_for("https://store.example/?AWS4-HMAC=1");
    let outcome = UnprobedS3::connect(settings, RuntimeClock::start()).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, ConnectError::Address(_)));
    assert_all_clean(&error);
    assert_eq!(
        texts(&error)[2..],
        [
            "bucket address is invalid",
            "endpoint must be a URL without query"
        ]
    );
}

#[test]
fn missing_credentials_are_reported_without_the_providers_text() {
    let error = ConnectError::Credentials(CredentialsFailure::Absent);
    assert_eq!(
        texts(&error)[2..],
        [
            "signing credentials are missing",
            "no credentials are configured or provided by the machine"
        ]
    );
}
