use std::{future::pending, num::NonZeroU16, sync::Arc, time::Duration};

use nexus_raw::{
    asset::{AssetId, BucketName, ByteSize, RawAsset, Sha256Digest, UploadIntent},
    event::EventType,
    ports::{AssetCatalog as _, SourceObject},
    service::{RawStorageService, UploadPolicy},
    tenancy::Scope,
};
use nexus_raw_testkit::{FakeCatalog, FakeSource, FakeStore, FixedClock, SequentialIds, sample};

use super::super::{
    Import, ImportError, ImportKind, ImportLine, ImportManifest, ImportSettings, ImportSummary,
    asset_id::import_id, naming,
};

/// A source, a store and a catalogue.
pub(super) struct Archive {
    pub(super) source: FakeSource,
    pub(super) store: Arc<FakeStore>,
    pub(super) catalog: FakeCatalog,
    pub(super) service: RawStorageService,
}

pub(super) const PREFIX: &str = "archive/";

pub(super) fn scope() -> Scope {
    sample::scope("t_a", "dev")
}

pub(super) fn source_bucket() -> BucketName {
    BucketName::parse("old-archive").unwrap()
}

pub(super) fn id_of(object: &SourceObject) -> AssetId {
    import_id(&scope(), &source_bucket(), object)
}

impl Archive {
    /// Objects of more than 8 bytes go in parts of that length.
    pub(super) fn with_small_parts() -> Self {
        Self::with_parts_of(8)
    }

    pub(super) fn new() -> Self {
        Self::with_parts_of(ByteSize::PART.get())
    }

    fn with_parts_of(bytes: u64) -> Self {
        let clock = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), clock.clone()));
        let catalog = FakeCatalog::new();
        let policy = UploadPolicy::default()
            .with_max_object_bytes(ByteSize::parse(1000).unwrap())
            .with_part_size_bytes(ByteSize::parse(bytes).unwrap());
        let service = RawStorageService::new(
            store.clone(),
            Arc::new(catalog.clone()),
            clock,
            Arc::new(SequentialIds::seeded(1)),
        );
        Self {
            source: FakeSource::with_prefix(PREFIX),
            store,
            catalog,
            service: service.with_policy(policy),
        }
    }

    pub(super) fn import(&self, manifest: Option<ImportManifest>) -> Import<'_> {
        Import {
            source: &self.source,
            writer: &*self.store,
            storage: &*self.store,
            service: &self.service,
            catalog: &self.catalog,
            settings: ImportSettings {
                bucket: source_bucket(),
                prefix: PREFIX.to_owned(),
                access: sample::access(&scope()),
                context: sample::context(),
                manifest,
                concurrency: NonZeroU16::new(3).unwrap(),
                max_time: None,
            },
        }
    }

    /// Runs to the end, and returns the lines by key.
    pub(super) async fn run(&self) -> (ImportSummary, Vec<ImportLine>) {
        self.run_with(None).await.unwrap()
    }

    pub(super) async fn run_with(
        &self,
        manifest: Option<ImportManifest>,
    ) -> Result<(ImportSummary, Vec<ImportLine>), ImportError> {
        run(&self.import(manifest)).await
    }

    /// The record of an object; it is checked against the store.
    pub(super) async fn record(&self, object: &SourceObject, content: &[u8]) -> RawAsset {
        let id = id_of(object);
        let found = self.catalog.find_asset(&scope(), id).await.unwrap();
        let asset = found.unwrap_or_else(|| panic!("{object:?}")).asset;
        let stored = self.store.object(asset.address()).unwrap();
        assert_eq!(stored.etag, asset.integrity().etag);
        assert_eq!(stored.size_bytes, object.size_bytes);
        assert_eq!(asset.facts().sha256, Sha256Digest::of(content));
        asset
    }

    /// What the import of an object is going to write.
    pub(super) fn intent(&self, object: &SourceObject) -> UploadIntent {
        let filename = naming::filename(&object.key).unwrap();
        let facts = nexus_raw::asset::ContentFacts {
            content_type: naming::content_type(None, &filename),
            filename,
            size_bytes: ByteSize::parse(object.size_bytes).unwrap(),
            sha256: None,
        };
        let access = sample::access(&scope());
        self.service.import_intent(&access, id_of(object), facts)
    }

    /// The assets in order of registration, of which each has exactly one event.
    pub(super) fn registered(&self) -> Vec<AssetId> {
        let events = self.catalog.events_in(&scope());
        let ids = events.iter().map(|event| {
            assert_eq!(event.body.event_type, EventType::RawAssetRegistered);
            assert_eq!(event.body.user_id, sample::user());
            assert_eq!(event.body.trace_id, sample::context().trace_id);
            assert_eq!(event.body.request_id, sample::context().request_id);
            event.body.asset_id
        });
        ids.collect()
    }
}

pub(super) async fn run(
    import: &Import<'_>,
) -> Result<(ImportSummary, Vec<ImportLine>), ImportError> {
    let mut lines = Vec::new();
    let mut report = |line: &ImportLine| {
        lines.push(line.clone());
        Ok(())
    };
    let summary = import.run(pending(), &mut report).await?;
    lines.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((summary, lines))
}

/// The kinds and keys, without the prefix.
pub(super) fn kinds(lines: &[ImportLine]) -> Vec<(ImportKind, &str)> {
    let name = |it: &ImportLine| it.key.strip_prefix(PREFIX).map_or(0, |_| PREFIX.len());
    let lines = lines.iter();
    lines.map(|it| (it.kind, &it.key[name(it)..])).collect()
}

pub(super) const HOUR: Duration = Duration::from_hours(1);
