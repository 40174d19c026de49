//! What the server can be told to do wrong, so that a client's checks of a store can be tested.

use std::collections::BTreeSet;

/// One way in which a store can break its word. Each was seen on a store that people use.
///
/// A server tells none of these unless it is started with the cargo feature `lying` and asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lie {
    /// Takes any bytes, whatever `Content-MD5` or `x-amz-checksum-*` say, and keeps no checksum.
    IgnoreChecksums,
    /// Takes any bytes, and later reports the checksum that the client claimed.
    EchoChecksums,
    /// Takes `If-None-Match: *` for an unconditional write.
    IgnoreCreateOnce,
    /// Takes, and keeps, `x-amz-*` headers that the signature does not cover.
    AcceptUnsignedHeaders,
    /// Answers 403 where an object is absent, as AWS does without `s3:ListBucket`.
    ForbidAbsentKeys,
}

/// The lies that a server was told to tell: none, unless a test asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lies(BTreeSet<Lie>);

impl Lies {
    #[cfg(feature = "lying")]
    pub(crate) fn add(&mut self, lie: Lie) {
        self.0.insert(lie);
    }

    pub(crate) fn include(&self, lie: Lie) -> bool {
        self.0.contains(&lie)
    }
}
