//! The HTTP sink keeps the contract of sinks, in the native form and in an envelope.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use nexus_raw::ports::DatasetEventSink;
use nexus_raw_events::{HttpSinkSettings, encoding::Encoding};
use nexus_raw_testkit::contract::sink::SinkHarness;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    receiver::{Answer, Receiver, status},
    settings, sink,
};

struct Harness {
    encoding: Encoding,
    broken: Arc<AtomicBool>,
    receiver: OnceCell<Receiver>,
    /// Positions of the requests that were cut.
    cut: Arc<std::sync::Mutex<Vec<usize>>>,
}

impl Harness {
    fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            broken: Arc::default(),
            receiver: OnceCell::new(),
            cut: Arc::default(),
        }
    }

    async fn receiver(&self) -> &Receiver {
        let open = || async {
            let (broken, cut) = (Arc::clone(&self.broken), Arc::clone(&self.cut));
            Receiver::open(move |before| {
                if broken.load(Ordering::SeqCst) {
                    cut.lock().unwrap().push(before);
                    Answer::Cut
                } else {
                    status(200)
                }
            })
            .await
        };
        self.receiver.get_or_init(open).await
    }
}

#[async_trait]
impl SinkHarness for Harness {
    async fn open(&self) -> Arc<dyn DatasetEventSink> {
        Arc::new(sink(HttpSinkSettings {
            encoding: self.encoding,
            ..settings(self.receiver().await)
        }))
    }

    async fn received(&self) -> Vec<Value> {
        let cut = self.cut.lock().unwrap().clone();
        let got = self.receiver().await.got();
        let taken = got.iter().enumerate().filter(|(at, _)| !cut.contains(at));
        taken
            .map(|(_, got)| {
                let mut body: Value = serde_json::from_slice(&got.body).unwrap();
                match self.encoding {
                    Encoding::CloudEvents => body["data"].take(),
                    _ => body,
                }
            })
            .collect()
    }

    async fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

mod native {
    nexus_raw_testkit::sink_contract!(super::Harness::new(super::Encoding::Native));
}

mod cloud_events {
    nexus_raw_testkit::sink_contract!(super::Harness::new(super::Encoding::CloudEvents));
}
