use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use nexus_raw::{
    ports::{IdentityError, IdentityVerifier as _},
    time::Timestamp,
};
use nexus_raw_identity_jwt::{
    DroppedKey, JwksAlgorithm, JwksFault, JwtIdentityVerifier, JwtSettings, JwtSettingsError,
    KeyFault, KeySettings, TokenFault, TokenIssuer,
};
use nexus_raw_testkit::FixedClock;
use serde_json::json;
use strict_json::JsonError;
use tempfile::TempDir;
use tokio::time::{Instant, advance, timeout};

use crate::forge::{Key, judge, set, verifier};

/// A directory with a JWKS.
pub(crate) struct KeyFile {
    directory: TempDir,
}

impl KeyFile {
    pub(crate) fn of(text: &str) -> Self {
        let file = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("jwks.json")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    pub(crate) fn verifier(
        &self,
        algorithm: JwksAlgorithm,
    ) -> Result<JwtIdentityVerifier, JwtSettingsError> {
        verifier(KeySettings::JwksFile {
            path: self.path(),
            algorithm,
        })
    }
}

#[tokio::test]
async fn a_token_by_a_key_of_the_file_is_taken_in_each_algorithm() {
    let keys = Key::of_each_algorithm();
    let file = KeyFile::of(&set(&keys.iter().collect::<Vec<_>>()));
    for key in &keys {
        let verifier = file.verifier(key.algorithm).unwrap();
        assert_eq!(judge(&verifier, &key.token()).await, None, "{}", key.id);
        // one key of the three is for this algorithm
        let unnamed = key.token_without_kid();
        assert_eq!(judge(&verifier, &unnamed).await, None, "{}", key.id);
    }
}

#[tokio::test]
async fn a_token_without_kid_is_refused_where_there_is_a_choice() {
    let (one, other) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&one, &other]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    assert_eq!(
        judge(&verifier, &one.token_without_kid()).await,
        Some(TokenFault::UnknownKey)
    );
    assert_eq!(judge(&verifier, &other.token()).await, None);
}

/// A set whose only key is not used.
fn dropped(id: Option<&str>, fault: KeyFault) -> JwksFault {
    JwksFault::NoUsableKey(vec![DroppedKey {
        position: 1,
        id: id.map(str::to_owned),
        fault,
    }])
}

fn other(name: &'static str, wanted: &'static str) -> KeyFault {
    KeyFault::Other { name, wanted }
}

#[test]
fn a_file_without_a_usable_key_is_refused_at_the_start() {
    let start = |text: &str, algorithm| KeyFile::of(text).verifier(algorithm).err();
    let es256 = JwksAlgorithm::Es256;
    for (text, fault) in [
        ("{}", JwksFault::NotASet),
        (r#"{"keys":[]}"#, JwksFault::NoUsableKey(vec![])),
        (
            r#"{"keys":[],"keys":[]}"#,
            JwksFault::Json(JsonError::RepeatedKey),
        ),
        (&" ".repeat(256 * 1024 + 1), JwksFault::TooLong),
        (
            &set(&[&Key::ed25519()]),
            dropped(Some("ed25519"), other("alg", "ES256")),
        ),
    ] {
        assert_eq!(start(text, es256), Some(JwtSettingsError::Jwks(fault)));
    }
    let modulus = format!("{}8", "_".repeat(170)); // 1024 bits, all of them one
    let small = json!({"keys": [{"kty": "RSA", "n": modulus, "e": "AQAB"}]});
    assert_eq!(
        start(&small.to_string(), JwksAlgorithm::Rs256),
        Some(JwtSettingsError::Jwks(dropped(None, KeyFault::Bits(1024)))),
    );
    let secret = json!({"keys": [{"kty": "oct", "k": "A".repeat(43), "alg": "ES256"}]});
    assert_eq!(
        start(&secret.to_string(), es256),
        Some(JwtSettingsError::Jwks(dropped(None, other("kty", "EC")))),
    );
}

#[test]
fn public_keys_make_no_tokens() {
    let file = KeyFile::of(&set(&[&Key::p256()]));
    let keys = KeySettings::JwksFile {
        path: file.path(),
        algorithm: JwksAlgorithm::Es256,
    };
    let settings = JwtSettings::new("https://issuer.test", "nexus-raw", keys);
    let clock = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
    assert_eq!(
        TokenIssuer::new(settings, clock).err(),
        Some(JwtSettingsError::NoSecret)
    );
}

#[test]
fn a_file_that_is_missing_or_no_file_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for (path, kind) in [
        (directory.path().join("none.json"), io::ErrorKind::NotFound),
        (directory.path().to_owned(), io::ErrorKind::Other),
    ] {
        let algorithm = JwksAlgorithm::Es256;
        let answer = verifier(KeySettings::JwksFile { path, algorithm });
        assert_eq!(answer.err(), Some(JwtSettingsError::JwksFile(kind)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_file_needs_no_restart_and_costs_no_token() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&old]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    assert_eq!(judge(&verifier, &old.token()).await, None);
    file.write(&set(&[&old, &new]));
    assert_eq!(judge(&verifier, &new.token()).await, None, "at once");
    assert_eq!(judge(&verifier, &old.token()).await, None, "still there");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_has_the_file_read_once_per_cool_down() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&old]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    let unknown = Some(TokenFault::UnknownKey);
    assert_eq!(judge(&verifier, &new.token()).await, unknown);
    file.write(&set(&[&new]));
    advance(Duration::from_secs(29)).await;
    assert_eq!(judge(&verifier, &new.token()).await, unknown, "too early");
    advance(Duration::from_secs(1)).await;
    assert_eq!(judge(&verifier, &new.token()).await, None);
    assert_eq!(judge(&verifier, &old.token()).await, unknown, "withdrawn");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_taken_is_refused_once_its_key_is_withdrawn() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&old]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    for _ in 0..2 {
        assert_eq!(judge(&verifier, &old.token()).await, None);
    }
    file.write(&set(&[&new]));
    // the clock of tokens stands still: for it, the token was verified this moment
    advance(Duration::from_secs(30)).await;
    assert_eq!(judge(&verifier, &new.token()).await, None);
    assert_eq!(
        judge(&verifier, &old.token()).await,
        Some(TokenFault::UnknownKey)
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_replaced_the_only_one_under_no_name_is_found() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&old]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    file.write(&set(&[&new]));
    assert_eq!(judge(&verifier, &new.token_without_kid()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_refused_after_the_service_slept() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&old]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    file.write(&set(&[&new]));
    assert_eq!(judge(&verifier, &old.token()).await, None, "not looked yet");
    advance(Duration::from_mins(10)).await;
    assert_eq!(
        judge(&verifier, &old.token()).await,
        Some(TokenFault::UnknownKey)
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_keys_stay_for_a_day_where_the_file_is_spoilt() {
    let key = Key::p256();
    let file = KeyFile::of(&set(&[&key]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    for spoilt in ["", "{}", r#"{"keys":[]}"#] {
        file.write(spoilt);
        advance(Duration::from_hours(7)).await;
        assert_eq!(judge(&verifier, &key.token()).await, None, "{spoilt}");
    }
    advance(Duration::from_hours(3)).await;
    assert_eq!(
        judge(&verifier, &key.token()).await,
        Some(TokenFault::NoKeys),
        "a day old"
    );
    file.write(&set(&[&key]));
    advance(Duration::from_secs(5)).await;
    assert_eq!(judge(&verifier, &key.token()).await, None);
}

#[tokio::test(start_paused = true)]
async fn keys_that_no_token_renews_are_renewed_before_they_end() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&old]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    file.write(&set(&[&new]));
    let began = Instant::now();
    let days = Duration::from_hours(72);
    assert!(timeout(days, verifier.wait_for_expiry()).await.is_err());
    assert_eq!(began.elapsed(), days);
    verifier.ready().await.unwrap();
    assert_eq!(judge(&verifier, &new.token()).await, None);
}

#[tokio::test(start_paused = true)]
async fn keys_end_after_a_day_and_come_again_by_themselves() {
    let key = Key::p256();
    let file = KeyFile::of(&set(&[&key]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    file.write("{}");
    let began = Instant::now();
    verifier.wait_for_expiry().await;
    assert_eq!(began.elapsed(), Duration::from_hours(24));
    assert!(matches!(
        verifier.ready().await,
        Err(IdentityError::Unavailable(_))
    ));
    let came = verifier.wait_for_keys();
    tokio::pin!(came);
    assert!(timeout(Duration::from_mins(1), &mut came).await.is_err());
    file.write(&set(&[&key]));
    let mended = Instant::now();
    came.await;
    assert!(mended.elapsed() <= Duration::from_secs(5));
    verifier.ready().await.unwrap();
    assert_eq!(judge(&verifier, &key.token()).await, None);
}
