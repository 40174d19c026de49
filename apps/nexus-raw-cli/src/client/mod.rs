//! Requests to the service and to the store.

mod answer;
mod download;
mod http;
mod pending;
mod retry;
mod upload;
mod wire;

use std::{fs, path::Path, time::Duration};

use bytes::Bytes;
use nexus_raw::{asset::AssetId, net::is_loopback_host};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::Mutex;
use url::Url;

pub(crate) use self::wire::{
    Download, PresignRequest, Presigned, Provenance, RegisterRequest, Upload,
};
use self::{http::Http, retry::Retries};
use crate::{
    args::ServiceArgs,
    content::Content,
    failure::{Failure, Peer},
    incoming::Incoming,
    progress::Progress,
};

/// The service ends each request within 10 s by default; an operator may allow more.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum number of events per page, as in the service.
const PAGE_LIMIT: usize = 1000;

/// Every server refuses a longer token.
const MAX_TOKEN_FILE_BYTES: u64 = 8 * 1024 + 2;

/// The header by which the service recognises a repeated request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A client of the service for one caller.
pub(crate) struct Service {
    http: Http,
    base: Url,
    /// Sent only to the service, never to the store.
    headers: HeaderMap,
    retries: Retries,
    progress: Progress,
}

impl Service {
    pub(crate) fn new(args: &ServiceArgs, progress: Progress) -> Result<Self, Failure> {
        check_url(&args.server, args.allow_plain_http)?;
        Ok(Self {
            http: Http::new()?,
            base: args.server.clone(),
            headers: headers(args)?,
            retries: Retries(args.retries),
            progress,
        })
    }

    /// Requests an upload URL. Every attempt uses the same new idempotency key, so that one whose
    /// response was lost leaves no second asset.
    pub(crate) async fn presign(&self, request: &PresignRequest) -> Result<Presigned, Failure> {
        let path = "/nexus/raw/presign-upload";
        let key = new_key()?;
        let answer = self
            .call(Method::POST, path, Some(request), Some(key))
            .await?;
        serde_json::from_slice(&answer).map_err(|_| answer::unexpected(StatusCode::OK))
    }

    /// Sends the content to the store.
    pub(crate) async fn upload(&self, upload: &Upload, content: &Content) -> Result<(), Failure> {
        self.retries
            .run(&self.progress, || {
                upload::put(&self.http, upload, content, &self.progress)
            })
            .await
    }

    /// Registers the upload and returns its record. Waits up to `timeout` if the service must hash
    /// the object first.
    pub(crate) async fn register(
        &self,
        request: &RegisterRequest,
        timeout: Duration,
    ) -> Result<Bytes, Failure> {
        pending::register(request.asset_id, timeout, &self.progress, || {
            self.call(Method::POST, "/nexus/raw/register", Some(request), None)
        })
        .await
    }

    /// Returns the record of a registered asset.
    pub(crate) async fn asset(&self, id: AssetId) -> Result<Bytes, Failure> {
        self.call(Method::GET, &format!("/nexus/raw/{id}"), None::<&()>, None)
            .await
    }

    /// Returns a page of the assets that the filters select.
    pub(crate) async fn assets(
        &self,
        filters: &[(String, String)],
        limit: u64,
        cursor: Option<&str>,
    ) -> Result<Bytes, Failure> {
        let mut url = self.url("/nexus/raw");
        let mut query = url.query_pairs_mut();
        query.extend_pairs(filters);
        query.append_pair("limit", &limit.to_string());
        query.extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
        drop(query);
        self.send_request(Method::GET, url, None::<&()>, None).await
    }

    /// Requests a download URL.
    pub(crate) async fn presign_download(&self, id: AssetId) -> Result<Download, Failure> {
        let path = format!("/nexus/raw/{id}/presign-download");
        let body = serde_json::Map::new();
        let answer = self.call(Method::POST, &path, Some(&body), None).await?;
        serde_json::from_slice(&answer).map_err(|_| answer::unexpected(StatusCode::OK))
    }

    /// Writes an asset's content to `target`, which is then as its record says. A URL that has ended
    /// is replaced once.
    pub(crate) async fn download(
        &self,
        id: AssetId,
        target: &mut Incoming<'_>,
    ) -> Result<(), Failure> {
        let mut is_renewed = false;
        loop {
            let download = self.presign_download(id).await?;
            let shared = Mutex::new(&mut *target);
            let attempt = || async {
                let mut target = shared.lock().await;
                download::get(&self.http, &download, &mut target).await
            };
            match self.retries.run(&self.progress, attempt).await {
                Err(Failure::Download { status, .. }) if !is_renewed && has_ended(status) => {
                    is_renewed = true;
                }
                other => return other,
            }
        }
    }

    /// Returns a page of the events of an asset after a sequence number; an empty one is the end.
    pub(crate) async fn events(&self, id: AssetId, after: u64) -> Result<Bytes, Failure> {
        let mut url = self.url(&format!("/nexus/raw/{id}/events"));
        url.set_query(Some(&format!("after={after}&limit={PAGE_LIMIT}")));
        self.send_request(Method::GET, url, None::<&()>, None).await
    }

    /// Returns a page of the events of all assets after a sequence number. At the end, waits up to
    /// `wait_seconds` for new ones and returns these, or an empty page.
    pub(crate) async fn feed(&self, after: u64, wait_seconds: u8) -> Result<Bytes, Failure> {
        let mut url = self.url("/nexus/raw/events");
        let query = format!("after={after}&limit={PAGE_LIMIT}&wait_seconds={wait_seconds}");
        url.set_query(Some(&query));
        self.send_request(Method::GET, url, None::<&()>, None).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        key: Option<HeaderValue>,
    ) -> Result<Bytes, Failure> {
        self.send_request(method, self.url(path), body, key).await
    }

    async fn send_request(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
        key: Option<HeaderValue>,
    ) -> Result<Bytes, Failure> {
        let http = self.http.for_url(&url)?;
        let attempt = || async {
            let mut request = http
                .request(method.clone(), url.clone())
                .headers(self.headers.clone())
                .timeout(ANSWER_TIMEOUT);
            if let Some(key) = &key {
                request = request.header(IDEMPOTENCY_KEY, key);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request
                .send()
                .await
                .map_err(|error| Failure::no_answer(Peer::Service, error))?;
            answer::read(response).await
        };
        self.retries.run(&self.progress, attempt).await
    }
}

/// Returns whether the store answers so to a URL that has ended.
fn has_ended(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
}

/// Returns a new idempotency key: 16 random bytes as hexadecimal digits.
fn new_key() -> Result<HeaderValue, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Failure::Random)?;
    HeaderValue::from_str(&hex::encode(bytes)).map_err(|it| Failure::Usage(it.to_string()))
}

/// Allows plain http only to this machine, unless the caller allows it to others.
fn check_url(server: &Url, allow_plain_http: bool) -> Result<(), Failure> {
    let is_loopback = server.host_str().is_some_and(is_loopback_host);
    let fault = match server.scheme() {
        "https" | "http" if server.query().is_some() || server.fragment().is_some() => {
            "must not have a query or a fragment"
        }
        "https" | "http" if !server.username().is_empty() || server.password().is_some() => {
            "must not have a user or a password"
        }
        "https" => return Ok(()),
        "http" if is_loopback || allow_plain_http => return Ok(()),
        "http" => "would send the token unencrypted; use https, or --allow-plain-http",
        _ => "must be an https or http URL",
    };
    Err(Failure::Usage(format!("--server {fault}")))
}

fn headers(args: &ServiceArgs) -> Result<HeaderMap, Failure> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token(args)?.expose_secret()))
        .map_err(|_| Failure::Usage("the token has invalid characters".to_owned()))?;
    bearer.set_sensitive(true);
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|error| Failure::Usage(error.to_string()));
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert("x-tenant-id", value(args.tenant.as_str())?);
    headers.insert("x-env", value(args.env.as_str())?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(headers)
}

fn token(args: &ServiceArgs) -> Result<SecretString, Failure> {
    let token = match (&args.token_file, &args.token) {
        (Some(path), _) => token_in(path)?,
        (None, Some(token)) => token.clone(),
        (None, None) => return Err(Failure::Usage("a token is required".to_owned())),
    };
    // most often a variable from a failed command
    if token.expose_secret().trim_ascii().is_empty() {
        let reason = "the token is empty; use NEXUS_RAW_TOKEN or --token-file";
        return Err(Failure::Usage(reason.to_owned()));
    }
    Ok(token)
}

fn token_in(path: &Path) -> Result<SecretString, Failure> {
    let cannot_read = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(cannot_read)?.len() > MAX_TOKEN_FILE_BYTES {
        return Err(Failure::Usage(format!(
            "{} is too long for a file with only a token",
            path.display()
        )));
    }
    let text = fs::read_to_string(path).map_err(cannot_read)?;
    Ok(text.trim_ascii().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, allow_plain_http: bool) -> Result<(), String> {
        check_url(&Url::parse(url).unwrap(), allow_plain_http).map_err(|it| it.to_string())
    }

    #[test]
    fn a_token_goes_in_the_clear_to_this_machine_alone() {
        for url in [
            "https://raw.example.test",
            "https://raw.example.test/behind/a/prefix/",
            "http://127.0.0.1:8080",
            "http://127.8.9.10",
            "http://[::1]:8080",
            "http://localhost:8080",
            "http://localhost.:8080",
            "http://[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        for url in [
            "http://raw.example.test",
            "http://10.0.0.1",
            "http://localhost.example.test",
        ] {
            assert_eq!(
                check(url, false),
                Err(
                    "--server would send the token unencrypted; use https, or --allow-plain-http"
                        .to_owned()
                ),
                "{url}"
            );
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_server_is_a_plain_http_url() {
        for url in [
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "localhost:8080",
            "http://127.0.0.1?a",
            "http://127.0.0.1#a",
            "http://user@127.0.0.1",
            "http://:secret@127.0.0.1",
        ] {
            assert!(check(url, true).is_err(), "{url}");
        }
    }
}
