//! Requests to the service and to the store.

mod answer;
mod caller;
mod download;
mod http;
mod pending;
mod retry;
mod storing;
mod upload;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use nexus_raw::asset::{AssetId, Fact};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::Serialize;
use tokio::sync::Mutex;
use url::Url;

pub(crate) use crate::provenance::Provenance;

pub(crate) use self::{
    answer::Record,
    storing::by_number,
    upload::Payload,
    wire::{
        Download, IfRegistered, PartDigest, PresignAnswer, PresignRequest, Presigned,
        RegisterRequest, SignedPut, Upload,
    },
};
use self::{
    answer::{Answer, MediaType},
    caller::Caller,
    http::Http,
    retry::Retries,
};
use crate::{
    args::{LineageArgs, ServiceArgs},
    failure::{Failure, Peer},
    incoming::Incoming,
    progress::Progress,
    settings::Settings,
};

/// The service ends each request within 10 s by default; an operator may allow more.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum number of events or facts per page, as in the service.
const PAGE_LIMIT: usize = 1000;

/// The header by which the service recognises a repeated request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A client of the service for one caller.
pub(crate) struct Service {
    http: Http,
    base: Url,
    /// Sent only to the service, never to the store.
    caller: Caller,
    retries: Retries,
    progress: Progress,
}

impl Service {
    pub(crate) fn new(args: &ServiceArgs, progress: Progress) -> Result<Self, Failure> {
        Self::of(&Settings::resolve(&args.sources)?, args.retries, progress)
    }

    /// Returns a client for settings that are complete.
    pub(crate) fn of(
        settings: &Settings,
        retries: u8,
        progress: Progress,
    ) -> Result<Self, Failure> {
        Ok(Self {
            http: Http::new()?,
            base: settings.server.value.clone(),
            caller: Caller::of(settings)?,
            retries: Retries(retries),
            progress,
        })
    }

    /// Has the service read an asset's object again, and returns the verdict. Waits up to `timeout` if
    /// that takes longer than a request.
    pub(crate) async fn verify(
        &self,
        asset_id: AssetId,
        timeout: Duration,
    ) -> Result<Bytes, Failure> {
        let path = format!("/nexus/raw/{asset_id}/verification");
        let body = serde_json::Map::new();
        pending::until_hashed(
            &format!("the service is reading asset {asset_id}"),
            timeout,
            &self.progress,
            |problem| Failure::StillRead { asset_id, problem },
            || self.post(&path, &body),
        )
        .await
    }

    /// Returns the record of a registered asset.
    pub(crate) async fn asset(&self, id: AssetId) -> Result<Record, Failure> {
        let url = self.url(&format!("/nexus/raw/{id}"));
        Ok(self.send(Request::get(url)).await?.into_record())
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
        self.get(url).await
    }

    /// Requests a download URL.
    pub(crate) async fn presign_download(&self, id: AssetId) -> Result<Download, Failure> {
        let path = format!("/nexus/raw/{id}/presign-download");
        let body = serde_json::Map::new();
        let answer = self.post(&path, &body).await?;
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

    /// States a fact, and returns it and whether it is new. The same fact as the latest of its kind is
    /// not stated again, so that a retry is safe.
    pub(crate) async fn state_fact(
        &self,
        id: AssetId,
        fact: &Fact,
    ) -> Result<(Bytes, bool), Failure> {
        let url = self.url(&format!("/nexus/raw/{id}/facts"));
        let answer = self.send(Request::post(url, fact)).await?;
        Ok((answer.body, answer.status == StatusCode::CREATED))
    }

    /// Returns a page of the facts of an asset after a sequence number; an empty one is the end.
    pub(crate) async fn facts(&self, id: AssetId, after: u64) -> Result<Bytes, Failure> {
        let mut url = self.url(&format!("/nexus/raw/{id}/facts"));
        url.set_query(Some(&format!("after={after}&limit={PAGE_LIMIT}")));
        self.get(url).await
    }

    /// Returns the lineage of an asset, as JSON or as the text of a diagram.
    pub(crate) async fn lineage(&self, args: &LineageArgs) -> Result<Bytes, Failure> {
        let mut url = self.url(&format!("/nexus/raw/{}/lineage", args.id));
        url.query_pairs_mut().extend_pairs(args.query());
        let media_type = match args.diagram() {
            Some(_) => MediaType::Text,
            None => MediaType::Json,
        };
        let request = Request {
            media_type,
            ..Request::get(url)
        };
        Ok(self.send(request).await?.body)
    }

    /// Returns a page of the events of an asset after a sequence number; an empty one is the end.
    pub(crate) async fn events(&self, id: AssetId, after: u64) -> Result<Bytes, Failure> {
        let mut url = self.url(&format!("/nexus/raw/{id}/events"));
        url.set_query(Some(&format!("after={after}&limit={PAGE_LIMIT}")));
        self.get(url).await
    }

    /// Returns a page of the events of all assets after a sequence number. At the end, waits up to
    /// `wait_seconds` for new ones and returns these, or an empty page.
    pub(crate) async fn feed(&self, after: u64, wait_seconds: u8) -> Result<Bytes, Failure> {
        let mut url = self.url("/nexus/raw/events");
        let query = format!("after={after}&limit={PAGE_LIMIT}&wait_seconds={wait_seconds}");
        url.set_query(Some(&query));
        self.get(url).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn get(&self, url: Url) -> Result<Bytes, Failure> {
        Ok(self.send(Request::get(url)).await?.body)
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Bytes, Failure> {
        Ok(self.send(Request::post(self.url(path), body)).await?.body)
    }

    /// Sends a request, and once more with another token if its file was renewed meanwhile.
    async fn send(&self, request: Request<'_, impl Serialize>) -> Result<Answer, Failure> {
        let headers = self.caller.headers();
        match self.send_as(&request, &headers).await {
            Err(failure)
                if failure.is_token_refused() && self.caller.has_another_token(&headers) =>
            {
                self.send_as(&request, &self.caller.headers()).await
            }
            other => other,
        }
    }

    async fn send_as(
        &self,
        request: &Request<'_, impl Serialize>,
        headers: &HeaderMap,
    ) -> Result<Answer, Failure> {
        let http = self.http.for_url(&request.url)?;
        let attempt = || async {
            let mut builder = http
                .request(request.method.clone(), request.url.clone())
                .headers(headers.clone())
                .header(ACCEPT, request.media_type.as_str())
                .timeout(ANSWER_TIMEOUT);
            if let Some(key) = &request.key {
                builder = builder.header(IDEMPOTENCY_KEY, key);
            }
            if let Some(body) = request.body {
                builder = builder.json(body);
            }
            let response = builder
                .send()
                .await
                .map_err(|error| Failure::no_answer(Peer::Service, error))?;
            answer::read(response, request.media_type).await
        };
        self.retries.run(&self.progress, attempt).await
    }
}

/// A request to the service.
struct Request<'b, B> {
    method: Method,
    url: Url,
    body: Option<&'b B>,
    key: Option<HeaderValue>,
    /// Of the response, unless it is a problem.
    media_type: MediaType,
}

impl Request<'_, ()> {
    fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            key: None,
            media_type: MediaType::Json,
        }
    }
}

impl<'b, B> Request<'b, B> {
    fn post(url: Url, body: &'b B) -> Self {
        Self {
            method: Method::POST,
            url,
            body: Some(body),
            key: None,
            media_type: MediaType::Json,
        }
    }
}

/// Returns whether the store answers so to a URL that has ended.
fn has_ended(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
}

/// Returns a new idempotency key: 16 random bytes as hexadecimal digits.
pub(crate) fn new_key() -> Result<HeaderValue, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Failure::Random)?;
    HeaderValue::from_str(&hex::encode(bytes)).map_err(|it| Failure::Usage(it.to_string()))
}
