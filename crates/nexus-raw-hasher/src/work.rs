use nexus_raw::{
    asset::{AssetId, DeclaredPart},
    ports::{AbortOutcome, CompletionOutcome, HashOutcome, OpenUpload, PinnedObject, Urgency},
    tenancy::Scope,
};

/// What is to be done with the object of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// To read and hash it.
    Hash(PinnedObject),
    /// To put it together from these parts, which are all of the upload.
    Complete(OpenUpload, Vec<DeclaredPart>),
    /// To drop the parts of the upload.
    Abort(OpenUpload),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finished {
    /// The object was read, or its digest was known.
    Hashed(HashOutcome),
    /// The store has answered the completion.
    Completed(CompletionOutcome),
    /// The store has answered the abort.
    Aborted(AbortOutcome),
}

impl Work {
    pub(super) fn asset(&self) -> (&Scope, AssetId) {
        match self {
            Self::Hash(object) => (&object.scope, object.asset_id),
            Self::Complete(upload, _) | Self::Abort(upload) => (&upload.scope, upload.asset_id),
        }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        match self {
            Self::Hash(object) => object.size_bytes.get(),
            Self::Complete(upload, _) | Self::Abort(upload) => upload.size_bytes.get(),
        }
    }

    /// The name in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hash(_) => "hash",
            Self::Complete(..) => "complete",
            Self::Abort(_) => "abort",
        }
    }
}

/// Work with the urgency of who asked for it first.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) work: Work,
    pub(super) urgency: Urgency,
}
