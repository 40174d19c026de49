//! The pieces of objects that are in memory.

use nexus_raw::{
    asset::{ByteSize, Sha256Digest},
    ports::SourceContent,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::SemaphorePermit;

use super::{Shared, outcome::Setback};

impl Shared {
    /// Waits until a piece of this length may be in memory. No other one is held by the same object.
    pub(super) async fn piece(&self, size_bytes: ByteSize) -> Option<SemaphorePermit<'_>> {
        let pieces = size_bytes.get().div_ceil(ByteSize::PART.get()).max(1);
        let pieces = u32::try_from(pieces).unwrap_or(self.pieces);
        // it is never closed
        self.memory.acquire_many(pieces.min(self.pieces)).await.ok()
    }
}

/// Reads the next so many bytes, which must be there.
pub(super) async fn whole(
    content: &mut dyn SourceContent,
    size_bytes: ByteSize,
) -> Result<Vec<u8>, Setback> {
    let expected = size_bytes.get();
    let wanted = usize::try_from(expected).unwrap_or(usize::MAX);
    let bytes = content.next(wanted).await?;
    let given = bytes.len() as u64;
    if given == expected {
        Ok(bytes)
    } else {
        Err(Setback::Length { given, expected })
    }
}

/// Reads to the end, and keeps nothing.
pub(super) async fn hashed(
    content: &mut dyn SourceContent,
    size_bytes: ByteSize,
    shared: &Shared,
) -> Result<Sha256Digest, Setback> {
    let mut hash = Sha256::new();
    let mut left = size_bytes.get();
    while left > 0 {
        let piece = ByteSize::PART.get().min(left);
        let size = ByteSize::parse(piece).unwrap_or(ByteSize::PART);
        let _piece = shared.piece(size).await;
        hash.update(whole(content, size).await?);
        left -= piece;
    }
    Ok(Sha256Digest::from_bytes(hash.finalize().into()))
}
