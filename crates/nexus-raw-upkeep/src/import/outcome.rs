//! What became of an object, or what kept it from that.

use nexus_raw::{
    asset::{AssetId, UploadIntent},
    ports::{CatalogError, InventoryError, SourceObject, StorageError},
};

use super::{
    manifest::ManifestRow,
    report::{ImportKind, ImportLine},
};

/// What became of an object.
#[derive(Debug)]
pub(super) enum Verdict {
    Imported(AssetId),
    Known(AssetId),
    SameContent(AssetId),
    Folder,
    Refused(String),
    Changed(&'static str),
    Failed(String),
    WithoutRow,
}

impl Verdict {
    pub(super) fn refused(reason: &str) -> Self {
        Self::Refused(reason.to_owned())
    }

    pub(super) fn line(self, object: &SourceObject) -> ImportLine {
        let (kind, asset_id, reason) = match self {
            Self::Imported(id) => (ImportKind::Imported, Some(id), None),
            Self::Known(id) => (ImportKind::Known, Some(id), None),
            Self::SameContent(id) => (ImportKind::SameContent, Some(id), None),
            Self::Folder => (ImportKind::Folder, None, None),
            Self::Refused(reason) => (ImportKind::Refused, None, Some(reason)),
            Self::Changed(reason) => (ImportKind::Changed, None, Some(reason.to_owned())),
            Self::Failed(reason) => (ImportKind::Failed, None, Some(reason)),
            Self::WithoutRow => (ImportKind::WithoutRow, None, None),
        };
        ImportLine {
            kind,
            key: object.key.clone(),
            version_id: object.version_id.clone(),
            asset_id,
            size_bytes: (kind == ImportKind::Imported).then_some(object.size_bytes),
            reason,
        }
    }
}

/// Why an object could not be read, written or registered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Setback {
    #[error("the source did not give it")]
    Source(#[from] InventoryError),
    #[error("the source gave {given} bytes of {expected}")]
    Length { given: u64, expected: u64 },
    #[error("the object could not be written")]
    Storage(#[from] StorageError),
    #[error("the store does not have its parts")]
    Parts,
    #[error("the catalogue did not answer")]
    Catalog(#[from] CatalogError),
}

impl Setback {
    pub(super) fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::Source(
                InventoryError::Denied { .. }
                    | InventoryError::Unreadable(_)
                    | InventoryError::Unusable(_)
            )
        )
    }

    /// Whether it says nothing about other objects.
    pub(super) fn is_of_the_object(&self) -> bool {
        matches!(self, Self::Source(InventoryError::Unreadable(_)))
    }
}

/// Where an object goes, and what the manifest states of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) intent: &'a UploadIntent,
    pub(super) row: Option<&'a ManifestRow>,
}
