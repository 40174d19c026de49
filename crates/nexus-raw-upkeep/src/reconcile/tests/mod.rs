mod adopting;
mod kinds;
mod lists;
mod resuming;

use std::{path::PathBuf, sync::Arc, time::Duration};

use nexus_raw::{
    asset::{Integrity, IntegrityLevel, UploadIntent},
    ports::{AssetCatalog, StoredObject},
    tenancy::TenantId,
};
use nexus_raw_testkit::{
    FakeBucket, FakeCatalog, FixedClock,
    planted::{PlantedDifference, plant, registration},
    sample, steps,
};
use tempfile::TempDir;

use super::*;

/// A bucket, a catalogue and a work file.
struct BothSides {
    bucket: FakeBucket,
    catalog: Arc<FakeCatalog>,
    clock: FixedClock,
    tenant: Option<TenantId>,
    max_time: Option<Duration>,
    directory: TempDir,
}

impl BothSides {
    fn with(bucket: FakeBucket) -> Self {
        Self {
            bucket,
            catalog: Arc::new(FakeCatalog::new()),
            clock: FixedClock::at(sample::now()),
            tenant: None,
            max_time: None,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn new() -> Self {
        Self::with(FakeBucket::versioned())
    }

    async fn plant(&self, objects: u32) -> Vec<PlantedDifference> {
        let catalog: Arc<dyn AssetCatalog> = self.catalog.clone();
        plant(&self.bucket, &catalog, objects, sample::now()).await
    }

    /// Registers the `n`th asset, whose object was uploaded, and returns its intent and object.
    async fn register(&self, n: u64) -> (UploadIntent, StoredObject) {
        let intent = self.upload(n).await;
        let key = intent.address.key.as_str();
        let stored = self.bucket.object(key, None).await.unwrap().unwrap();
        let integrity = Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: stored.version_id.clone(),
            etag: stored.etag.clone(),
            parts: None,
        };
        let new = registration(&intent, integrity);
        self.catalog.register(new).await.unwrap();
        (intent, stored)
    }

    /// Writes down an intent, and uploads its object.
    async fn upload(&self, n: u64) -> UploadIntent {
        let intent = UploadIntent {
            requested_at: sample::seconds_after(-3600),
            ..sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(n))
        };
        steps::presign(&*self.catalog, &intent).await;
        self.bucket.upload(&intent, sample::CONTENT);
        intent
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    fn work_file(&self) -> WorkFile {
        WorkFile::open(&self.path(), "a test", self.clock.now()).unwrap()
    }

    fn reconciliation(&self) -> Reconciliation<'_> {
        Reconciliation {
            objects: &self.bucket,
            bucket: &self.bucket,
            catalog: &*self.catalog,
            clock: &self.clock,
            adoption: None,
            settings: ReconcileSettings {
                bucket: sample::bucket(),
                tenant: self.tenant.clone(),
                max_time: self.max_time,
            },
        }
    }

    async fn step(&self) -> Result<RunOutcome, ReconcileError> {
        self.reconciliation().run(&mut self.work_file()).await
    }

    /// Runs to the end, and returns the report.
    async fn report(&self) -> ReadReport {
        assert_eq!(self.step().await.unwrap(), RunOutcome::Finished);
        ReadReport::of(&self.work_file())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct ReadReport {
    differences: Vec<Difference>,
    summary: Summary,
    text: String,
}

impl ReadReport {
    fn of(file: &WorkFile) -> Self {
        let [lines, text] = [ReportFormat::JsonLines, ReportFormat::Text].map(|format| {
            let mut out = Vec::new();
            file.report(format, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        });
        let (differences, summary) = lines.trim_end().rsplit_once('\n').unwrap_or(("", &lines));
        let summary: serde_json::Value = serde_json::from_str(summary).unwrap();
        let of_file = file.summary().unwrap();
        assert_eq!(summary, serde_json::json!({ "summary": of_file }));
        let differences = differences.lines().map(serde_json::from_str);
        Self {
            differences: differences.map(Result::unwrap).collect(),
            summary: of_file,
            text,
        }
    }

    /// The kinds and keys, in order.
    fn found(&self) -> Vec<PlantedDifference> {
        let mut found: Vec<_> = self
            .differences
            .iter()
            .map(|it| (it.kind.as_str().to_owned(), it.key.clone()))
            .collect();
        found.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        found
    }

    /// The kinds alone.
    fn kinds(&self) -> Vec<DifferenceKind> {
        self.differences.iter().map(|it| it.kind).collect()
    }
}
