use std::time::Duration;

use nexus_raw::net::{NatsUrl, TrustedUrl};
use secrecy::SecretString;

use super::forms::{HMAC_SECRET, URL, distinct, named};
use crate::faults::Faults;
use crate::form::{Form, integer, list, text};
use crate::leaves::Setting;
use crate::section::section;

const ENCODING: Form<EventEncoding> = text(
    "cloudevents, cloudevents-binary, native, openlineage or openlineage-run",
    encoding,
);

section! {
    struct Events of "events" {
        /// Sinks of dataset events: `log` writes them to standard output, `nats` publishes them to
        /// the stream of `events.nats.url`, `http` posts them to `events.http.url`.
        sinks: Vec<SinkName> = list("a list of one or more of log, nats and http, each once", sinks)
            .default(r#"["log"]"#)
            .example(r#"["log", "http"]"#);
        /// An undelivered event older than this makes `/readyz` answer 503.
        max_lag_seconds in 1..=604_800 = integer("900").example("300");
    }
}

section! {
    /// `events.nats.*`: the NATS server, and the encoding of events.
    #[derive(Debug, Clone)]
    pub struct NatsServer from EventsNats of "events.nats" {
        /// NATS server with JetStream to which events are published. Required with the sink `nats`,
        /// otherwise not allowed.
        pub url: NatsUrl = text(
            "a tls:// URL (nats:// only to loopback) of host and port, with user:password@ or token@ if the server requires it, and not a metadata or unspecified address",
            |text| NatsUrl::parse(text).ok(),
        )
        .secret()
        .example("tls://nexus-raw:a-password-not-to-be-used@nats.example.com:4222");
        /// Encoding of the events that are published to NATS.
        pub encoding: EventEncoding = ENCODING.default("native").example("cloudevents");
    }
}

section! {
    /// `events.http.*`: the receiver, and the encoding of events.
    #[derive(Debug, Clone)]
    pub struct HttpReceiver from EventsHttp of "events.http" {
        /// URL to which events are posted. Required with the sink `http`, otherwise not allowed.
        pub url: TrustedUrl = URL.secret().example("https://hooks.example.com/nexus-raw");
        /// Encoding of the events that are posted.
        pub encoding: EventEncoding = ENCODING.default("cloudevents").example("openlineage");
        /// Secret that signs each request with HMAC-SHA256, by Standard Webhooks. Allowed only with
        /// the sink `http`.
        pub hmac_secret: Option<SecretString> =
            HMAC_SECRET.example("an-example-of-32-bytes-or-more-not-to-be-used-either");
    }
}

/// `events.*`: the sinks of dataset events.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventsSettings {
    /// The sinks: at least one, each once.
    pub sinks: Vec<EventSink>,
    /// The age of an undelivered event above which the service is not ready.
    pub max_lag: Duration,
}

/// A sink of `events.sinks`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventSink {
    /// `log`: one JSON line per event on standard output.
    Log,
    /// `nats`: one message per event.
    Nats(NatsServer),
    /// `http`: one request per event.
    Http(HttpReceiver),
}

/// An encoding of events.
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
    /// `openlineage-run`: an `OpenLineage` 2-0-2 `RunEvent` of each registration, and nothing of
    /// other events.
    OpenLineageRun,
}

/// The name of a sink in `events.sinks`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SinkName {
    Log,
    Nats,
    Http,
}

fn sinks(names: &[String]) -> Option<Vec<SinkName>> {
    let known = [
        ("log", SinkName::Log),
        ("nats", SinkName::Nats),
        ("http", SinkName::Http),
    ];
    let sinks = names.iter().map(|name| named(name, &known));
    let sinks = sinks.collect::<Option<Vec<_>>>()?;
    (!sinks.is_empty() && distinct(&sinks)).then_some(sinks)
}

fn encoding(text: &str) -> Option<EventEncoding> {
    let names = [
        ("cloudevents", EventEncoding::CloudEvents),
        ("cloudevents-binary", EventEncoding::CloudEventsBinary),
        ("native", EventEncoding::Native),
        ("openlineage", EventEncoding::OpenLineage),
        ("openlineage-run", EventEncoding::OpenLineageRun),
    ];
    named(text, &names)
}

impl EventsSettings {
    pub(crate) fn of(
        events: Events,
        nats: EventsNats,
        http: EventsHttp,
        faults: &mut Faults,
    ) -> Option<Self> {
        let max_lag = Duration::of("events.max_lag_seconds", events.max_lag_seconds, faults);
        let names = faults.need("events.sinks", events.sinks)?;
        let (mut nats, mut http) = (Some(nats), Some(http));
        let sinks = names.iter().map(|name| match name {
            SinkName::Log => Some(EventSink::Log),
            SinkName::Nats => NatsServer::of(nats.take()?, faults).map(EventSink::Nats),
            SinkName::Http => HttpReceiver::of(http.take()?, faults).map(EventSink::Http),
        });
        // every sink is read before `?` returns, so that all faults are reported
        let sinks: Vec<_> = sinks.collect();
        Some(Self {
            sinks: sinks.into_iter().collect::<Option<_>>()?,
            max_lag: max_lag?,
        })
    }
}
