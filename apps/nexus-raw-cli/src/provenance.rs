use nexus_raw::asset::{CaptureLocation, Labels, Lineage, PiiFlags};
use serde::Serialize;

/// The caller's metadata of an asset. Absent fields are omitted.
#[derive(Clone, Serialize)]
pub(crate) struct Provenance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) captured_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capture_location: Option<CaptureLocation>,
    pub(crate) lineage: Lineage,
    pub(crate) pii_flags: PiiFlags,
    pub(crate) train_ok: bool,
    pub(crate) labels: Labels,
}
