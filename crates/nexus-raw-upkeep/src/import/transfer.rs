use nexus_raw::{
    ErrorChain,
    asset::{
        AssetId, ByteSize, ContentFacts, DeclaredPart, Filename, Lineage, PartLayout, Provenance,
        Sha256Digest, UploadIntent,
    },
    ports::{
        CatalogError, CompletionOutcome, CompositeDigest, InventoryError, OpenUpload, OpenedSource,
        SourceContent, SourceObject, SourceOutcome, StorageError, WriteOutcome,
    },
    service::{ImportedAsset, RegisterError, StoredContent},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::SemaphorePermit;

use super::{
    Import, MAX_PIECE_BYTES, OWN_PREFIXES, Shared,
    claims::ContentClaim,
    manifest::ManifestRow,
    naming::{content_type, filename, is_plain, source_uri},
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
            Self::Source(InventoryError::Denied { .. } | InventoryError::Unusable(_))
        )
    }
}

/// An object in the store whose content nobody else registers meanwhile.
struct Copied<'a> {
    sha256: Sha256Digest,
    content: StoredContent,
    _claim: ContentClaim<'a>,
}

/// The object in the store, or what became of it instead.
type Stored<'a> = Result<Copied<'a>, Verdict>;

impl Import<'_> {
    pub(super) async fn transfer(
        &self,
        object: &SourceObject,
        id: AssetId,
        row: Option<&ManifestRow>,
        shared: &Shared,
    ) -> Result<Verdict, Setback> {
        let named = match self.name(object, row) {
            Ok(named) => named,
            Err(refused) => return Ok(refused),
        };
        let mut opened = match self.source.open(object).await? {
            SourceOutcome::Opened(opened) => opened,
            SourceOutcome::Replaced => {
                return Ok(Verdict::Changed("another object is at its key"));
            }
            SourceOutcome::Gone => return Ok(Verdict::Changed("it is no longer there")),
        };
        let intent = match self.intent(&opened, id, &named, row) {
            Ok(intent) => intent,
            Err(refused) => return Ok(refused),
        };
        let content = &mut *opened.content;
        let size_bytes = intent.facts.size_bytes;
        if size_bytes <= self.service.policy().part_size_bytes {
            let _piece = shared.piece(size_bytes).await;
            let bytes = whole(content, size_bytes).await?;
            let sha256 = Sha256Digest::of(&bytes);
            let _claim = shared.claims.claim(sha256).await;
            if let Some(same) = self.same_content(&intent, sha256).await? {
                return Ok(same);
            }
            let stored = match self.writer.put_object(&intent, sha256, bytes).await? {
                WriteOutcome::Written => StoredContent::WrittenWhole,
                WriteOutcome::Taken => StoredContent::Found,
            };
            return self
                .register(intent, sha256, stored, named.provenance)
                .await;
        }
        if self.storage.stat(&intent.address).await?.is_some() {
            // a killed run has completed it; what is there is compared with the source
            let sha256 = hashed(content, size_bytes, shared).await?;
            let stored = StoredContent::Found;
            return self
                .register(intent, sha256, stored, named.provenance)
                .await;
        }
        match self.copy_in_parts(&intent, content, shared).await? {
            Ok(copied) => {
                let Copied {
                    sha256, content, ..
                } = copied;
                self.register(intent, sha256, content, named.provenance)
                    .await
            }
            Err(verdict) => Ok(verdict),
        }
    }

    /// What follows from the list alone.
    fn name(&self, object: &SourceObject, row: Option<&ManifestRow>) -> Result<Named, Verdict> {
        let (bucket, key) = (&self.settings.bucket, &object.key);
        if !key.starts_with(&self.settings.prefix) {
            return Err(Verdict::refused("the list was not asked for it"));
        }
        let is_own = OWN_PREFIXES.iter().any(|own| key.starts_with(own));
        if bucket == self.storage.bucket() && is_own {
            return Err(Verdict::refused("it is an object of the service"));
        }
        let limit = self.service.policy().max_object_bytes;
        let size_bytes = ByteSize::parse(object.size_bytes).ok();
        let size_bytes = size_bytes.filter(|it| *it <= limit);
        let size_bytes = size_bytes
            .ok_or_else(|| Verdict::Refused(format!("it is larger than {limit} bytes")))?;
        let stated = row.and_then(|row| row.filename.clone());
        let filename = match stated {
            Some(stated) => stated,
            None => filename(key).map_err(|error| Verdict::Refused(format!("name: {error}")))?,
        };
        let source_uri = source_uri(bucket, key)
            .map_err(|error| Verdict::Refused(format!("source_uri: {error}")))?;
        let provenance = row.map(|row| row.provenance.clone()).unwrap_or_default();
        Ok(Named {
            filename,
            size_bytes,
            provenance: Provenance {
                lineage: Lineage {
                    source_uri: Some(source_uri),
                    ..provenance.lineage
                },
                ..provenance
            },
        })
    }

    fn intent(
        &self,
        opened: &OpenedSource,
        id: AssetId,
        named: &Named,
        row: Option<&ManifestRow>,
    ) -> Result<UploadIntent, Verdict> {
        if !is_plain(opened.content_encoding.as_deref()) {
            let coding = opened.content_encoding.as_deref().unwrap_or_default();
            return Err(Verdict::Refused(format!(
                "its bytes are encoded: content-encoding {coding}"
            )));
        }
        let filename = named.filename.clone();
        let content_type = row
            .and_then(|row| row.content_type.clone())
            .unwrap_or_else(|| content_type(opened.content_type.as_deref(), &filename));
        let facts = ContentFacts {
            filename,
            content_type,
            size_bytes: named.size_bytes,
            sha256: None,
        };
        let access = &self.settings.access;
        Ok(self.service.import_intent(access, id, facts))
    }

    /// Returns whether the content is registered already. What an earlier run has left at the key is
    /// registered all the same: nobody would ever find it.
    async fn same_content(
        &self,
        intent: &UploadIntent,
        sha256: Sha256Digest,
    ) -> Result<Option<Verdict>, Setback> {
        let scope = &intent.scope;
        let same = self
            .catalog
            .find_content(scope, sha256, intent.facts.size_bytes)
            .await?;
        Ok(match same {
            Some(same) if self.storage.stat(&intent.address).await?.is_none() => {
                Some(Verdict::SameContent(same.asset_id()))
            }
            _ => None,
        })
    }

    async fn copy_in_parts<'s>(
        &self,
        intent: &UploadIntent,
        content: &mut dyn SourceContent,
        shared: &'s Shared,
    ) -> Result<Stored<'s>, Setback> {
        let least = self.service.policy().part_size_bytes;
        let layout = PartLayout::of(intent.facts.size_bytes, least);
        let layout = layout.filter(|it| it.part_size_bytes().get() <= MAX_PIECE_BYTES);
        let Some(layout) = layout else {
            return Ok(Err(Verdict::refused(
                "it is larger than what passes through this program, 10,000 parts of 64 MiB",
            )));
        };
        // those of killed runs
        self.writer.abort_all(&intent.address).await?;
        let upload_id = self.storage.begin_upload(intent).await?;
        let upload = OpenUpload::of(intent, upload_id);
        let stored = self.upload(&upload, layout, content, intent, shared).await;
        if !matches!(stored, Ok(Ok(_))) {
            // the next attempt would drop them too
            let _ = self.storage.abort(&upload).await;
        }
        stored
    }

    async fn upload<'s>(
        &self,
        upload: &OpenUpload,
        layout: PartLayout,
        content: &mut dyn SourceContent,
        intent: &UploadIntent,
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
        if let Some(same) = self.same_content(intent, sha256).await? {
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

    async fn register(
        &self,
        intent: UploadIntent,
        sha256: Sha256Digest,
        content: StoredContent,
        provenance: Provenance,
    ) -> Result<Verdict, Setback> {
        let id = intent.asset_id;
        let imported = ImportedAsset {
            intent,
            sha256,
            content,
            provenance,
        };
        let settings = &self.settings;
        let registered = self
            .service
            .register_import(&settings.access, &settings.context, imported)
            .await;
        match registered {
            Ok(registered) if registered.created => Ok(Verdict::Imported(id)),
            Ok(_) => Ok(Verdict::Known(id)),
            Err(RegisterError::Storage(error)) => Err(error.into()),
            Err(RegisterError::Catalog(error)) => Err(error.into()),
            Err(refused) => Ok(Verdict::Refused(ErrorChain(&refused).to_string())),
        }
    }
}

/// An object that may be an asset.
struct Named {
    filename: Filename,
    size_bytes: ByteSize,
    provenance: Provenance,
}

impl Shared {
    /// Waits until a piece of this length may be in memory. No other one is held by the same object.
    async fn piece(&self, size_bytes: ByteSize) -> Option<SemaphorePermit<'_>> {
        let pieces = size_bytes.get().div_ceil(ByteSize::PART.get()).max(1);
        let pieces = u32::try_from(pieces).unwrap_or(self.pieces);
        // it is never closed
        self.memory.acquire_many(pieces.min(self.pieces)).await.ok()
    }
}

/// Reads the next so many bytes, which must be there.
async fn whole(content: &mut dyn SourceContent, size_bytes: ByteSize) -> Result<Vec<u8>, Setback> {
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
async fn hashed(
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
