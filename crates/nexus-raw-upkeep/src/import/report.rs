use std::fmt;

use nexus_raw::asset::AssetId;
use serde::Serialize;

/// What became of an object of the source, or of a row of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// It is an asset now.
    Imported,
    /// It was imported before.
    Known,
    /// The same content is registered in the same tenant and environment.
    SameContent,
    /// It is the marker of a folder: an empty object whose key ends with a slash.
    Folder,
    /// It cannot be an asset as it is.
    Refused,
    /// Another object is at its key since it was listed, or none.
    Changed,
    /// It could not be read or written, although the store responds.
    Failed,
    /// The manifest has no row of it.
    WithoutRow,
    /// The manifest has a row of it, and the source does not list it.
    WithoutObject,
}

impl ImportKind {
    /// Returns its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Known => "known",
            Self::SameContent => "same_content",
            Self::Folder => "folder",
            Self::Refused => "refused",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::WithoutRow => "without_row",
            Self::WithoutObject => "without_object",
        }
    }
}

/// A line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportLine {
    /// What became of it.
    pub kind: ImportKind,
    /// The key in the source.
    pub key: String,
    /// The version in the source, where that is versioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The asset, of which it is the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    /// The length of what was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Why it was not imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl fmt::Display for ImportLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // keys and texts of a store must not control the terminal
        write!(out, "{} {}", self.kind.as_str(), self.key.escape_debug())?;
        if let Some(asset_id) = self.asset_id {
            write!(out, "; asset {asset_id}")?;
        }
        if let Some(size) = self.size_bytes {
            write!(out, ", {size} bytes")?;
        }
        if let Some(reason) = &self.reason {
            write!(out, "; {}", reason.escape_debug())?;
        }
        Ok(())
    }
}

/// Why an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportEnd {
    /// The whole list was worked through.
    NothingLeft,
    /// The time was over.
    TimeOver,
    /// It was asked to stop.
    Stopped,
}

/// The numbers of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// Why it ended.
    pub ended: ImportEnd,
    /// Objects that are assets now.
    pub imported: u64,
    /// The bytes of these.
    pub bytes: u64,
    /// Objects that were imported before.
    pub known: u64,
    /// Objects whose content was registered before.
    pub same_content: u64,
    /// Markers of folders, which are no assets.
    pub folders: u64,
    /// Objects that cannot be assets.
    pub refused: u64,
    /// Objects that changed since they were listed.
    pub changed: u64,
    /// Objects that could not be read or written.
    pub failed: u64,
    /// Objects without a row of the manifest.
    pub without_row: u64,
    /// Rows of the manifest without an object.
    pub without_object: u64,
}

impl ImportSummary {
    pub(super) fn new() -> Self {
        Self {
            ended: ImportEnd::NothingLeft,
            imported: 0,
            bytes: 0,
            known: 0,
            same_content: 0,
            folders: 0,
            refused: 0,
            changed: 0,
            failed: 0,
            without_row: 0,
            without_object: 0,
        }
    }

    pub(super) fn count(&mut self, line: &ImportLine) {
        let number = match line.kind {
            ImportKind::Imported => {
                self.bytes = self.bytes.saturating_add(line.size_bytes.unwrap_or(0));
                &mut self.imported
            }
            ImportKind::Known => &mut self.known,
            ImportKind::SameContent => &mut self.same_content,
            ImportKind::Folder => &mut self.folders,
            ImportKind::Refused => &mut self.refused,
            ImportKind::Changed => &mut self.changed,
            ImportKind::Failed => &mut self.failed,
            ImportKind::WithoutRow => &mut self.without_row,
            ImportKind::WithoutObject => &mut self.without_object,
        };
        *number += 1;
    }

    /// Whether an operator has to act: something of the source was not imported.
    #[must_use]
    pub fn asks_for_action(&self) -> bool {
        let left = self.refused + self.changed + self.failed;
        left + self.without_row + self.without_object > 0
    }
}
