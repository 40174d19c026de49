//! Requests that store an asset.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use nexus_raw::asset::{AssetId, Sha256Digest};
use reqwest::{Method, StatusCode, header::HeaderValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    PAGE_LIMIT, Request, Service,
    answer::{self, MediaType},
    pending,
    upload::{self, Payload},
    wire::{
        PartDigest, Parts, PresignAnswer, PresignRequest, Presigned, RegisterRequest, SignedPart,
        SignedPut,
    },
};
use crate::{failure::Failure, meter::Meter};

/// Items of a batch.
#[derive(Serialize)]
struct Items<'i, T> {
    items: &'i [T],
}

/// The response to a batch.
#[derive(Deserialize)]
struct Results {
    results: Vec<BatchResult>,
}

/// The response to an item of a batch, as that of the route for one.
#[derive(Deserialize)]
struct BatchResult {
    status: u16,
    #[serde(default)]
    headers: BatchHeaders,
    body: Box<RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BatchHeaders {
    location: Option<String>,
    retry_after: Option<String>,
}

/// A page of the list of assets.
#[derive(Deserialize)]
struct AssetPage {
    assets: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// The latest verdict of an asset, as far as it matters here.
#[derive(Deserialize)]
struct LatestVerification {
    verification: Option<LatestVerdict>,
}

#[derive(Deserialize)]
struct LatestVerdict {
    verdict: String,
}

impl Service {
    /// Requests an upload. Every attempt uses the same idempotency key, so that one whose response was
    /// lost leaves no second asset.
    pub(crate) async fn presign(
        &self,
        request: &PresignRequest,
        key: &HeaderValue,
    ) -> Result<PresignAnswer, Failure> {
        let url = self.url("/nexus/raw/presign-upload");
        let request = Request {
            key: Some(key.clone()),
            ..Request::post(url, request)
        };
        presigned(&self.send(request).await?.body)
    }

    /// Requests an upload for each item, in order.
    pub(crate) async fn presign_batch(
        &self,
        items: &[PresignRequest],
        key: &HeaderValue,
    ) -> Result<Vec<Result<PresignAnswer, Failure>>, Failure> {
        let url = self.url("/nexus/raw/presign-upload/batch");
        let items = Items { items };
        let request = Request {
            key: Some(key.clone()),
            ..Request::post(url, &items)
        };
        let answer = self.send(request).await?.body;
        let results = results(&answer, items.items.len())?;
        Ok(results
            .map(|it| it.and_then(|body| presigned(&body)))
            .collect())
    }

    /// Sends bytes to the store. `payload` makes the body of each attempt.
    pub(crate) async fn upload(
        &self,
        put: &SignedPut,
        size_bytes: u64,
        silence: Duration,
        payload: impl Fn(&Meter) -> Result<Payload, Failure>,
    ) -> Result<(), Failure> {
        let attempt = || async {
            let meter = Meter::new(&self.progress);
            let sent = match payload(&meter) {
                Ok(body) => upload::put(&self.http, put, size_bytes, body, &meter, silence).await,
                Err(failure) => Err(failure),
            };
            meter.end(sent.is_ok(), size_bytes);
            sent
        };
        self.retries.run(&self.progress, attempt).await
    }

    /// Registers the upload and returns its record. Waits up to `timeout` for a service that is away,
    /// and if it must hash the object first.
    pub(crate) async fn register(
        &self,
        request: &RegisterRequest,
        timeout: Duration,
    ) -> Result<Bytes, Failure> {
        let asset_id = request.asset_id;
        let work = match request.sha256 {
            Some(_) => "put its parts together, or hash it",
            None => "hash it",
        };
        let reason = format!(
            "asset {asset_id} is uploaded; the service must {work} before it is registered"
        );
        let end = Instant::now() + timeout;
        self.patiently(end, || {
            pending::until_hashed(
                &reason,
                whole_seconds_until(end),
                &self.progress,
                |problem| Failure::StillHashed { asset_id, problem },
                || self.post("/nexus/raw/register", request),
            )
        })
        .await
    }

    /// Repeats a request until `end` while the service is away or too busy: what was uploaded must not
    /// be lost because it restarts.
    async fn patiently<T, F>(&self, end: Instant, attempt: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(15))
            .without_max_times()
            .with_jitter();
        attempt
            .retry(waits)
            .sleep(tokio::time::sleep)
            .when(|failure| self.retries.0 > 0 && failure.is_waited_for() && Instant::now() < end)
            .notify(|failure, wait| self.progress.note_retry(failure, wait))
            .await
    }

    /// Registers uploads, in order. Waits up to `timeout` for a service that is away.
    pub(crate) async fn register_batch(
        &self,
        items: &[RegisterRequest],
        timeout: Duration,
    ) -> Result<Vec<Result<Bytes, Failure>>, Failure> {
        let body = Items { items };
        let attempt = || self.post("/nexus/raw/register/batch", &body);
        let answer = self.patiently(Instant::now() + timeout, attempt).await?;
        Ok(results(&answer, items.len())?.collect())
    }

    /// Declares parts of an upload, and returns the upload of each in the same order.
    pub(crate) async fn declare_parts(
        &self,
        id: AssetId,
        parts: Vec<PartDigest>,
    ) -> Result<Vec<SignedPut>, Failure> {
        let path = format!("/nexus/raw/{id}/parts");
        let numbers: Vec<_> = parts.iter().map(|it| it.part_number).collect();
        let answer: Parts<SignedPart> = read(&self.post(&path, &Parts { parts }).await?)?;
        if !answer
            .parts
            .iter()
            .map(|it| it.part_number)
            .eq(numbers.iter().copied())
        {
            return Err(answer::unexpected(StatusCode::OK));
        }
        Ok(answer.parts.into_iter().map(|it| it.put).collect())
    }

    /// Returns the parts that the store holds.
    pub(crate) async fn held_parts(&self, id: AssetId) -> Result<Vec<PartDigest>, Failure> {
        let mut held: Vec<PartDigest> = Vec::new();
        loop {
            let mut url = self.url(&format!("/nexus/raw/{id}/parts"));
            let after = held.last().map_or(0, |it| it.part_number);
            url.set_query(Some(&format!("after={after}&limit={PAGE_LIMIT}")));
            let page: Parts<PartDigest> = read(&self.get(url).await?)?;
            let count = page.parts.len();
            let continues = page.parts.first().is_none_or(|it| it.part_number > after);
            if !continues {
                return Err(answer::unexpected(StatusCode::OK));
            }
            held.extend(page.parts);
            if count < PAGE_LIMIT {
                return Ok(held);
            }
        }
    }

    /// Aborts an upload in parts. The same once more is no error.
    pub(crate) async fn abort(&self, id: AssetId) -> Result<(), Failure> {
        let url = self.url(&format!("/nexus/raw/{id}/upload"));
        let request = Request {
            method: Method::DELETE,
            media_type: MediaType::None,
            ..Request::get(url)
        };
        self.send(request).await.map(drop)
    }

    /// Returns some of the assets that the filters select, newest first, and whether there may be more.
    pub(crate) async fn some_assets(
        &self,
        filters: &[(String, String)],
        limit: u64,
    ) -> Result<(Vec<Bytes>, bool), Failure> {
        let page: AssetPage = read(&self.assets(filters, limit, None).await?)?;
        let assets = page.assets.into_iter().map(bytes_of).collect();
        Ok((assets, page.next_cursor.is_some()))
    }

    /// Returns whether the latest verification of an asset found it intact, if there is one.
    pub(crate) async fn is_intact(&self, id: AssetId) -> Result<Option<bool>, Failure> {
        let url = self.url(&format!("/nexus/raw/{id}/verification"));
        let answer: LatestVerification = read(&self.get(url).await?)?;
        Ok(answer.verification.map(|it| it.verdict == "intact"))
    }
}

/// Returns the time that is left, rounded up, since the user asked for whole seconds.
fn whole_seconds_until(end: Instant) -> Duration {
    let left = end.saturating_duration_since(Instant::now());
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

/// Reads the response to a request for an upload.
fn presigned(answer: &[u8]) -> Result<PresignAnswer, Failure> {
    #[derive(Deserialize)]
    struct Registered {
        registered: Box<RawValue>,
    }
    if let Ok(it) = serde_json::from_slice::<Registered>(answer) {
        return Ok(PresignAnswer::Registered(bytes_of(it.registered)));
    }
    read::<Presigned>(answer).map(PresignAnswer::Presigned)
}

/// Reads the response to a batch of so many items.
fn results(
    answer: &[u8],
    count: usize,
) -> Result<impl Iterator<Item = Result<Bytes, Failure>> + use<>, Failure> {
    let answer: Results = read(answer)?;
    if answer.results.len() != count {
        return Err(answer::unexpected(StatusCode::OK));
    }
    Ok(answer.results.into_iter().map(|it| {
        let body = bytes_of(it.body);
        let status =
            StatusCode::from_u16(it.status).map_err(|_| answer::unexpected(StatusCode::OK))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(answer::problem(
            status,
            &body,
            it.headers.retry_after.as_deref(),
            it.headers.location,
        ))
    }))
}

fn bytes_of(text: Box<RawValue>) -> Bytes {
    Bytes::from(Box::<str>::from(text).into_string())
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer).map_err(|_| answer::unexpected(StatusCode::OK))
}

/// Returns the digest of each part that is held, by its number.
pub(crate) fn by_number(parts: &[PartDigest], number: u16) -> Option<Sha256Digest> {
    let found = parts.binary_search_by_key(&number, |it| it.part_number);
    found.ok().and_then(|at| parts.get(at)).map(|it| it.sha256)
}
