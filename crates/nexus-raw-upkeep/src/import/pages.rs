use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use nexus_raw::ports::{PageToken, SourceBucket, SourceObject};

use super::error::ImportError;

/// How many pages in a row may have no object: stores answer such ones while they skip what is deleted.
const MAX_EMPTY_PAGES: u32 = 10_000;

/// How often the same page may come in a row.
const MAX_REPEATS: u32 = 10;

/// The pages of the source's list, one after the other.
pub(super) struct SourcePages<'a> {
    source: &'a dyn SourceBucket,
    next: Option<PageToken>,
    is_over: bool,
    /// The places where pages began: eight bytes for each page.
    seen: HashSet<u64>,
    hasher: RandomState,
    empty: u32,
    last: u64,
    repeats: u32,
}

impl<'a> SourcePages<'a> {
    pub(super) fn of(source: &'a dyn SourceBucket) -> Self {
        Self {
            source,
            next: None,
            is_over: false,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            empty: 0,
            last: 0,
            repeats: 0,
        }
    }

    /// Returns the objects of the next page, each once; `None` at the end of the list.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<SourceObject>>, ImportError> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.source.objects(self.next.as_ref()).await;
        let page = page.map_err(ImportError::List)?;
        self.empty = if page.items.is_empty() {
            self.empty + 1
        } else {
            0
        };
        let mut objects = page.items;
        objects.sort_unstable_by(|a, b| place(a).cmp(&place(b)));
        objects.dedup();
        let places: Vec<_> = objects.iter().map(place).collect();
        let this = self.hasher.hash_one(places);
        self.repeats = if this == self.last && !objects.is_empty() {
            self.repeats + 1
        } else {
            0
        };
        self.last = this;
        if let Some(next) = &page.next {
            let is_new = self.seen.insert(self.hasher.hash_one(next.as_str()));
            if !is_new || self.empty > MAX_EMPTY_PAGES || self.repeats > MAX_REPEATS {
                return Err(ImportError::Endless);
            }
        }
        self.is_over = page.next.is_none();
        self.next = page.next;
        Ok(Some(objects))
    }
}

fn place(object: &SourceObject) -> (&str, Option<&str>, &str) {
    let version_id = object.version_id.as_deref();
    (&object.key, version_id, &object.etag)
}
