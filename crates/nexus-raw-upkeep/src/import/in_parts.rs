//! Large objects, which are written in parts.

use nexus_raw::{
    asset::{DeclaredPart, PartLayout, Sha256Digest},
    ports::{CompletionOutcome, CompositeDigest, OpenUpload, SourceContent},
    service::StoredContent,
};
use sha2::{Digest as _, Sha256};

use super::{
    Import, MAX_PIECE_BYTES, Shared,
    claims::ContentClaim,
    outcome::{Setback, Target, Verdict},
    pieces::whole,
};

/// An object in the store whose content nobody else registers meanwhile.
pub(super) struct Copied<'a> {
    pub(super) sha256: Sha256Digest,
    pub(super) content: StoredContent,
    _claim: ContentClaim<'a>,
}

/// The object in the store, or what became of it instead.
pub(super) type Stored<'a> = Result<Copied<'a>, Verdict>;

impl Import<'_> {
    pub(super) async fn copy_in_parts<'s>(
        &self,
        target: Target<'_>,
        content: &mut dyn SourceContent,
        shared: &'s Shared,
    ) -> Result<Stored<'s>, Setback> {
        let intent = target.intent;
        let least = self.service.policy().part_size_bytes;
        let layout = PartLayout::of(intent.facts.size_bytes, least);
        let layout = layout.filter(|it| it.part_size_bytes().get() <= MAX_PIECE_BYTES);
        let Some(layout) = layout else {
            return Ok(Err(Verdict::refused(
                "it is larger than what passes through this program, 10,000 parts of 64 MiB",
            )));
        };
        let upload_id = self.storage.begin_upload(intent).await?;
        let upload = OpenUpload::of(intent, upload_id);
        let stored = self.upload(&upload, layout, content, target, shared).await;
        // nothing is left of a completed one; it may be that a run at the same time was the first
        let _ = self.storage.abort(&upload).await;
        stored
    }

    async fn upload<'s>(
        &self,
        upload: &OpenUpload,
        layout: PartLayout,
        content: &mut dyn SourceContent,
        target: Target<'_>,
        shared: &'s Shared,
    ) -> Result<Stored<'s>, Setback> {
        let mut hash = Sha256::new();
        let mut parts = Vec::with_capacity(usize::from(layout.count()));
        for number in layout.numbers() {
            let size_bytes = layout.size_of(number).ok_or(Setback::Parts)?;
            let _piece = shared.piece(size_bytes).await;
            let bytes = whole(content, size_bytes).await?;
            hash.update(&bytes);
            let part = DeclaredPart {
                number,
                size_bytes,
                sha256: Sha256Digest::of(&bytes),
            };
            self.writer.put_part(upload, part, bytes).await?;
            parts.push(part);
        }
        let sha256 = Sha256Digest::from_bytes(hash.finalize().into());
        let claim = shared.claims.claim(sha256).await;
        if let Some(same) = self.same_content(target, sha256).await? {
            return Ok(Err(same));
        }
        match self.storage.complete(upload, &parts).await? {
            CompletionOutcome::Completed => {
                let composite = CompositeDigest {
                    sha256: DeclaredPart::composite_sha256(&parts),
                    parts: layout.count(),
                };
                Ok(Ok(Copied {
                    sha256,
                    content: StoredContent::WrittenInParts(composite),
                    _claim: claim,
                }))
            }
            CompletionOutcome::MissingParts(_) | CompletionOutcome::UnknownUpload => {
                Err(Setback::Parts)
            }
        }
    }
}
