use std::sync::Arc;

use nexus_raw::ports::{Clock, DatasetEventSink};
use nexus_raw_config::{EventEncoding, EventSink, HttpReceiver, NatsServer};
use nexus_raw_events::{
    HttpEventSink, HttpSinkError, HttpSinkSettings, NatsEventSink, NatsSinkSettings, SharedOutput,
    SlogEventSink, encoding::Encoding,
};

use super::Failure;

/// Builds the configured sinks in order, without connecting.
pub(super) fn open(
    sinks: &[EventSink],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn DatasetEventSink>>, Failure> {
    sinks.iter().map(|sink| open_one(sink, clock)).collect()
}

fn open_one(
    sink: &EventSink,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn DatasetEventSink>, Failure> {
    match sink {
        EventSink::Log => {
            let output = SharedOutput::stdout().map_err(Failure::Output)?;
            Ok(Arc::new(SlogEventSink::json_lines(&output)))
        }
        EventSink::Http(receiver) => {
            let sink = HttpEventSink::new(http(receiver)?, Arc::clone(clock))
                .map_err(|error| Failure::of_key(http_key(&error), &error))?;
            Ok(Arc::new(sink))
        }
        EventSink::Nats(server) => Ok(Arc::new(nats(server)?)),
        other => Err(unknown(other)),
    }
}

/// Builds the sink of a NATS server, without connecting.
pub(super) fn nats(server: &NatsServer) -> Result<NatsEventSink, Failure> {
    Ok(NatsEventSink::new(NatsSinkSettings {
        url: server.url.clone(),
        encoding: encoding(server.encoding)?,
    }))
}

fn http_key(error: &HttpSinkError) -> &'static str {
    match error {
        HttpSinkError::ShortSecret => "events.http.hmac_secret",
        _ => "events.http.url",
    }
}

fn http(receiver: &HttpReceiver) -> Result<HttpSinkSettings, Failure> {
    Ok(HttpSinkSettings {
        url: receiver.url.clone(),
        encoding: encoding(receiver.encoding)?,
        secret: receiver.hmac_secret.clone(),
    })
}

fn encoding(configured: EventEncoding) -> Result<Encoding, Failure> {
    Ok(match configured {
        EventEncoding::Native => Encoding::Native,
        EventEncoding::CloudEvents => Encoding::CloudEvents,
        EventEncoding::CloudEventsBinary => Encoding::CloudEventsBinary,
        EventEncoding::OpenLineage => Encoding::OpenLineage,
        EventEncoding::OpenLineageRun => Encoding::OpenLineageRun,
        other => return Err(unknown(&other)),
    })
}

/// Refuses a value that the configuration accepts and this server does not support.
fn unknown(what: &impl std::fmt::Debug) -> Failure {
    Failure::Config(vec![format!("events.sinks: this version has no {what:?}")])
}
