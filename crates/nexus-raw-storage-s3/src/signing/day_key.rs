//! The key of a day's signatures.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::generate_signing_key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nexus_raw::time::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};

use super::canonical::{HexDigest, SigningFailure};
use crate::endpoint::push_encoded;

const SECONDS_A_DAY: u64 = 86_400;

/// What all signatures of one key pair on one day have in common: the signing key, which is four
/// HMACs, and texts (AWS General Reference, "Create a signed AWS API request").
pub(super) struct DayKey {
    credentials: Credentials,
    day: u64,
    signing_key: SecretSlice<u8>,
    /// `20261124`
    date: String,
    /// `20261124/eu-central-1/s3/aws4_request`
    pub(super) scope: String,
    /// The value of `X-Amz-Credential`, encoded.
    pub(super) credential: SecretString,
    /// The value of `X-Amz-Security-Token`, encoded, if the credentials are temporary.
    pub(super) session_token: Option<SecretString>,
}

/// The key of the last signature. There is only one, since the next day's and renewed credentials'
/// take its place.
pub(super) struct LastDayKey {
    region: String,
    last: Mutex<Option<Arc<DayKey>>>,
}

impl LastDayKey {
    pub(super) fn in_region(region: &str) -> Self {
        Self {
            region: region.to_owned(),
            last: Mutex::new(None),
        }
    }

    /// Returns the key for these credentials on the day of `at`, in seconds since 1970.
    pub(super) fn of(&self, credentials: &Credentials, at: u64) -> Arc<DayKey> {
        let day = at / SECONDS_A_DAY;
        // no update under the lock can be left half done
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(key) if key.day == day && key.credentials == *credentials => Arc::clone(key),
            _ => {
                let key = Arc::new(DayKey::derive(credentials, day, &self.region));
                Arc::clone(last.insert(key))
            }
        }
    }
}

impl fmt::Debug for LastDayKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("LastDayKey(redacted)")
    }
}

impl DayKey {
    fn derive(credentials: &Credentials, day: u64, region: &str) -> Self {
        let midnight = Duration::from_secs(day.saturating_mul(SECONDS_A_DAY));
        let date = date(midnight);
        let scope = format!("{date}/{region}/s3/aws4_request");
        let secret = credentials.secret_access_key();
        let signing_key = generate_signing_key(secret, UNIX_EPOCH + midnight, region, "s3");
        let credential = format!("{}/{scope}", credentials.access_key_id());
        let encoded = |text: &str| {
            let mut encoded = String::new();
            push_encoded(&mut encoded, text);
            SecretString::from(encoded)
        };
        Self {
            day,
            signing_key: signing_key.as_ref().to_vec().into(),
            date,
            credential: encoded(&credential),
            session_token: credentials.session_token().map(encoded),
            scope,
            credentials: credentials.clone(),
        }
    }

    /// Returns the signature of a canonical request of this time.
    pub(super) fn signature(
        &self,
        date_time: &str,
        canonical: &str,
    ) -> Result<HexDigest, SigningFailure> {
        let digest = HexDigest::of(&Sha256::digest(canonical))?;
        let key = self.signing_key.expose_secret();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| SigningFailure)?;
        for part in [
            "AWS4-HMAC-SHA256\n",
            date_time,
            "\n",
            &self.scope,
            "\n",
            digest.as_str(),
        ] {
            mac.update(part.as_bytes());
        }
        HexDigest::of(&mac.finalize().into_bytes())
    }

    /// Returns a time of the key's day, in seconds since 1970, as `20261124T010000Z`.
    pub(super) fn date_time(&self, at: u64) -> String {
        let second = at % SECONDS_A_DAY;
        let mut text = String::with_capacity(16);
        text.push_str(&self.date);
        text.push('T');
        for number in [second / 3600, second / 60 % 60, second % 60] {
            let digit = |number: u64| char::from(b'0' + u8::try_from(number).unwrap_or(0));
            text.extend([digit(number / 10), digit(number % 10)]);
        }
        text.push('Z');
        text
    }
}

/// Returns the date of a time since 1970, such as `20261124`.
fn date(since_epoch: Duration) -> String {
    let text = Timestamp::UNIX_EPOCH
        .saturating_add(since_epoch)
        .to_string();
    let (date, _time) = text.split_once('T').unwrap_or((&text, ""));
    date.replace('-', "")
}
