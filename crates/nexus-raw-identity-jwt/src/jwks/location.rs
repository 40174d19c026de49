use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use nexus_raw::net::TrustedUrl;
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use super::{JwksAlgorithm, JwksFault, fault::LoadError, set::KeySet, set::MAX_SET_BYTES};
use crate::JwtSettingsError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum time without a byte.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// For the whole fetch, so that a caller whose token waits for it is answered in time.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(4);

/// The location of a JWKS.
pub(crate) enum Location {
    File(PathBuf),
    Url { url: Url, client: Client },
}

impl Location {
    /// Returns the location of a URL, requested without proxy or redirects.
    pub(crate) fn of_url(url: &TrustedUrl) -> Result<Self, JwtSettingsError> {
        let url = url.as_url();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(url.scheme() == "https")
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            // fetches are minutes apart, and may be on different runtimes
            .pool_max_idle_per_host(0)
            .user_agent(concat!("nexus-raw/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| JwtSettingsError::HttpClient(format!("{error:?}")))?;
        Ok(Self::Url {
            url: url.clone(),
            client,
        })
    }

    /// Reads or fetches the set.
    pub(crate) async fn load(&self, algorithm: JwksAlgorithm) -> Result<KeySet, LoadError> {
        let text = match self {
            Self::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read(&path))
                    .await
                    .map_err(io::Error::other)
                    .and_then(|read| read)
                    .map_err(LoadError::File)?
            }
            Self::Url { url, client } => fetch(client, url.clone()).await?,
        };
        Ok(KeySet::read(&text, algorithm)?)
    }
}

/// Reads a JWKS file, at most one byte more than allowed.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // opening a pipe would block for a writer
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = Vec::new();
    let limit = u64::try_from(MAX_SET_BYTES).unwrap_or(u64::MAX) + 1;
    fs::File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

async fn fetch(client: &Client, url: Url) -> Result<Vec<u8>, LoadError> {
    // the URL is known from the configuration
    let failed = |error: reqwest::Error| LoadError::Fetch(error.without_url());
    let mut answer = client.get(url).send().await.map_err(failed)?;
    if answer.status() != StatusCode::OK {
        return Err(LoadError::Status(answer.status().as_u16()));
    }
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if text.len() + chunk.len() > MAX_SET_BYTES {
            return Err(JwksFault::TooLong.into());
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}
