//! One request, from its head to its answer: the gate, then `s3s`.
//!
//! This is also the place for what concerns every request, before the gate: a preflight of a
//! browser, say, carries no signature.

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::EXPECT;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse};

use crate::access::OnlyWhatIsHonoured;
use crate::auth::OneKeyPair;
use crate::gate::Gate;
use crate::request_body::RequestBody;
use crate::service::StoreService;
use crate::settings::Settings;
use crate::store::Store;

/// Of the operations here, only the making of a bucket has a body of XML, of some 200 bytes.
const LARGEST_XML_BYTES: usize = 16 * 1024;

/// Everything that answers requests.
pub(crate) struct Front {
    gate: Gate,
    s3: S3Service,
    idle_timeout: Duration,
}

impl Front {
    pub(crate) fn new(settings: &Settings, store: Store) -> Self {
        let mut config = S3Config::default();
        config.xml_max_body_size = LARGEST_XML_BYTES;
        let mut builder = S3ServiceBuilder::new(StoreService {
            store: Arc::new(store),
            region: settings.region.clone(),
            lies: settings.lies.clone(),
        });
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(OneKeyPair::new(&settings.credentials));
        builder.set_access(OnlyWhatIsHonoured);
        Self {
            gate: Gate {
                region: settings.region.clone(),
                lies: settings.lies.clone(),
            },
            s3: builder.build(),
            idle_timeout: settings.idle_timeout,
        }
    }

    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        // to read on would ask a client that waits for leave (RFC 9110, section 10.1.1) to send
        let may_drain = !head.headers.contains_key(EXPECT);
        let body = RequestBody::new(body, self.idle_timeout);
        let answer = match self.gate.check(&head) {
            Ok(()) => {
                let body = Body::http_body(body.clone());
                self.s3.call(Request::from_parts(head, body)).await
            }
            Err(refusal) => refusal
                .to_http_response()
                .map_err(|error| HttpError::new(Box::new(error))),
        };
        let is_refused = !matches!(&answer, Ok(answer) if answer.status().is_success());
        if is_refused && may_drain {
            // beside the answer, which need not wait for it
            tokio::spawn(body.drain());
        }
        answer
    }
}
