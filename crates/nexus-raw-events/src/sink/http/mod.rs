//! Events as HTTP requests.

mod settings;
mod signature;
mod verdict;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{BoxError, Clock, DatasetEventSink, Delivery, SinkError, SinkName},
};
use reqwest::{Client, Url, header, redirect};
use tokio::time::Instant;

pub use self::settings::{HttpSinkError, HttpSinkSettings};
use self::{
    signature::Signer,
    verdict::{PostError, Verdict},
};
use crate::encoding::Encoding;

/// The timeout of one delivery: below the relay's deadline
/// ([`RelaySettings::deadline`](crate::RelaySettings::deadline), 5 s), after which the number of
/// taken events would be lost.
const BUDGET: Duration = Duration::from_secs(4);
/// After this no further event of a batch is sent, so that the last one can be answered.
const LAST_START: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The sink named `http`: each event is one POST, in order. An event that its encoding does not
/// [cover](Encoding::covers) is taken without a request, even while the receiver is unavailable.
///
/// A 2xx status takes an event. 400, 413, 415 and 422 refuse it permanently, and it is parked. 500
/// and other 5xx statuses, except 502, 503 and 504, fail on it, and it is retried a number of times.
/// Anything else, such as another status, a redirect or a timeout, stalls delivery: the events are
/// sent again after the time in `Retry-After`, at the latest five minutes later.
///
/// Only the configured URL is requested: no redirect is followed and no proxy used. Bodies of
/// responses are not read. The URL may hold a secret and is never shown.
pub struct HttpEventSink {
    name: SinkName,
    url: Url,
    client: Client,
    encoding: Encoding,
    signer: Option<Signer>,
    clock: Arc<dyn Clock>,
    /// When the next request may be sent, by the receiver's `Retry-After`.
    retry_at: Mutex<Option<Instant>>,
}

impl HttpEventSink {
    /// Creates a sink that sends to `settings.url`. Sends nothing yet. `clock` dates signatures.
    ///
    /// # Errors
    /// See [`HttpSinkError`].
    pub fn new(settings: HttpSinkSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpSinkError> {
        let HttpSinkSettings {
            url,
            encoding,
            secret,
        } = settings;
        let signer = secret.as_ref().map(Signer::new).transpose()?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(url.as_url().scheme() == "https")
            .connect_timeout(CONNECT_TIMEOUT)
            // events are sent one after the other, on one connection
            .pool_max_idle_per_host(1)
            .user_agent(concat!("nexus-raw/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpSinkError::Client(error.without_url().into()))?;
        Ok(Self {
            name: SinkName::new("http"),
            url: url.as_url().clone(),
            client,
            encoding,
            signer,
            clock,
            retry_at: Mutex::new(None),
        })
    }

    /// Sends one event, if its encoding covers it, and reads the response.
    async fn send(&self, event: &DatasetEvent, timeout: Duration) -> Result<(), PostError> {
        let encoded = self
            .encoding
            .encode(event)
            .map_err(|error| PostError::Refused(error.into()))?;
        let Some(encoded) = encoded else {
            return Ok(());
        };
        let id = event.event_id.to_string();
        let mut request = self
            .client
            .post(self.url.clone())
            .timeout(timeout)
            .header(header::CONTENT_TYPE, encoded.media_type);
        for (name, value) in encoded.headers {
            request = request.header(name, &*value);
        }
        if let Some(signer) = &self.signer {
            let signature = signer.sign(&id, self.clock.now(), &encoded.payload);
            for (name, value) in signature {
                request = request.header(name, value);
            }
        }
        let answer = request
            .body(encoded.payload)
            .send()
            .await
            .map_err(|error| PostError::Unavailable {
                reason: error.without_url().into(),
                retry_after: None,
            })?;
        match Verdict::of(answer.status(), answer.headers(), self.clock.now()) {
            Verdict::Taken => Ok(()),
            Verdict::NotTaken(why) => Err(why),
        }
    }

    /// Returns the time left until the next request may be sent.
    fn retry_after(&self) -> Option<Duration> {
        let retry_at = *self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        retry_at.and_then(|until| until.checked_duration_since(Instant::now()))
    }

    fn pause(&self, retry_after: Option<Duration>) {
        let until = retry_after.map(|delay| Instant::now() + delay);
        *self.retry_at.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[async_trait]
impl DatasetEventSink for HttpEventSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        let covered = |event: &DatasetEvent| self.encoding.covers(event.body.event_type);
        let Some(first) = events.iter().position(covered) else {
            return Ok(Delivery {
                taken: events.len(),
            });
        };
        if let Some(delay) = self.retry_after().filter(|delay| !delay.is_zero()) {
            let reason: BoxError = format!(
                "receiver asked to retry after {} s",
                delay.as_secs_f32().ceil()
            )
            .into();
            return Err(SinkError::Unavailable {
                taken: first,
                source: reason,
            });
        }
        let started = Instant::now();
        for (taken, event) in events.iter().enumerate() {
            let spent = started.elapsed();
            if spent > LAST_START {
                return Ok(Delivery { taken });
            }
            match self.send(event, BUDGET.saturating_sub(spent)).await {
                Ok(()) => {}
                Err(PostError::Refused(source)) => {
                    return Err(SinkError::Refused { taken, source });
                }
                Err(PostError::Failed(source)) => {
                    return Err(SinkError::Failed { taken, source });
                }
                Err(PostError::Unavailable {
                    reason,
                    retry_after,
                }) => {
                    self.pause(retry_after);
                    return Err(SinkError::Unavailable {
                        taken,
                        source: reason,
                    });
                }
            }
        }
        Ok(Delivery {
            taken: events.len(),
        })
    }
}

impl fmt::Debug for HttpEventSink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpEventSink")
            .field("name", &self.name)
            .field("encoding", &self.encoding)
            .field("signed", &self.signer.is_some())
            .finish_non_exhaustive()
    }
}
