use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    asset::{AssetId, ByteSize, ContentType, InForce, PiiFlag, RawAsset, Sha256Digest},
    tenancy::UserId,
    time::Timestamp,
};

/// Which registered assets of a scope to list. All filters that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssetFilter {
    /// The digest of the content.
    pub sha256: Option<Sha256Digest>,
    /// The length of the content.
    pub size_bytes: Option<ByteSize>,
    /// The media type.
    pub content_type: Option<ContentTypeFilter>,
    /// The whole file name.
    pub filename: Option<String>,
    /// What the file name starts with.
    pub filename_prefix: Option<String>,
    /// The user who registered it.
    pub registered_by: Option<UserId>,
    /// Labels in force with their values.
    pub labels: BTreeMap<String, String>,
    /// Captured at this time or later.
    pub captured_from: Option<Timestamp>,
    /// Captured before this time.
    pub captured_to: Option<Timestamp>,
    /// Registered at this time or later.
    pub imported_from: Option<Timestamp>,
    /// Registered before this time.
    pub imported_to: Option<Timestamp>,
    /// A direct parent.
    pub derived_from: Option<AssetId>,
    /// Personal data that is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pii_flag: Option<PiiFlag>,
    /// Whether its own statement in force allows training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_ok: Option<bool>,
    /// Whether its own statement and those of all ancestors allow training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_ok_effective: Option<bool>,
}

/// Media types that a list is filtered by. Compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentTypeFilter {
    /// The whole media type, its parameters included.
    Whole(ContentType),
    /// Every subtype of a type: `image` for `image/*`.
    Type(String),
}

/// A text is no [`ContentTypeFilter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a media type by RFC 9110, or a type and `/*`, such as `image/*`")]
#[non_exhaustive]
pub struct ContentTypeFilterError;

impl ContentTypeFilter {
    /// Reads a whole media type, or a type and `/*`.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, ContentTypeFilterError> {
        let error = |_| ContentTypeFilterError;
        match text.strip_suffix("/*") {
            // a type is what makes a media type of `type/x`
            Some(kind) => ContentType::parse(&format!("{kind}/x"))
                .map(|_| Self::Type(kind.to_owned()))
                .map_err(error),
            None => ContentType::from_stored(text)
                .map(Self::Whole)
                .map_err(error),
        }
    }

    /// Whether a media type is one of these.
    #[must_use]
    pub fn matches(&self, content_type: &ContentType) -> bool {
        let text = content_type.as_str();
        match self {
            Self::Whole(whole) => whole == content_type,
            Self::Type(kind) => text
                .strip_prefix(kind.as_str())
                .is_some_and(|it| it.starts_with('/')),
        }
    }
}

/// One page of a list: the newest `limit` assets that match and were registered before a place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssetQuery {
    /// Which assets.
    pub filter: AssetFilter,
    /// Only assets whose registration has a lower sequence; `None` for the newest.
    pub before: Option<u64>,
    /// The maximum number of assets.
    pub limit: u32,
}

impl AssetQuery {
    /// How many registrations a page looks at, at most: a page can be short, or empty, and still
    /// not be the last.
    pub const MAX_ROWS: u32 = 10_000;

    /// The newest `limit` assets that match.
    #[must_use]
    pub fn newest(filter: AssetFilter, limit: u32) -> Self {
        Self {
            filter,
            before: None,
            limit,
        }
    }

    /// Those that were registered before the event of this sequence.
    #[must_use]
    pub fn before(self, sequence: Option<u64>) -> Self {
        Self {
            before: sequence,
            ..self
        }
    }
}

/// An asset of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedAsset {
    /// The sequence of its registration.
    pub sequence: u64,
    /// The record.
    pub asset: RawAsset,
    /// What is in force of it.
    pub in_force: InForce,
}

/// An asset of a list, for one who has its record already, which never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetHead {
    /// The sequence of its registration.
    pub sequence: u64,
    /// Its id.
    pub asset_id: AssetId,
    /// What is in force of it.
    pub in_force: InForce,
}

/// An item of a list: [`ListedAsset`] or [`AssetHead`].
pub trait ListItem {
    /// Returns the sequence of the asset's registration.
    fn sequence(&self) -> u64;
}

impl ListItem for ListedAsset {
    fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl ListItem for AssetHead {
    fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl From<ListedAsset> for AssetHead {
    fn from(listed: ListedAsset) -> Self {
        Self {
            sequence: listed.sequence,
            asset_id: listed.asset.asset_id(),
            in_force: listed.in_force,
        }
    }
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetPage<A = ListedAsset> {
    /// The assets.
    pub assets: Vec<A>,
    /// Where the next page goes on: before this sequence. `None` after the last one.
    pub next: Option<u64>,
}

impl<A> Default for AssetPage<A> {
    fn default() -> Self {
        Self {
            assets: Vec::new(),
            next: None,
        }
    }
}

/// The key by which a catalogue's list cursors are authenticated.
#[derive(Clone, Copy)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CursorKey(redacted)")
    }
}
