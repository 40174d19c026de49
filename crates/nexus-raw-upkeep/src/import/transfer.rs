use nexus_raw::{
    ErrorChain,
    asset::{
        AssetId, ByteSize, ContentFacts, Filename, Lineage, ObjectKey, Provenance, Sha256Digest,
        UploadIntent,
    },
    ports::{OpenedSource, SourceObject, SourceOutcome, WriteOutcome},
    service::{ImportedAsset, RegisterError, StoredContent},
};

use super::{
    Import, Shared,
    in_parts::Copied,
    manifest::ManifestRow,
    naming::{content_type, filename, is_plain, source_uri},
    outcome::{Setback, Target, Verdict},
    pieces::{hashed, whole},
};

/// An object on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer<'a> {
    pub(super) object: &'a SourceObject,
    pub(super) id: AssetId,
    pub(super) row: Option<&'a ManifestRow>,
    /// The intent that the catalogue has of it.
    pub(super) promised: Option<&'a UploadIntent>,
    /// From 1.
    pub(super) attempt: u32,
}

impl Import<'_> {
    pub(super) async fn transfer(
        &self,
        transfer: Transfer<'_>,
        shared: &Shared,
    ) -> Result<Verdict, Setback> {
        let Transfer { object, row, .. } = transfer;
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
        let intent = match self.intent(&opened, &named, transfer) {
            Ok(intent) => intent,
            Err(refused) => return Ok(refused),
        };
        let target = Target {
            intent: &intent,
            row,
        };
        let content = &mut *opened.content;
        let size_bytes = intent.facts.size_bytes;
        if size_bytes <= self.service.policy().part_size_bytes {
            let _piece = shared.piece(size_bytes).await;
            let bytes = whole(content, size_bytes).await?;
            let sha256 = Sha256Digest::of(&bytes);
            let _claim = shared.claims.claim(sha256).await;
            if let Some(same) = self.same_content(target, sha256).await? {
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
        if transfer.attempt == 1 {
            // those of killed runs; later it could be the one of a run at the same time
            self.writer.abort_all(&intent.address).await?;
        }
        match self.copy_in_parts(target, content, shared).await? {
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
        // a copy of a bucket of the service
        if let Ok((scope, ..)) = ObjectKey::parse_parts(key)
            && scope != *self.settings.access.scope()
        {
            return Err(Verdict::refused(
                "its key is that of an asset of another tenant or environment",
            ));
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
        named: &Named,
        transfer: Transfer<'_>,
    ) -> Result<UploadIntent, Verdict> {
        let Transfer {
            id, row, promised, ..
        } = transfer;
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
            sha256: promised.and_then(|it| it.facts.sha256),
        };
        let access = &self.settings.access;
        let intent = self.service.import_intent(access, id, facts);
        match promised {
            Some(it) if (&it.facts, &it.address) != (&intent.facts, &intent.address) => {
                Err(is_promised(it))
            }
            _ => Ok(intent),
        }
    }

    async fn register(
        &self,
        intent: UploadIntent,
        sha256: Sha256Digest,
        content: StoredContent,
        provenance: Provenance,
    ) -> Result<Verdict, Setback> {
        if intent.facts.sha256.is_some_and(|it| it != sha256) {
            return Ok(is_promised(&intent));
        }
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

/// The intent has another name, type or content, and what was promised stays so.
fn is_promised(intent: &UploadIntent) -> Verdict {
    Verdict::Refused(format!(
        "`reconcile` has adopted what an earlier run wrote: register asset {} as it is, {} of type {}",
        intent.asset_id,
        intent.facts.filename.as_str().escape_debug(),
        intent.facts.content_type.as_str(),
    ))
}

/// An object that may be an asset.
struct Named {
    filename: Filename,
    size_bytes: ByteSize,
    provenance: Provenance,
}
