use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};

use crate::{
    failure::{Failure, Peer},
    problem::Problem,
};

/// The maximum size of a response of the service. An event has a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Reads a response of the service: its JSON on success, its problem otherwise.
pub(super) async fn read(response: Response) -> Result<Bytes, Failure> {
    let status = response.status();
    let media_type = header(&response, CONTENT_TYPE.as_str())
        .and_then(|value| value.split(';').next().map(|it| it.trim().to_owned()));
    let retry_after = header(&response, RETRY_AFTER.as_str())
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    let body = read_at_most(response, MAX_ANSWER_BYTES, Peer::Service).await?;
    match media_type.as_deref() {
        Some("application/json") if status.is_success() => Ok(body),
        Some("application/problem+json") if !status.is_success() => {
            Err(problem(status, &body, retry_after))
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

fn problem(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Failure {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if problem.status == status.as_u16() => Failure::Problem(Box::new(Problem {
            retry_after,
            ..problem
        })),
        _ => unexpected(status),
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}
