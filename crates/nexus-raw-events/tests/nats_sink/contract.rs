//! The NATS sink keeps the contract of sinks, in the native form and in an envelope.

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::ports::DatasetEventSink;
use nexus_raw_events::{NatsEventSink, NatsSinkSettings, encoding::Encoding};
use nexus_raw_testkit::{Nats, contract::sink::SinkHarness};
use serde_json::Value;

use super::support::{messages, settings};

struct Harness {
    encoding: Encoding,
    nats: Nats,
}

impl Harness {
    fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            nats: Nats::start(),
        }
    }
}

#[async_trait]
impl SinkHarness for Harness {
    async fn open(&self) -> Arc<dyn DatasetEventSink> {
        let settings = NatsSinkSettings {
            encoding: self.encoding,
            ..settings(&self.nats)
        };
        Arc::new(NatsEventSink::new(settings))
    }

    async fn received(&self) -> Vec<Value> {
        let messages = messages(&self.nats).await.into_iter();
        messages
            .map(|message| {
                let mut body: Value = serde_json::from_slice(&message.payload).unwrap();
                match self.encoding {
                    Encoding::CloudEvents => body["data"].take(),
                    _ => body,
                }
            })
            .collect()
    }

    async fn set_broken(&self, broken: bool) {
        if broken {
            self.nats.stop();
        } else {
            self.nats.start_again();
        }
    }
}

mod native {
    nexus_raw_testkit::sink_contract!(super::Harness::new(super::Encoding::Native));
}

mod cloud_events {
    nexus_raw_testkit::sink_contract!(super::Harness::new(super::Encoding::CloudEvents));
}
