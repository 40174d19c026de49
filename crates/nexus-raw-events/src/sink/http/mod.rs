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
    verdict::{NotTaken, Verdict},
};
use crate::encoding::Encoding;

/// How long one delivery may take in all: below the relay's own deadline
/// ([`RelaySettings::deadline`](crate::RelaySettings::deadline), 5 s), after which it would not
/// learn what was taken.
const BUDGET: Duration = Duration::from_secs(4);
/// After this no further event of a batch is sent, so that the last one has time to be answered.
const LAST_START: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The sink named `http`: each event is one POST, in order.
///
/// The receiver has taken an event once it answers 2xx. It refuses one for good, which is then
/// parked, by 400, 413, 415 or 422, and fails on one by 500 and other answers of its kind: that one is
/// tried again a number of times. Whatever else happens, another answer, a redirect, silence,
/// holds up the events: they are sent again, not before the time that `Retry-After` names, and at
/// the latest five minutes later.
///
/// It speaks to the configured URL alone: no redirect is followed and no proxy asked. Answers are
/// read up to their head. The URL may hold a secret and never shows.
pub struct HttpEventSink {
    name: SinkName,
    url: Url,
    client: Client,
    encoding: Encoding,
    signer: Option<Signer>,
    clock: Arc<dyn Clock>,
    /// When the receiver may be asked again, if it said so.
    resting: Mutex<Option<Instant>>,
}

impl HttpEventSink {
    /// A sink that sends to `settings.url`. Nothing is sent yet. `clock` dates signatures.
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
            // one event after the other needs one connection
            .pool_max_idle_per_host(1)
            .user_agent(concat!("nexus-raw/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpSinkError::Client(error.without_url().into()))?;
        Ok(Self {
            name: SinkName::http(),
            url: url.as_url().clone(),
            client,
            encoding,
            signer,
            clock,
            resting: Mutex::new(None),
        })
    }

    /// Sends one event and reads the answer.
    async fn send(&self, event: &DatasetEvent, patience: Duration) -> Result<(), NotTaken> {
        let encoded = self
            .encoding
            .encode(event)
            .map_err(|error| NotTaken::Refused(error.into()))?;
        let id = event.event_id.to_string();
        let mut request = self
            .client
            .post(self.url.clone())
            .timeout(patience)
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
            .map_err(|error| NotTaken::Unavailable {
                reason: error.without_url().into(),
                rest: None,
            })?;
        match Verdict::of(answer.status(), answer.headers(), self.clock.now()) {
            Verdict::Taken => Ok(()),
            Verdict::NotTaken(why) => Err(why),
        }
    }

    /// What is left of the receiver's wish to be left alone.
    fn rest(&self) -> Option<Duration> {
        let resting = self.resting();
        resting.and_then(|until| until.checked_duration_since(Instant::now()))
    }

    fn resting(&self) -> Option<Instant> {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest_for(&self, rest: Option<Duration>) {
        let until = rest.map(|rest| Instant::now() + rest);
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[async_trait]
impl DatasetEventSink for HttpEventSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        if let Some(rest) = self.rest().filter(|rest| !rest.is_zero()) {
            let reason: BoxError = format!(
                "the receiver asked for {} s of rest",
                rest.as_secs_f32().ceil()
            )
            .into();
            return Err(SinkError::Unavailable {
                taken: 0,
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
                Err(NotTaken::Refused(source)) => {
                    return Err(SinkError::Refused { taken, source });
                }
                Err(NotTaken::Failed(source)) => {
                    return Err(SinkError::Failed { taken, source });
                }
                Err(NotTaken::Unavailable { reason, rest }) => {
                    self.rest_for(rest);
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
