//! A check that the store answers a download with the headers that its URL was signed with.

use aws_sdk_s3::{config::http::HttpRequest, primitives::SdkBody};
use aws_smithy_runtime_api::client::http::HttpConnector;

use crate::{
    failure::{FailureKind, RequestFailure, request_id},
    signing::{Download, Lifetime},
    store::Store,
};

use super::put::URL_LIFE;

const OPERATION: &str = "presigned GetObject";

/// Unlike what the object was stored with.
const CONTENT_TYPE: &str = "text/x-nexus-raw-probe";
const CONTENT_DISPOSITION: &str = "attachment; filename=\"probe\"";

/// Downloads an object of the probe. A store that refuses the URL does not honour it either.
pub(super) async fn honoured(store: &Store, key: &str) -> Result<bool, RequestFailure> {
    let download = Download {
        key,
        version_id: None,
        content_type: CONTENT_TYPE,
        content_disposition: CONTENT_DISPOSITION.to_owned(),
    };
    let lifetime = Lifetime::from_now(store.clock.now(), URL_LIFE);
    let not_sent = |_| RequestFailure::new(OPERATION, FailureKind::NotSent);
    let credentials = store.credentials.current();
    let url = store
        .signer
        .sign_download(&download, lifetime, &credentials);
    let url = url.map_err(not_sent)?;
    let mut request = HttpRequest::new(SdkBody::empty());
    let not_sent = || RequestFailure::new(OPERATION, FailureKind::NotSent);
    request.set_uri(url.expose()).map_err(|_| not_sent())?;
    let answer = store.connector.call(request);
    let answer = match tokio::time::timeout(store.deadlines.operation, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(RequestFailure::connector(OPERATION, &error)),
        Err(_) => return Err(RequestFailure::new(OPERATION, FailureKind::Timeout)),
    };
    match answer.status().as_u16() {
        200 => Ok(download
            .answered()
            .into_iter()
            .all(|(name, value)| answer.headers().get(name) == Some(value))),
        400..=499 | 501 => Ok(false),
        status => {
            let request_id = request_id(&answer);
            Err(RequestFailure::refusal(OPERATION, status, None, request_id))
        }
    }
}
