//! The store in a directory against the suite that every store must pass.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, RawStorageRepository},
    system::SystemClock,
    time::Timestamp,
};
use nexus_raw_testkit::{
    HttpRequest, contract::storage::StorageHarness, s3::Answer, sample, storage_contract,
};
use photo_engine::directory::DirectoryStore;

struct InDirectory(tempfile::TempDir);

#[async_trait]
impl StorageHarness for InDirectory {
    async fn open(&self) -> Arc<dyn RawStorageRepository> {
        let (directory, clock) = (self.0.path().to_owned(), Arc::new(SystemClock));
        let store = DirectoryStore::open(directory, sample::bucket(), b"a secret", clock);
        Arc::new(store.await.unwrap())
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let method = request.method.parse().unwrap();
        let mut sent = client.request(method, request.url);
        // of an empty body this client leaves it out
        sent = sent.header("content-length", request.body.len());
        for (name, value) in request.headers {
            sent = sent.header(name, value);
        }
        sent.body(request.body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    async fn get(&self, url: &str) -> Answer {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = client.get(url).send().await.unwrap();
        let headers = answer.headers().iter().map(|(name, value)| {
            let value = value.to_str().unwrap().to_owned();
            (name.to_string(), value)
        });
        Answer {
            status: answer.status().as_u16(),
            headers: headers.collect(),
            body: answer.bytes().await.unwrap().to_vec(),
        }
    }
}

storage_contract!(InDirectory(tempfile::tempdir().unwrap()));
