use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use nexus_raw::{
    asset::{ContentType, Sha256Digest, UploadIntent},
    ports::{
        BucketInventory, InventoryError, InventoryPage, ListedMultipart, ListedVersion,
        ObjectListing, PageToken, StoredObject,
    },
    time::Timestamp,
};

/// A bucket in memory as an operator sees it: with versions, delete markers and open uploads, and with
/// lists that may be anything but sound.
#[derive(Debug, Default)]
pub struct FakeBucket {
    state: Mutex<BucketState>,
}

/// How a [`FakeBucket`] lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListManner {
    /// As S3 does.
    #[default]
    Sound,
    /// In no order.
    Unordered,
    /// Each page twice.
    Twice,
    /// With an empty page before each one.
    Hesitant,
    /// It ends after this number of pages, as if there were no more.
    Cut(usize),
    /// The last page goes on with the first one.
    Loops,
    /// It goes on without end, with the last page again and again.
    Endless,
    /// It is forbidden.
    Denied,
    /// It has keys that were not asked for.
    Strays,
}

#[derive(Debug)]
struct BucketState {
    /// The versions of each key, the latest last.
    keys: BTreeMap<String, Vec<FakeVersion>>,
    uploads: BTreeSet<(String, String)>,
    is_versioned: bool,
    guesses_types: bool,
    versions_given: u64,
    page: usize,
    manner: ListManner,
    calls: u64,
    calls_left: Option<u64>,
    longest_page: usize,
}

impl Default for BucketState {
    fn default() -> Self {
        Self {
            keys: BTreeMap::new(),
            uploads: BTreeSet::new(),
            is_versioned: false,
            guesses_types: false,
            versions_given: 0,
            page: 1000,
            manner: ListManner::Sound,
            calls: 0,
            calls_left: None,
            longest_page: 0,
        }
    }
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone)]
struct FakeVersion {
    id: Option<String>,
    object: Option<StoredObject>,
}

/// The error of an unavailable fake.
#[derive(Debug, thiserror::Error)]
#[error("the test has taken the bucket down")]
struct BucketTakenDown;

impl FakeBucket {
    /// Creates an empty bucket without versions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty bucket with versions.
    #[must_use]
    pub fn versioned() -> Self {
        let bucket = Self::default();
        bucket.state().is_versioned = true;
        bucket
    }

    /// Sets the number of items of a page.
    pub fn set_page(&self, items: usize) {
        self.state().page = items;
    }

    /// Sets how it lists.
    pub fn set_manner(&self, manner: ListManner) {
        self.state().manner = manner;
    }

    /// Has it return another type for `application/octet-stream`.
    pub fn set_guesses_types(&self) {
        self.state().guesses_types = true;
    }

    /// Has all calls fail after this number of them; `None` for none.
    pub fn fail_after(&self, calls: Option<u64>) {
        self.state().calls_left = calls;
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Writes an object without metadata, as anybody with a key pair could.
    pub fn put(&self, key: &str, content: &[u8]) -> StoredObject {
        self.put_object(key, stored(content, "binary/octet-stream", BTreeMap::new()))
    }

    /// Writes an object with these headers.
    pub fn put_with(
        &self,
        key: &str,
        headers: &[(String, String)],
        content: &[u8],
    ) -> StoredObject {
        let mut object = stored(content, "binary/octet-stream", BTreeMap::new());
        for (name, value) in headers {
            if let Some(name) = name.strip_prefix("x-amz-meta-") {
                object.user_metadata.insert(name.to_owned(), value.clone());
            } else if name == "content-type" {
                object.content_type = Some(value.clone());
            } else {
                assert_eq!(name, "content-disposition");
                object.foreign_headers.push("content-disposition");
            }
        }
        self.put_object(key, object)
    }

    /// Gives versions to what is written from now on.
    pub fn set_versioned(&self) {
        self.state().is_versioned = true;
    }

    /// Whether it has versions.
    #[must_use]
    pub fn has_versions(&self) -> bool {
        self.state().is_versioned
    }

    /// Returns the length of the longest page that it returned.
    #[must_use]
    pub fn longest_page(&self) -> usize {
        self.state().longest_page
    }

    /// Writes the object of an intent, as its upload does.
    pub fn upload(&self, intent: &UploadIntent, content: &[u8]) -> StoredObject {
        let metadata = intent.object_metadata().into_iter();
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
        let content_type = intent.facts.content_type.as_str();
        let object = stored(content, content_type, metadata.collect());
        self.put_object(intent.address.key.as_str(), object)
    }

    /// Writes an object, with a version id if the bucket is versioned.
    pub fn put_object(&self, key: &str, object: StoredObject) -> StoredObject {
        let mut state = self.state();
        let id = state.next_version();
        let object = StoredObject {
            version_id: id.clone(),
            ..object
        };
        let version = FakeVersion {
            id,
            object: Some(object.clone()),
        };
        state.push(key, version);
        object
    }

    /// Deletes an object: with versions, by a delete marker.
    pub fn delete(&self, key: &str) {
        let mut state = self.state();
        if state.is_versioned {
            let id = state.next_version();
            state.push(key, FakeVersion { id, object: None });
        } else {
            state.keys.remove(key);
        }
    }

    /// Deletes one version for good.
    pub fn delete_version(&self, key: &str, id: Option<&str>) {
        let mut state = self.state();
        let versions = state.keys.entry(key.to_owned()).or_default();
        versions.retain(|version| version.id.as_deref() != id);
    }

    /// Changes what the store says of all versions of an object.
    pub fn change(&self, key: &str, change: impl Fn(&mut StoredObject)) {
        let mut state = self.state();
        let versions = state.keys.get_mut(key).into_iter().flatten();
        versions
            .filter_map(|version| version.object.as_mut())
            .for_each(change);
    }

    /// Begins an upload in parts.
    pub fn begin(&self, key: &str, upload_id: &str) {
        let upload = (key.to_owned(), upload_id.to_owned());
        self.state().uploads.insert(upload);
    }

    /// Ends an upload in parts.
    pub fn end(&self, key: &str, upload_id: &str) {
        let upload = (key.to_owned(), upload_id.to_owned());
        self.state().uploads.remove(&upload);
    }

    fn state(&self) -> MutexGuard<'_, BucketState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and lets others run, as a call over a network does.
    async fn call(&self) -> Result<(), InventoryError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.calls += 1;
        match &mut state.calls_left {
            Some(0) => Err(InventoryError::Unavailable(Box::new(BucketTakenDown))),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// What the store says of an object.
fn stored(content: &[u8], content_type: &str, metadata: BTreeMap<String, String>) -> StoredObject {
    let sha256 = Sha256Digest::of(content);
    StoredObject {
        size_bytes: content.len() as u64,
        content_type: Some(content_type.to_owned()),
        sha256: Some(sha256),
        composite: None,
        etag: sha256.to_string()[..32].to_owned(),
        version_id: None,
        user_metadata: metadata,
        foreign_headers: Vec::new(),
    }
}

impl BucketState {
    fn next_version(&mut self) -> Option<String> {
        self.versions_given += 1;
        self.is_versioned
            .then(|| format!("version-{}", self.versions_given))
    }

    fn push(&mut self, key: &str, version: FakeVersion) {
        let versions = self.keys.entry(key.to_owned()).or_default();
        if version.id.is_none() {
            versions.clear();
        }
        versions.push(version);
    }

    /// Returns a page of these items, in this bucket's manner.
    fn list<T: Clone>(
        &mut self,
        items: Vec<T>,
        after: Option<&PageToken>,
        right: &'static str,
    ) -> Result<InventoryPage<T>, InventoryError> {
        let page = list_page(items, self.page, self.manner, after, right)?;
        self.longest_page = self.longest_page.max(page.items.len());
        Ok(page)
    }
}

/// Returns a page of so many of these items, in this manner.
pub(crate) fn list_page<T: Clone>(
    mut items: Vec<T>,
    length: usize,
    manner: ListManner,
    after: Option<&PageToken>,
    right: &'static str,
) -> Result<InventoryPage<T>, InventoryError> {
    let at: usize = after.map_or(0, |token| token.as_str().parse().unwrap());
    if manner == ListManner::Unordered {
        // the second half before the first, each from its end
        let middle = items.len() / 2;
        items.rotate_left(middle);
        items.reverse();
        // and pairs apart from each other
        let (even, odd): (Vec<_>, Vec<_>) =
            items.into_iter().zip(0..).partition(|(_, n)| n % 2 == 0);
        items = even.into_iter().chain(odd).map(|(item, _)| item).collect();
    }
    let mut pages: Vec<Vec<T>> = items.chunks(length).map(<[T]>::to_vec).collect();
    match manner {
        ListManner::Twice => {
            pages = pages.into_iter().flat_map(|it| [it.clone(), it]).collect();
        }
        ListManner::Hesitant => {
            pages = pages.into_iter().flat_map(|it| [Vec::new(), it]).collect();
        }
        ListManner::Cut(length) => pages.truncate(length),
        ListManner::Denied => {
            return Err(InventoryError::Denied {
                right,
                source: Box::new(BucketTakenDown),
            });
        }
        _ => {}
    }
    if pages.is_empty() {
        pages.push(Vec::new());
    }
    let last = pages.len() - 1;
    let next = match manner {
        ListManner::Loops if at >= last => Some(0),
        ListManner::Endless if at >= last => Some(at + 1),
        _ if at < last => Some(at + 1),
        _ => None,
    };
    let items = pages.swap_remove(at.min(last));
    let next = next.map(|page| PageToken::new(page.to_string()));
    Ok(InventoryPage { items, next })
}

#[async_trait]
impl ObjectListing for FakeBucket {
    fn complete_until(&self) -> Option<Timestamp> {
        None
    }

    async fn versions(
        &self,
        prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedVersion>, InventoryError> {
        self.call().await?;
        let mut state = self.state();
        let mut items = Vec::new();
        let strays = state.manner == ListManner::Strays;
        for (key, versions) in &state.keys {
            if !strays && !key.starts_with(prefix) {
                continue;
            }
            items.extend(versions.iter().rev().map(|version| ListedVersion {
                key: key.clone(),
                version_id: version.id.clone(),
                is_delete_marker: version.object.is_none(),
            }));
        }
        state.list(items, after, "s3:ListBucketVersions")
    }
}

#[async_trait]
impl BucketInventory for FakeBucket {
    async fn multiparts(
        &self,
        prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedMultipart>, InventoryError> {
        self.call().await?;
        let mut state = self.state();
        let uploads = state.uploads.iter();
        let uploads = uploads.filter(|(key, _)| key.starts_with(prefix));
        let items = uploads.map(|(key, upload_id)| ListedMultipart {
            key: key.clone(),
            upload_id: upload_id.clone(),
        });
        let items = items.collect();
        state.list(items, after, "s3:ListBucketMultipartUploads")
    }

    async fn is_open(&self, upload: &ListedMultipart) -> Result<bool, InventoryError> {
        self.call().await?;
        let upload = (upload.key.clone(), upload.upload_id.clone());
        Ok(self.state().uploads.contains(&upload))
    }

    async fn object(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Option<StoredObject>, InventoryError> {
        self.call().await?;
        let state = self.state();
        let mut versions = state.keys.get(key).into_iter().flatten();
        let version = match version_id {
            None => versions.next_back(),
            Some(id) => versions.find(|it| it.id.as_deref().unwrap_or("null") == id),
        };
        let mut object = version.and_then(|it| it.object.clone());
        if let Some(object) = &mut object
            && state.guesses_types
            && object.content_type.as_deref() == Some(ContentType::OCTET_STREAM)
        {
            object.content_type = Some("text/plain".to_owned());
        }
        Ok(object)
    }

    async fn keeps_octet_stream(&self) -> Result<bool, InventoryError> {
        self.call().await?;
        Ok(!self.state().guesses_types)
    }
}
