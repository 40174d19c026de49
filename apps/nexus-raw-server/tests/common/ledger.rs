//! What the server ever answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

/// An asset that a presign answered, and what was answered of it since.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) id: String,
    pub(crate) tenant: &'static str,
    pub(crate) env: &'static str,
    /// S3 said 200 to the upload.
    pub(crate) uploaded: bool,
    /// The body of the 201, or of a later 200.
    pub(crate) record: Option<Vec<u8>>,
    /// Its content, where it is uploaded in parts.
    pub(crate) in_parts: Option<Arc<[u8]>>,
    /// An abort was sent.
    pub(crate) aborted: bool,
}

/// Every answer ever given, as the clients saw them.
pub(crate) struct Ledger {
    assets: Mutex<BTreeMap<String, Asset>>,
    /// How many answers there were.
    answers: watch::Sender<u64>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            assets: Mutex::default(),
            answers: watch::Sender::new(0),
        }
    }
}

impl Ledger {
    pub(crate) fn presigned(&self, asset_id: &str, (tenant, env): (&'static str, &'static str)) {
        let asset = Asset {
            id: asset_id.to_owned(),
            tenant,
            env,
            uploaded: false,
            record: None,
            in_parts: None,
            aborted: false,
        };
        let before = self
            .assets
            .lock()
            .unwrap()
            .insert(asset_id.to_owned(), asset);
        assert!(before.is_none(), "asset id {asset_id} was given twice");
        self.count();
    }

    pub(crate) fn uploaded(&self, asset_id: &str) {
        self.change(asset_id, |asset| asset.uploaded = true);
    }

    /// Notes that it is uploaded in parts.
    pub(crate) fn in_parts(&self, asset_id: &str, content: &[u8]) {
        self.change(asset_id, |asset| asset.in_parts = Some(content.into()));
    }

    /// To be called before the abort is sent, since it may be done without an answer.
    pub(crate) fn aborting(&self, asset_id: &str) {
        self.change(asset_id, |asset| asset.aborted = true);
    }

    pub(crate) fn registered(&self, asset_id: &str, record: Vec<u8>) {
        self.change(asset_id, |asset| asset.record = Some(record));
    }

    /// Every asset, in the order of their ids, which is that of their presigns.
    pub(crate) fn assets(&self) -> Vec<Asset> {
        self.assets.lock().unwrap().values().cloned().collect()
    }

    /// Returns once `more` answers have come since the call.
    pub(crate) async fn wait_for_more(&self, more: u64) {
        let mut answers = self.answers.subscribe();
        let target = *answers.borrow() + more;
        answers.wait_for(|count| *count >= target).await.unwrap();
    }

    fn change(&self, asset_id: &str, change: impl FnOnce(&mut Asset)) {
        change(self.assets.lock().unwrap().get_mut(asset_id).unwrap());
        self.count();
    }

    fn count(&self) {
        self.answers.send_modify(|count| *count += 1);
    }
}
