//! The GET from the store.

use std::time::Duration;

use reqwest::StatusCode;

use super::{
    answer,
    http::Http,
    upload::{MIN_RATE, OVERHEAD, error_code, signed},
    wire::Download,
};
use crate::{failure::Failure, incoming::Incoming};

/// Downloads with exactly the signed headers and none of the service's. Bytes that `target` has from
/// an attempt before are skipped, and all of them are verified together.
pub(super) async fn get(
    http: &Http,
    download: &Download,
    target: &mut Incoming<'_>,
) -> Result<(), Failure> {
    if download.method != "GET" {
        return Err(answer::unexpected(StatusCode::OK));
    }
    let (url, headers) = signed(&download.url, &download.headers)?;
    let no_answer = |error: reqwest::Error| Failure::NotDownloaded {
        source: error.without_url(),
    };
    let mut response = http
        .for_url(&url)?
        .get(url)
        .headers(headers)
        .timeout(OVERHEAD + Duration::from_secs(target.size_bytes() / MIN_RATE))
        .send()
        .await
        .map_err(no_answer)?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(Failure::Download {
            status,
            code: error_code(response).await,
        });
    }
    let mut skip = target.received();
    while let Some(mut chunk) = response.chunk().await.map_err(no_answer)? {
        let skipped = usize::try_from(skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
        skip -= skipped as u64;
        target.write(&chunk.split_off(skipped)).await?;
    }
    target.verify()
}
