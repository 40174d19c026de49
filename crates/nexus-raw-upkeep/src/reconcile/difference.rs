use nexus_raw::{
    asset::{AssetId, ObjectKey},
    tenancy::{Environment, TenantId},
};
use serde::{Deserialize, Serialize};

/// What differs. The order is that of the report within a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceKind {
    /// An object of an intent that has not ended.
    Unregistered,
    /// An object of an intent that has ended, or was aborted, without a registration.
    UploadedNeverRegistered,
    /// An object without an intent.
    Foreign,
    /// A record without an object.
    MissingObject,
    /// A delete marker is the latest version over a registered one.
    DeleteMarker,
    /// The registered version is gone, and another one is at the key.
    Version,
    /// The registered version is there, and another one is the latest at the key.
    AnotherObject,
    /// The length.
    Size,
    /// The SHA-256, or the composite one of an upload in parts.
    Digest,
    /// The entity tag.
    EntityTag,
    /// The media type.
    ContentType,
    /// The user metadata, which names tenant, environment and asset.
    TenantMetadata,
    /// A header that no upload of the service has.
    ForeignHeader,
    /// An open upload in parts that no intent knows.
    UnknownMultipart,
}

impl DifferenceKind {
    /// All, in the order of the report.
    pub const ALL: [Self; 14] = [
        Self::Unregistered,
        Self::UploadedNeverRegistered,
        Self::Foreign,
        Self::MissingObject,
        Self::DeleteMarker,
        Self::Version,
        Self::AnotherObject,
        Self::Size,
        Self::Digest,
        Self::EntityTag,
        Self::ContentType,
        Self::TenantMetadata,
        Self::ForeignHeader,
        Self::UnknownMultipart,
    ];

    /// The name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::UploadedNeverRegistered => "uploaded_never_registered",
            Self::Foreign => "foreign",
            Self::MissingObject => "missing_object",
            Self::DeleteMarker => "delete_marker",
            Self::Version => "version",
            Self::AnotherObject => "another_object",
            Self::Size => "size",
            Self::Digest => "digest",
            Self::EntityTag => "entity_tag",
            Self::ContentType => "content_type",
            Self::TenantMetadata => "tenant_metadata",
            Self::ForeignHeader => "foreign_header",
            Self::UnknownMultipart => "unknown_multipart",
        }
    }

    /// Whether bucket and catalogue agree in spite of it: it is part of a normal upload.
    #[must_use]
    pub fn is_expected(self) -> bool {
        self == Self::Unregistered
    }
}

/// One difference between the bucket and the catalogue, a line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// The key, which may be of any form.
    pub key: String,
    /// The tenant, if the key is one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The environment, if the key is one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Environment>,
    /// The asset, if the key is one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    /// The store's id of an open upload in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// What the catalogue has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What the store has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// The maximum length of what a store says, in bytes: it is for a line of a report.
const MAX_FOUND: usize = 2048;

impl Difference {
    /// A difference at a key. Whose it is comes from the key alone, since metadata may lie.
    pub(super) fn at(key: &str, kind: DifferenceKind) -> Self {
        let parts = ObjectKey::parse_parts(key).ok();
        let (scope, asset_id) = parts.map(|(scope, asset, _)| (scope, asset)).unzip();
        let (tenant_id, env) = scope.map(|it| (it.tenant, it.environment)).unzip();
        Self {
            kind,
            key: key.to_owned(),
            tenant_id,
            env,
            asset_id,
            upload_id: None,
            expected: None,
            found: None,
        }
    }

    pub(super) fn expecting(self, expected: impl Into<String>) -> Self {
        Self {
            expected: Some(expected.into()),
            ..self
        }
    }

    pub(super) fn finding(self, found: impl Into<String>) -> Self {
        let mut found = found.into();
        if found.len() > MAX_FOUND {
            found.truncate(found.floor_char_boundary(MAX_FOUND));
            found.push('…');
        }
        Self {
            found: Some(found),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_and_its_place_in_the_order() {
        for (place, kind) in DifferenceKind::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::json!(kind), kind.as_str());
            assert_eq!(kind as usize, place);
        }
    }

    #[test]
    fn what_a_store_says_is_cut() {
        let long = "ä".repeat(MAX_FOUND);
        let cut = Difference::at("k", DifferenceKind::Foreign).finding(long);
        assert_eq!(cut.found.unwrap().len(), MAX_FOUND + "…".len());
    }
}
