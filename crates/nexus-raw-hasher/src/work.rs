use nexus_raw::{
    asset::{AssetId, DeclaredPart, Verification},
    ports::{
        AbortOutcome, CompletionOutcome, HashOutcome, OpenUpload, PinnedObject, Urgency,
        VerificationOrder,
    },
    tenancy::Scope,
};

/// What is to be done with the object of an asset.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// To read and hash it.
    Hash(PinnedObject),
    /// To put it together from these parts, which are all of the upload.
    Complete(OpenUpload, Vec<DeclaredPart>),
    /// To drop the parts of the upload.
    Abort(OpenUpload),
    /// To read it again, and to record whether it is what the record says.
    Verify(VerificationOrder),
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
    /// The verdict is recorded, or was a short while ago.
    Verified(Verification),
}

impl Work {
    /// Whether the outcome of one is that of the other. Whoever asks for a verification, it is the
    /// same reading.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hash(one), Self::Hash(other)) => one == other,
            (Self::Complete(one, parts), Self::Complete(other, others)) => {
                one == other && parts == others
            }
            (Self::Abort(one), Self::Abort(other)) => one == other,
            (Self::Verify(one), Self::Verify(other)) => one.asset == other.asset,
            _ => false,
        }
    }

    pub(super) fn asset(&self) -> (&Scope, AssetId) {
        match self {
            Self::Hash(object) => (&object.scope, object.asset_id),
            Self::Complete(upload, _) | Self::Abort(upload) => (&upload.scope, upload.asset_id),
            Self::Verify(order) => (order.asset.scope(), order.asset.asset_id()),
        }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        match self {
            Self::Hash(object) => object.size_bytes.get(),
            Self::Complete(upload, _) | Self::Abort(upload) => upload.size_bytes.get(),
            Self::Verify(order) => order.asset.facts().size_bytes.get(),
        }
    }

    /// The name in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hash(_) => "hash",
            Self::Complete(..) => "complete",
            Self::Abort(_) => "abort",
            Self::Verify(_) => "verify",
        }
    }
}

/// Work with the urgency of who asked for it first.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) work: Work,
    pub(super) urgency: Urgency,
}
