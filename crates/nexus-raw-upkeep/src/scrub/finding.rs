use std::fmt;

use nexus_raw::{
    asset::{AssetId, ByteSize, RawAsset, Sha256Digest, Verdict, Verification},
    tenancy::Scope,
    time::Timestamp,
};
use serde::Serialize;

/// What was found of an object that was not found intact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// It is not what its record says.
    Corrupt,
    /// It is no longer there.
    Missing,
    /// It could not be read, so nothing is known of it, and no event written.
    Unread,
}

impl FindingKind {
    /// Returns its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Missing => "missing",
            Self::Unread => "unread",
        }
    }
}

/// An asset whose object was not found intact. Its text is a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScrubFinding {
    /// What was found.
    pub kind: FindingKind,
    /// The tenant and environment.
    #[serde(flatten)]
    pub scope: FoundIn,
    /// The asset.
    pub asset_id: AssetId,
    /// Its key, if its record could be read.
    pub key: Option<String>,
    /// The digest in the record.
    pub expected_sha256: Option<Sha256Digest>,
    /// The length in the record.
    pub expected_size_bytes: Option<ByteSize>,
    /// The digest of what was found.
    pub found_sha256: Option<Sha256Digest>,
    /// The length of what was found.
    pub found_size_bytes: Option<ByteSize>,
    /// When, by the clock of this process.
    pub verified_at: Option<Timestamp>,
    /// Why it could not be read.
    pub reason: Option<String>,
}

/// The scope of a finding, with the names of the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundIn {
    /// The tenant.
    pub tenant_id: String,
    /// The environment.
    pub env: String,
}

impl From<&Scope> for FoundIn {
    fn from(scope: &Scope) -> Self {
        Self {
            tenant_id: scope.tenant.to_string(),
            env: scope.environment.to_string(),
        }
    }
}

impl ScrubFinding {
    /// An object that is corrupt or missing.
    pub(super) fn verified(asset: &RawAsset, found: &Verification) -> Self {
        let kind = match found.verdict() {
            Verdict::Missing => FindingKind::Missing,
            Verdict::Corrupt | Verdict::Intact => FindingKind::Corrupt,
        };
        Self {
            kind,
            found_sha256: found.sha256().copied(),
            found_size_bytes: found.size_bytes(),
            verified_at: Some(found.verified_at()),
            ..Self::of(asset.scope(), asset.asset_id(), Some(asset))
        }
    }

    /// An object that could not be read.
    pub(super) fn unread(
        scope: &Scope,
        asset_id: AssetId,
        asset: Option<&RawAsset>,
        reason: String,
    ) -> Self {
        Self {
            reason: Some(reason),
            ..Self::of(scope, asset_id, asset)
        }
    }

    fn of(scope: &Scope, asset_id: AssetId, asset: Option<&RawAsset>) -> Self {
        Self {
            kind: FindingKind::Unread,
            scope: scope.into(),
            asset_id,
            key: asset.map(|it| it.address().key.as_str().to_owned()),
            expected_sha256: asset.map(|it| it.facts().sha256),
            expected_size_bytes: asset.map(|it| it.facts().size_bytes),
            found_sha256: None,
            found_size_bytes: None,
            verified_at: None,
            reason: None,
        }
    }
}

impl fmt::Display for ScrubFinding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FoundIn { tenant_id, env } = &self.scope;
        write!(out, "{} ", self.kind.as_str())?;
        match &self.key {
            Some(key) => write!(out, "{key}")?,
            None => write!(out, "asset {} of {tenant_id}/{env}", self.asset_id)?,
        }
        if let (Some(sha256), Some(size)) = (self.expected_sha256, self.expected_size_bytes) {
            write!(out, "; expected {size} bytes, sha256 {sha256}")?;
        }
        if let (Some(sha256), Some(size)) = (self.found_sha256, self.found_size_bytes) {
            write!(out, "; found {size} bytes, sha256 {sha256}")?;
        }
        if let Some(reason) = &self.reason {
            // texts of a store must not control the terminal
            write!(out, "; {}", reason.escape_debug())?;
        }
        Ok(())
    }
}
