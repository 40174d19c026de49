use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use nexus_raw::{
    asset::Sha256Digest,
    ports::{
        InventoryError, InventoryPage, OpenedSource, PageToken, SourceBucket, SourceContent,
        SourceObject, SourceOutcome,
    },
};

use crate::{
    bucket::{ListManner, list_page},
    sample,
};

/// A bucket in memory to import from, with lists and objects that may be anything but sound.
#[derive(Debug, Default)]
pub struct FakeSource {
    state: Mutex<SourceState>,
}

#[derive(Debug, Default)]
struct SourceState {
    objects: BTreeMap<String, FakeObject>,
    page: usize,
    manner: ListManner,
    prefix: String,
    is_versioned: bool,
    versions_given: u64,
    /// Changed as soon as they are opened.
    fickle: BTreeSet<String>,
    denied: BTreeSet<String>,
    archived: BTreeSet<String>,
    /// How often the content of an object still breaks off.
    brittle: BTreeMap<String, u32>,
    opened: Vec<String>,
}

#[derive(Debug, Clone)]
struct FakeObject {
    listed: SourceObject,
    content_type: Option<String>,
    content_encoding: Option<String>,
    content: Vec<u8>,
}

/// The error of an object that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the test has made it unreadable")]
struct MadeUnreadable;

impl FakeSource {
    /// An empty bucket without versions, of which all keys are listed that begin with `prefix`.
    #[must_use]
    pub fn with_prefix(prefix: &str) -> Self {
        let source = Self::default();
        source.state().page = 1000;
        prefix.clone_into(&mut source.state().prefix);
        source
    }

    /// Gives versions to what is written from now on.
    pub fn set_versioned(&self) {
        self.state().is_versioned = true;
    }

    /// Sets the number of items of a page.
    pub fn set_page(&self, items: usize) {
        self.state().page = items;
    }

    /// Sets how it lists.
    pub fn set_manner(&self, manner: ListManner) {
        self.state().manner = manner;
    }

    /// Writes an object without a media type of its own.
    pub fn put(&self, key: &str, content: &[u8]) -> SourceObject {
        self.put_with(key, Some("binary/octet-stream"), None, content)
    }

    /// Writes an object with this media type and content coding.
    pub fn put_with(
        &self,
        key: &str,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        content: &[u8],
    ) -> SourceObject {
        let mut state = self.state();
        state.versions_given += 1;
        let version = format!("version-{}", state.versions_given);
        let listed = SourceObject {
            key: key.to_owned(),
            version_id: state.is_versioned.then_some(version),
            etag: Sha256Digest::of(content).to_string().split_off(32),
            size_bytes: content.len() as u64,
            modified_at: sample::now(),
        };
        let object = FakeObject {
            listed: listed.clone(),
            content_type: content_type.map(str::to_owned),
            content_encoding: content_encoding.map(str::to_owned),
            content: content.to_vec(),
        };
        state.objects.insert(key.to_owned(), object);
        listed
    }

    /// Changes what the list says of an object.
    pub fn change_list(&self, key: &str, change: impl FnOnce(&mut SourceObject)) {
        if let Some(object) = self.state().objects.get_mut(key) {
            change(&mut object.listed);
        }
    }

    /// Deletes an object.
    pub fn delete(&self, key: &str) {
        self.state().objects.remove(key);
    }

    /// Has another object be at the key when it is opened.
    pub fn replace_when_opened(&self, key: &str) {
        self.state().fickle.insert(key.to_owned());
    }

    /// Refuses to give an object, or gives it again.
    pub fn set_denied(&self, key: &str, is_denied: bool) {
        let mut state = self.state();
        if is_denied {
            state.denied.insert(key.to_owned());
        } else {
            state.denied.remove(key);
        }
    }

    /// Keeps an object where it cannot be read.
    pub fn archive(&self, key: &str) {
        self.state().archived.insert(key.to_owned());
    }

    /// Has the content of an object break off so many times.
    pub fn break_off(&self, key: &str, times: u32) {
        self.state().brittle.insert(key.to_owned(), times);
    }

    /// Returns the keys that were opened, in order.
    #[must_use]
    pub fn opened(&self) -> Vec<String> {
        self.state().opened.clone()
    }

    fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of an object, to its end or to where it breaks off.
struct FakeContent {
    left: Vec<u8>,
    breaks_off: bool,
}

#[async_trait]
impl SourceContent for FakeContent {
    async fn next(&mut self, bytes: usize) -> Result<Vec<u8>, InventoryError> {
        tokio::task::yield_now().await;
        if self.breaks_off {
            return Err(InventoryError::Unavailable(Box::new(MadeUnreadable)));
        }
        let rest = self.left.split_off(bytes.min(self.left.len()));
        Ok(std::mem::replace(&mut self.left, rest))
    }
}

#[async_trait]
impl SourceBucket for FakeSource {
    async fn objects(
        &self,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<SourceObject>, InventoryError> {
        tokio::task::yield_now().await;
        let state = self.state();
        let strays = state.manner == ListManner::Strays;
        let objects = state.objects.values().map(|it| it.listed.clone());
        let objects = objects.filter(|it| strays || it.key.starts_with(&state.prefix));
        list_page(
            objects.collect(),
            state.page,
            state.manner,
            after,
            "s3:ListBucketVersions",
        )
    }

    async fn open(&self, object: &SourceObject) -> Result<SourceOutcome, InventoryError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.opened.push(object.key.clone());
        if state.denied.contains(&object.key) {
            return Err(InventoryError::Denied {
                right: "s3:GetObject",
                source: Box::new(MadeUnreadable),
            });
        }
        if state.archived.contains(&object.key) {
            return Err(InventoryError::Unreadable(Box::new(MadeUnreadable)));
        }
        if state.fickle.contains(&object.key) {
            return Ok(SourceOutcome::Replaced);
        }
        let Some(found) = state.objects.get(&object.key).cloned() else {
            return Ok(SourceOutcome::Gone);
        };
        if (&found.listed.etag, &found.listed.version_id) != (&object.etag, &object.version_id) {
            return Ok(SourceOutcome::Replaced);
        }
        let left = state.brittle.get_mut(&object.key);
        let breaks_off = left.is_some_and(|left| {
            let breaks_off = *left > 0;
            *left = left.saturating_sub(1);
            breaks_off
        });
        Ok(SourceOutcome::Opened(OpenedSource {
            content_type: found.content_type,
            content_encoding: found.content_encoding,
            content: Box::new(FakeContent {
                left: found.content,
                breaks_off,
            }),
        }))
    }
}
