//! Deliberate defects of the server, for tests of a client's checks of a store.

use std::collections::BTreeSet;

/// A deliberate defect. Each was seen on a store in use.
///
/// A server has none unless it is built with the cargo feature `lying` and configured so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misbehaviour {
    /// Accepts any bytes, ignores `Content-MD5` and `x-amz-checksum-*`, and stores no checksum.
    IgnoreChecksums,
    /// Accepts any bytes, and later reports the checksum that the client claimed.
    EchoChecksums,
    /// Ignores `If-None-Match: *` of a write.
    IgnoreCreateOnce,
    /// Accepts and stores unsigned `x-amz-*` headers.
    AcceptUnsignedHeaders,
    /// Ignores `x-amz-mp-object-size` of a completion.
    IgnoreObjectSize,
    /// Returns 403 for an absent object, as AWS does without `s3:ListBucket`.
    ForbidAbsentKeys,
}

/// The deliberate defects of a server: none, except in tests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Misbehaviours(BTreeSet<Misbehaviour>);

impl Misbehaviours {
    #[cfg(feature = "lying")]
    pub(crate) fn add(&mut self, misbehaviour: Misbehaviour) {
        self.0.insert(misbehaviour);
    }

    pub(crate) fn include(&self, misbehaviour: Misbehaviour) -> bool {
        self.0.contains(&misbehaviour)
    }
}
