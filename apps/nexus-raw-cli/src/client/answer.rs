use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nexus_raw::asset::{AssetId, RawAsset};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION, RETRY_AFTER},
};

use crate::{
    failure::{Failure, Peer},
    problem::Problem,
};

/// The maximum size of a response of the service. An event has a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The header with the word on training that holds for an asset and all its ancestors.
const TRAIN_OK_EFFECTIVE: &str = "nexus-train-ok-effective";

/// The media type of a response that is no problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    Json,
    /// A diagram.
    Text,
    /// No content (204).
    None,
}

impl MediaType {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::None => "*/*",
        }
    }
}

/// A successful response.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    train_ok_effective: Option<bool>,
}

/// A record, and what the service says of it beside.
pub(crate) struct Record {
    pub(crate) json: Bytes,
    /// Whether training is allowed by now; `None` of an older service.
    pub(crate) train_ok_effective: Option<bool>,
}

impl Answer {
    pub(super) fn into_record(self) -> Record {
        Record {
            json: self.body,
            train_ok_effective: self.train_ok_effective,
        }
    }
}

impl Record {
    /// Reads the record, which must be that of this asset.
    pub(crate) fn asset(&self, id: AssetId) -> Result<RawAsset, Failure> {
        serde_json::from_slice(&self.json)
            .ok()
            .filter(|record: &RawAsset| record.asset_id() == id)
            .ok_or(unexpected(StatusCode::OK))
    }
}

/// Reads a response of the service: its document on success, its problem otherwise.
pub(super) async fn read(response: Response, expected: MediaType) -> Result<Answer, Failure> {
    let status = response.status();
    let media_type = header(&response, CONTENT_TYPE.as_str())
        .and_then(|value| value.split(';').next().map(|it| it.trim().to_owned()));
    let retry_after = header(&response, RETRY_AFTER.as_str());
    let location = header(&response, LOCATION.as_str());
    let train_ok_effective =
        header(&response, TRAIN_OK_EFFECTIVE).and_then(|value| value.parse().ok());
    let body = read_at_most(response, MAX_ANSWER_BYTES, Peer::Service).await?;
    match media_type.as_deref() {
        Some(it) if status.is_success() && it == expected.as_str() => Ok(Answer {
            status,
            body,
            train_ok_effective,
        }),
        _ if status == StatusCode::NO_CONTENT && expected == MediaType::None => Ok(Answer {
            status,
            body,
            train_ok_effective,
        }),
        Some("application/problem+json") if !status.is_success() => {
            Err(problem(status, &body, retry_after.as_deref(), location))
        }
        _ => Err(unexpected(status)),
    }
}

pub(super) fn unexpected(status: StatusCode) -> Failure {
    Failure::UnexpectedResponse {
        from: Peer::Service,
        status,
    }
}

/// Reads a body up to a maximum size.
pub(super) async fn read_at_most(
    mut response: Response,
    limit: usize,
    from: Peer,
) -> Result<Bytes, Failure> {
    let status = response.status();
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Failure::no_answer(from, error))?
    {
        if body.len() + chunk.len() > limit {
            return Err(Failure::UnexpectedResponse { from, status });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Returns the problem that the service answered.
pub(super) fn problem(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<&str>,
    location: Option<String>,
) -> Failure {
    let retry_after = retry_after.and_then(|seconds| seconds.parse().ok());
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if problem.status == status.as_u16() => Failure::Problem(Box::new(Problem {
            retry_after: retry_after.map(Duration::from_secs),
            location,
            ..problem
        })),
        _ => unexpected(status),
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}
