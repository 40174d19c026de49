use std::fmt;
use std::time::Duration;

use nexus_raw::net::{NatsUrl, TrustedUrl};
use secrecy::SecretString;

use super::{parsed, seconds};
use crate::faults::Faults;
use crate::raw;

/// `events.*`: where dataset events go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventsSettings {
    /// At least one, each once.
    pub sinks: Vec<EventSink>,
    /// The age of an undelivered event from which on the service is not ready.
    pub max_lag: Duration,
}

/// A sink of `events.sinks`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventSink {
    /// `log`: one JSON line an event on standard output.
    Log,
    /// `nats`: one message an event.
    Nats(NatsServer),
    /// `http`: one request an event.
    Http(HttpReceiver),
}

/// `events.nats.*`: which server is sent the events, and in which form.
#[derive(Clone)]
#[non_exhaustive]
pub struct NatsServer {
    /// `events.nats.url`, which may hold a secret.
    pub url: NatsUrl,
    /// `events.nats.encoding`.
    pub encoding: EventEncoding,
}

impl fmt::Debug for NatsServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NatsServer")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// `events.http.*`: who is sent the events, and in which form.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpReceiver {
    /// `events.http.url`, which may hold a secret.
    pub url: TrustedUrl,
    /// `events.http.encoding`.
    pub encoding: EventEncoding,
    /// `events.http.hmac_secret`.
    pub hmac_secret: Option<SecretString>,
}

impl fmt::Debug for HttpReceiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpReceiver")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// A form of events outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventEncoding {
    /// `cloudevents`: the structured content mode of `CloudEvents` 1.0.
    CloudEvents,
    /// `cloudevents-binary`: its binary content mode.
    CloudEventsBinary,
    /// `native`: the `DatasetEvent` alone.
    Native,
    /// `openlineage`: an `OpenLineage` 2-0-2 `DatasetEvent`.
    OpenLineage,
}

impl EventEncoding {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "cloudevents" => Some(Self::CloudEvents),
            "cloudevents-binary" => Some(Self::CloudEventsBinary),
            "native" => Some(Self::Native),
            "openlineage" => Some(Self::OpenLineage),
            _ => None,
        }
    }
}

impl EventsSettings {
    pub(super) fn assemble(raw: raw::Events, faults: &mut Faults) -> Option<Self> {
        let max_lag = seconds("events.max_lag_seconds", raw.max_lag_seconds, faults);
        let names = faults.need("events.sinks", raw.sinks)?;
        let mut http = raw.http;
        let sinks: Option<Vec<_>> = names
            .iter()
            .map(|name| match name.as_str() {
                "log" => Some(EventSink::Log),
                "nats" => NatsServer::assemble(&raw.nats, faults).map(EventSink::Nats),
                "http" => HttpReceiver::assemble(&mut http, faults).map(EventSink::Http),
                // the list's own rule has refused it
                _ => None,
            })
            .collect();
        Some(Self {
            sinks: sinks?,
            max_lag: max_lag?,
        })
    }
}

impl NatsServer {
    fn assemble(raw: &raw::EventsNats, faults: &mut Faults) -> Option<Self> {
        let url = parsed(raw.url.clone());
        let url = faults.need("events.nats.url", url);
        let encoding = raw.encoding.as_deref().and_then(EventEncoding::parse);
        let encoding = faults.need("events.nats.encoding", encoding);
        Some(Self {
            url: url?,
            encoding: encoding?,
        })
    }
}

impl HttpReceiver {
    fn assemble(raw: &mut raw::EventsHttp, faults: &mut Faults) -> Option<Self> {
        let url = parsed(raw.url.take());
        let url = faults.need("events.http.url", url);
        let encoding = raw.encoding.as_deref().and_then(EventEncoding::parse);
        let encoding = faults.need("events.http.encoding", encoding);
        Some(Self {
            url: url?,
            encoding: encoding?,
            hmac_secret: raw.hmac_secret.take().map(SecretString::from),
        })
    }
}
