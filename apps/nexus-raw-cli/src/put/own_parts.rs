//! What this user has uploaded in parts, as far as a run has asked.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use nexus_raw::asset::Sha256Digest;
use tokio::sync::OnceCell;

/// The uploads of this user in parts, by size, each of which is asked for once.
#[derive(Default)]
pub(super) struct OwnParts(RefCell<HashMap<u64, Rc<OnceCell<OwnDigests>>>>);

/// The digests of one size; `None` if there are too many assets to look at together.
pub(super) type OwnDigests = Option<HashSet<Sha256Digest>>;

impl OwnParts {
    pub(super) fn of_size(&self, size_bytes: u64) -> Rc<OnceCell<OwnDigests>> {
        self.0.borrow_mut().entry(size_bytes).or_default().clone()
    }
}
