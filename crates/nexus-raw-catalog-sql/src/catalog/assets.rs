use std::pin::pin;

use async_trait::async_trait;
use nexus_raw::{
    asset::{
        AssetId, ByteSize, DeclaredPart, RawAsset, Sha256Digest, StatedFact, UploadId, UploadIntent,
    },
    event::{DatasetEvent, EventBody},
    ports::{
        AbortedUpload, AssetCatalog, AssetFacts, AssetHead, AssetPage, AssetQuery,
        AssetVerification, BegunUpload, CallerKey, CatalogCensus, CatalogError, CatalogTotals,
        CursorKey, DownloadKey, DownloadOutcome, Downloadable, EventQuery, EventSelection,
        FactOutcome, IntentState, KeyClaim, KeyedIntent, KeyedOutcome, LineageGraph, LineageQuery,
        ListedAsset, NewAsset, NewDownload, NewFact, NewImport, NewParts, NewVerification,
        PartsOutcome, RegisterOutcome, RepeatOutcome, StandingKey, VerificationOutcome,
    },
    tenancy::Scope,
    time::Timestamp,
};

use super::{SqlAssetCatalog, read};
use crate::{
    backend::Reader,
    sealed::SealedEvent,
    writer::{
        ConsentStep, IntentKey, IntentOutcome, NewIntent, RecordedDownload, RecordedFact,
        RecordedVerification, Registration, RepeatedPresign, UploadAbort,
    },
};

#[async_trait]
impl AssetCatalog for SqlAssetCatalog {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let record = pin!(async {
            let event = SealedEvent::of(event)?;
            let key = None;
            match self.writer.call(NewIntent { intent, event, key }).await? {
                IntentOutcome::Recorded => Ok(()),
                // without a key, `KeyStands` does not occur
                IntentOutcome::AlreadyExists | IntentOutcome::KeyStands => {
                    Err(CatalogError::AlreadyExists)
                }
            }
        });
        self.observed("record_intent", record).await
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let record = pin!(async {
            let request = NewIntent {
                intent: new.intent,
                event: SealedEvent::of(new.event)?,
                key: Some(Box::new(IntentKey {
                    caller: new.key,
                    body_digest: new.body_digest,
                })),
            };
            match self.writer.call(request).await? {
                IntentOutcome::Recorded => Ok(KeyedOutcome::Recorded),
                IntentOutcome::KeyStands => Ok(KeyedOutcome::KeyStands),
                IntentOutcome::AlreadyExists => Err(CatalogError::AlreadyExists),
            }
        });
        self.observed("record_keyed_intent", record).await
    }

    async fn claim_key(&self, claim: KeyClaim) -> Result<Sha256Digest, CatalogError> {
        self.observed("claim_key", self.writer.call(claim)).await
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let request = RepeatedPresign {
            scope: event.scope(),
            event: SealedEvent::of(event)?,
        };
        let record = self.writer.call(request);
        self.observed("record_repeated_presign", record).await
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        read!(self, "find_key", it => it.find_key(key, now))
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        read!(self, "find_intent", it => it.find_intent(scope, asset))
    }

    async fn record_upload(&self, begun: BegunUpload) -> Result<Option<UploadId>, CatalogError> {
        self.observed("record_upload", self.writer.call(begun))
            .await
    }

    async fn declare_parts(&self, new: NewParts) -> Result<PartsOutcome, CatalogError> {
        self.observed("declare_parts", self.writer.call(new)).await
    }

    async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        read!(self, "declared_parts", it => it.declared_parts(scope, asset, after, limit))
    }

    async fn record_abort(&self, event: EventBody) -> Result<AbortedUpload, CatalogError> {
        let request = UploadAbort {
            scope: event.scope(),
            event: SealedEvent::of(event)?,
        };
        self.observed("record_abort", self.writer.call(request))
            .await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        read!(self, "unknown_parents", it => it.unknown_parents(scope, parents))
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        let event = SealedEvent::of(new.event.clone())?;
        let (new, intent) = (Box::new(new), None);
        let register = self.writer.call(Registration { new, event, intent });
        self.observed("register", register).await
    }

    async fn record_import(&self, import: NewImport) -> Result<RegisterOutcome, CatalogError> {
        let NewImport { intent, new } = import;
        let event = SealedEvent::of(new.event.clone())?;
        let (new, intent) = (Box::new(new), Some(Box::new(intent)));
        let record = self.writer.call(Registration { new, event, intent });
        self.observed("record_import", record).await
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError> {
        read!(self, "find_asset", it => it.find_asset(scope, asset))
    }

    async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        read!(self, "train_ok_effective", it => it.train_ok_effective(scope, asset))
    }

    fn consent_version(&self, scope: &Scope) -> Option<u64> {
        match self.reader {
            Reader::Sqlite(_) => self.writer.consent_version(scope),
            // other processes write too
            Reader::Postgres(_) => None,
        }
    }

    async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError> {
        read!(self, "find_facts", it => it.find_facts(scope, asset))
    }

    async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError> {
        read!(self, "facts", it => it.facts(scope, asset, after, limit))
    }

    async fn record_fact(&self, new: NewFact) -> Result<FactOutcome, CatalogError> {
        let event = SealedEvent::of(new.event.clone())?;
        let new = Box::new(new);
        let record = self.writer.call(RecordedFact { new, event });
        self.observed("record_fact", record).await
    }

    async fn advance_consent(&self, scope: &Scope, max_changes: u32) -> Result<bool, CatalogError> {
        let scope = scope.clone();
        let advance = self.writer.call(ConsentStep { scope, max_changes });
        self.observed("advance_consent", advance).await
    }

    async fn unfinished_consent(&self, limit: u32) -> Result<Vec<Scope>, CatalogError> {
        read!(self, "unfinished_consent", it => it.unfinished_consent(limit))
    }

    async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError> {
        read!(self, "lineage", it => it.lineage(scope, asset, query))
    }

    async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError> {
        read!(self, "find_verification", it => it.find_verification(scope, asset))
    }

    async fn record_verification(
        &self,
        new: NewVerification,
    ) -> Result<VerificationOutcome, CatalogError> {
        let event = SealedEvent::of(new.event.clone())?;
        let new = Box::new(new);
        let record = self.writer.call(RecordedVerification { new, event });
        self.observed("record_verification", record).await
    }

    async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError> {
        read!(self, "find_content", it => it.find_content(scope, sha256, size_bytes))
    }

    async fn find_download(&self, key: &DownloadKey) -> Result<Option<Downloadable>, CatalogError> {
        let version = match self.reader {
            Reader::Sqlite(_) => self.writer.in_force_version(&key.scope),
            // other processes write too
            Reader::Postgres(_) => None,
        };
        if let Some(known) = self.downloads.get(key, version) {
            return Ok(Some(known));
        }
        let found = read!(self, "find_download", it => it.find_download(key))?;
        if let (Some(found), Some(version)) = (&found, version) {
            self.downloads.insert(key, version, found.clone());
        }
        Ok(found)
    }

    async fn record_download(&self, new: NewDownload) -> Result<DownloadOutcome, CatalogError> {
        let (key, ends_at) = (new.key.clone(), new.ends_at);
        let event = SealedEvent::of(new.event.clone())?;
        let new = Box::new(new);
        let record = self.writer.call(RecordedDownload { new, event });
        let outcome = self.observed("record_download", record).await?;
        match outcome {
            DownloadOutcome::Recorded => self.downloads.grant(&key, ends_at),
            DownloadOutcome::Granted(end) => self.downloads.grant(&key, end),
            _ => {}
        }
        Ok(outcome)
    }

    async fn assets(&self, scope: &Scope, query: &AssetQuery) -> Result<AssetPage, CatalogError> {
        read!(self, "assets", it => it.assets(scope, query))
    }

    async fn asset_heads(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage<AssetHead>, CatalogError> {
        read!(self, "asset_heads", it => it.asset_heads(scope, query))
    }

    async fn find_records(
        &self,
        scope: &Scope,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, CatalogError> {
        read!(self, "find_records", it => it.find_records(scope, assets))
    }

    async fn cursor_key(&self) -> Result<CursorKey, CatalogError> {
        read!(self, "cursor_key", it => it.cursor_key())
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let operation = match query.selection {
            EventSelection::OfAsset(_) => "events_of",
            _ => "events_after",
        };
        read!(self, operation, it => it.events(scope, query))
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        read!(self, "ready", it => async {
            self.writer.check_writes()?;
            it.ready().await
        })
    }
}

#[async_trait]
impl CatalogCensus for SqlAssetCatalog {
    async fn totals(&self) -> Result<CatalogTotals, CatalogError> {
        read!(self, "totals", it => it.totals())
    }
}
