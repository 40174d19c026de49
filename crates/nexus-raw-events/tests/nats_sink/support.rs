use std::collections::BTreeMap;

use async_nats::{
    Client, ConnectOptions,
    jetstream::{self, Context},
};
use nexus_raw_events::{NatsEventSink, NatsSinkSettings, encoding::Encoding};
use nexus_raw_testkit::Nats;
use serde_json::Value;

pub(crate) const STREAM: &str = "NEXUS_RAW";

pub(crate) fn settings(nats: &Nats) -> NatsSinkSettings {
    NatsSinkSettings {
        url: nats.url().parse().unwrap(),
        encoding: Encoding::Native,
    }
}

pub(crate) fn sink(nats: &Nats) -> NatsEventSink {
    NatsEventSink::new(settings(nats))
}

pub(crate) async fn context(nats: &Nats) -> Context {
    // the client does not read credentials in a URL
    let options = ConnectOptions::new()
        .user_and_password(Nats::USER.to_owned(), Nats::PASSWORD.to_owned())
        .token(Nats::PASSWORD.to_owned());
    jetstream::new(options.connect(nats.url()).await.unwrap())
}

/// A client that may do everything on a server with rights.
pub(crate) async fn admin(nats: &Nats) -> Client {
    let options =
        ConnectOptions::new().user_and_password(Nats::ADMIN.to_owned(), Nats::PASSWORD.to_owned());
    options.connect(nats.url()).await.unwrap()
}

/// A message of the stream.
pub(crate) struct Message {
    pub(crate) subject: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) payload: Vec<u8>,
}

impl Message {
    /// The event of a message in the native form.
    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

/// Returns all messages of the stream, in order.
pub(crate) async fn messages(nats: &Nats) -> Vec<Message> {
    let context = context(nats).await;
    let Ok(mut stream) = context.get_stream(STREAM).await else {
        return Vec::new();
    };
    let state = stream.info().await.unwrap().state.clone();
    let mut messages = Vec::new();
    if state.messages == 0 {
        return messages;
    }
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let headers = message.headers.iter();
        messages.push(Message {
            subject: message.subject.to_string(),
            headers: headers
                .map(|(name, values)| (name.to_string(), values[0].to_string()))
                .collect(),
            payload: message.payload.to_vec(),
        });
    }
    messages
}
