//! The handling of a request: the gate, then `s3s`.
//!
//! Preflights, which have no signature, are answered before the gate.

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{EXPECT, ORIGIN};
use hyper::http::request::Parts;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse, S3Error};
use tokio::sync::{Semaphore, watch};

use crate::access::AccessRules;
use crate::auth::KeyPairAuth;
use crate::cors::Cors;
use crate::gate::Gate;
use crate::request_body::RequestBody;
use crate::service::{MAX_COMPLETIONS, StoreService};
use crate::settings::Settings;
use crate::store::Store;
use crate::uploads::Uploads;

/// The largest XML body lists 10,000 parts, of some 250 bytes each.
const MAX_XML_BYTES: usize = 4 * 1024 * 1024;

/// The handler of all requests.
pub(crate) struct Front {
    cors: Cors,
    gate: Gate,
    s3: S3Service,
    body_leeway: Duration,
}

impl Front {
    pub(crate) fn new(
        settings: &Settings,
        store: Store,
        medium_failed: watch::Sender<bool>,
    ) -> Self {
        let mut config = S3Config::default();
        config.xml_max_body_size = MAX_XML_BYTES;
        let mut builder = S3ServiceBuilder::new(StoreService {
            store: Arc::new(store),
            region: settings.region.clone(),
            misbehaviours: settings.misbehaviours.clone(),
            uploads: Arc::new(Uploads::new()),
            completions: Arc::new(Semaphore::new(MAX_COMPLETIONS)),
            min_part_bytes: settings.min_part_bytes,
            medium_failed,
        });
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(KeyPairAuth::new(&settings.credentials));
        builder.set_access(AccessRules);
        Self {
            cors: Cors::new(&settings.cors_origins),
            gate: Gate {
                region: settings.region.clone(),
                misbehaviours: settings.misbehaviours.clone(),
            },
            s3: builder.build(),
            body_leeway: settings.body_leeway,
        }
    }

    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        // reading on would send 100 Continue to a client that waits for it (RFC 9110, 10.1.1)
        let may_drain = !head.headers.contains_key(EXPECT);
        let origin = head.headers.get(ORIGIN).cloned();
        let body = RequestBody::new(body, self.body_leeway);
        let method = head.method.clone();
        let mut answer = self.answer_head(head, &body).await;
        if let (Some(origin), Ok(answer)) = (origin, &mut answer) {
            self.cors.mark(&origin, &method, answer.headers_mut());
        }
        let is_refused = !matches!(&answer, Ok(answer) if answer.status().is_success());
        if is_refused && may_drain {
            // concurrently with the response, which need not wait for it
            tokio::spawn(body.drain());
        }
        answer
    }

    async fn answer_head(
        &self,
        mut head: Parts,
        body: &RequestBody,
    ) -> Result<HttpResponse, HttpError> {
        if let Some(answer) = self.cors.preflight(&head) {
            return answer.or_else(refused);
        }
        match self.gate.check(&head) {
            Ok(()) => {
                head.extensions.insert(body.clone());
                let body = Body::http_body(body.clone());
                self.s3.call(Request::from_parts(head, body)).await
            }
            Err(refusal) => refused(refusal),
        }
    }
}

fn refused(refusal: S3Error) -> Result<HttpResponse, HttpError> {
    refusal
        .to_http_response()
        .map_err(|error| HttpError::new(Box::new(error)))
}
