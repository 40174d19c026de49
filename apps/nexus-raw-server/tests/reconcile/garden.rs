use std::{
    process::{Command, Output},
    sync::Arc,
};

use nexus_raw::{
    asset::BucketName,
    ports::{AssetCatalog, Clock as _},
    system::SystemClock,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::planted::{PlantedDifference, ServerBucket, plant};
use serde_json::Value;

use crate::house::House;

/// A house with planted differences and no running server.
pub(crate) struct Garden<H> {
    pub(crate) house: H,
    pub(crate) planted: Vec<PlantedDifference>,
}

/// What a run of the command came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<H: House> Garden<H> {
    /// Plants so many objects, in a bucket with versions or without.
    pub(crate) async fn plant(objects: u32, is_versioned: bool) -> Self {
        let house = H::open();
        // probes the store, and creates a catalogue in a file
        house.start().stop();
        let (endpoint, _store) = house.store_alone();
        let mut bucket = ServerBucket {
            endpoint,
            name: BucketName::parse(house.bucket()).unwrap(),
            is_versioned: false,
        };
        if is_versioned {
            bucket.enable_versions();
        }
        let catalog = Arc::new(SqlAssetCatalog::open(settings(&house)).await.unwrap());
        let port: Arc<dyn AssetCatalog> = catalog.clone();
        let planted = plant(&bucket, &port, objects, SystemClock.now()).await;
        catalog.close().await;
        Self { house, planted }
    }

    /// Returns the command with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.house.program();
        command.arg("reconcile").args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    ran(command.output().unwrap())
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Returns the kinds and keys of the report, in order.
    pub(crate) fn found(&self) -> Vec<PlantedDifference> {
        let lines: Vec<Value> = self
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let (_summary, differences) = lines.split_last().unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let mut found: Vec<_> = differences
            .iter()
            .map(|it| (text(&it["kind"]), text(&it["key"])))
            .collect();
        found.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        found
    }

    pub(crate) fn summary(&self) -> Value {
        let line = self.stdout.lines().next_back().unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        line["summary"].clone()
    }
}

/// The catalogue as the program opens it.
pub(crate) fn settings(house: &impl House) -> SqlCatalogSettings {
    let endpoint = match house.seaweedfs() {
        Some(store) => format!("{}/", store.endpoint()),
        None => "embedded".to_owned(),
    };
    SqlCatalogSettings {
        url: house.catalog_url(),
        max_connections: 4,
        object_store: ObjectStoreIdentity {
            endpoint: Some(endpoint),
            region: "us-east-1".to_owned(),
            bucket: BucketName::parse(house.bucket()).unwrap(),
        },
    }
}
