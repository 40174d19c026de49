use std::{fs, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use md5::{Digest as _, Md5};
use nexus_raw_testkit::sample;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const SCHEMA: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size";

/// A report with these data files, laid out as in the bucket of reports.
struct SampleReport {
    directory: TempDir,
    manifest: Value,
}

impl SampleReport {
    fn of(files: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("nexus-raw-test/all/data");
        fs::create_dir_all(&data).unwrap();
        let mut entries = Vec::new();
        for (number, rows) in files.iter().enumerate() {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(rows.as_bytes()).unwrap();
            let packed = packed.finish().unwrap();
            fs::write(data.join(format!("{number}.csv.gz")), &packed).unwrap();
            entries.push(json!({
                "key": format!("reports/nexus-raw-test/all/data/{number}.csv.gz"),
                "size": packed.len(),
                "MD5checksum": hex::encode(Md5::digest(&packed)),
            }));
        }
        let manifest = json!({
            "sourceBucket": "nexus-raw-test",
            "destinationBucket": "arn:aws:s3:::inventories",
            "version": "2016-11-30",
            "creationTimestamp": "1795482000000",
            "fileFormat": "CSV",
            "fileSchema": SCHEMA,
            "files": entries,
        });
        Self {
            directory,
            manifest,
        }
    }

    fn path(&self) -> PathBuf {
        let report = "nexus-raw-test/all/2026-11-24T01-00Z";
        self.directory.path().join(report).join("manifest.json")
    }

    fn data(&self, number: usize) -> PathBuf {
        let data = format!("nexus-raw-test/all/data/{number}.csv.gz");
        self.directory.path().join(data)
    }

    fn open(&self) -> Result<S3Inventory, S3InventoryError> {
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        fs::write(self.path(), self.manifest.to_string()).unwrap();
        S3Inventory::open(&self.path(), &sample::bucket())
    }
}

fn row(key: &str, version: &str, is_delete_marker: bool) -> String {
    format!("\"nexus-raw-test\",\"{key}\",\"{version}\",\"true\",\"{is_delete_marker}\",\"7\"\n")
}

fn version(key: &str, version_id: Option<&str>, is_delete_marker: bool) -> ListedVersion {
    ListedVersion {
        key: key.to_owned(),
        version_id: version_id.map(str::to_owned),
        is_delete_marker,
    }
}

/// Reads all pages; at each one, `begin` may take another reader.
async fn all(first: S3Inventory, begin: impl Fn() -> Option<S3Inventory>) -> Vec<ListedVersion> {
    let (mut inventory, mut items, mut next) = (first, Vec::new(), None);
    loop {
        let page = inventory.versions("", next.as_ref()).await.unwrap();
        assert!(page.items.len() <= PAGE);
        items.extend(page.items);
        next = page.next;
        if next.is_none() {
            return items;
        }
        inventory = begin().unwrap_or(inventory);
    }
}

fn reason(error: &S3InventoryError) -> String {
    nexus_raw::ErrorChain(error).to_string()
}

#[tokio::test]
async fn versions_and_delete_markers_are_read_and_keys_are_decoded() {
    let rows = [
        row("tenants/a+b%2Bc%C3%BC", "v1", false),
        row("tenants/d", "", false),
        row("tenants/e", "v2", true),
    ];
    let report = SampleReport::of(&[rows.concat()]);
    let inventory = report.open().unwrap();
    assert_eq!(inventory.created_at(), sample::now());
    assert_eq!(
        inventory.complete_until(),
        Some(sample::seconds_after(-24 * 3600))
    );
    assert_eq!(
        all(inventory, || None).await,
        [
            version("tenants/a b+c\u{fc}", Some("v1"), false),
            version("tenants/d", None, false),
            version("tenants/e", Some("v2"), true),
        ]
    );
}

#[tokio::test]
async fn pages_go_through_all_files_also_with_another_reader() {
    let files: Vec<String> = [0, 999, 1, 2500, 1000]
        .iter()
        .enumerate()
        .map(|(file, rows)| {
            let rows = (0..*rows).map(|n| row(&format!("tenants/{file}/{n}"), "v", false));
            rows.collect()
        })
        .collect();
    let report = SampleReport::of(&files);
    let expected: Vec<ListedVersion> = [(1, 999), (2, 1), (3, 2500), (4, 1000)]
        .into_iter()
        .flat_map(|(file, rows)| (0..rows).map(move |n| format!("tenants/{file}/{n}")))
        .map(|key| version(&key, Some("v"), false))
        .collect();
    let one = report.open().unwrap();
    assert_eq!(all(one, || None).await, expected);
    let first = report.open().unwrap();
    assert_eq!(all(first, || report.open().ok()).await, expected);
}

#[tokio::test]
async fn a_report_without_versions_is_of_objects() {
    let mut report = SampleReport::of(&["\"nexus-raw-test\",\"tenants/a\"\n".to_owned()]);
    report.manifest["fileSchema"] = json!("Bucket, Key");
    let items = all(report.open().unwrap(), || None).await;
    assert_eq!(items, [version("tenants/a", None, false)]);
}

#[tokio::test]
async fn a_file_that_is_cut_changed_or_missing_is_refused() {
    let rows: String = (0..2000)
        .map(|n| row(&format!("k{n}"), "v", false))
        .collect();
    for (damage, expected) in [
        ("cut", "its length or digest differs"),
        ("changed", "its length or digest differs"),
        ("missing", "cannot be read"),
    ] {
        let report = SampleReport::of(std::slice::from_ref(&rows));
        let file = report.data(0);
        let mut bytes = fs::read(&file).unwrap();
        match damage {
            "cut" => bytes.truncate(bytes.len() / 2),
            _ => bytes[40] ^= 1,
        }
        fs::write(&file, bytes).unwrap();
        if damage == "missing" {
            fs::remove_file(&file).unwrap();
        }
        let inventory = report.open().unwrap();
        let error = inventory.versions("", None).await.unwrap_err();
        let InventoryError::Unusable(source) = error else {
            panic!("{error:?}");
        };
        assert!(source.to_string().contains(expected), "{damage}: {source}");
    }
}

#[tokio::test]
async fn a_row_that_is_not_as_the_manifest_says_is_refused() {
    for bad in [
        "\"nexus-raw-test\",\"tenants/a\"\n".to_owned(),
        row("tenants/%ff", "v", false),
        row("tenants/a", "v", false).replace("\"false\"", "\"perhaps\""),
    ] {
        let report = SampleReport::of(&[[row("tenants/a", "v", false), bad.clone()].concat()]);
        let page = report.open().unwrap().versions("", None).await;
        assert!(matches!(page, Err(InventoryError::Unusable(_))), "{bad}");
    }
    let report = SampleReport::of(&[]);
    let token = PageToken::new("version a b".to_owned());
    let page = report.open().unwrap().versions("", Some(&token)).await;
    assert!(matches!(page, Err(InventoryError::Unusable(_))));
}

#[test]
fn another_manifest_is_refused_with_the_reason() {
    let with = |name: &str, value: Value| {
        let mut report = SampleReport::of(&[]);
        report.manifest[name] = value;
        reason(&report.open().unwrap_err())
    };
    for (name, value, expected) in [
        (
            "sourceBucket",
            json!("other"),
            "is of bucket \"other\", and not of nexus-raw-test",
        ),
        (
            "fileFormat",
            json!("Parquet"),
            "is in \"Parquet\": configure the inventory to be in CSV",
        ),
        ("fileSchema", json!("Bucket, Size"), "has no column Key"),
        (
            "creationTimestamp",
            json!("yesterday"),
            "has no creation time",
        ),
        ("files", json!(7), "is no manifest of S3 Inventory: "),
    ] {
        let reason = with(name, value);
        assert!(reason.contains(expected), "{reason}");
    }
    let report = SampleReport::of(&[]);
    report.open().unwrap();
    let checksum = report.path().with_file_name("manifest.checksum");
    let digest = hex::encode(Md5::digest(report.manifest.to_string()));
    fs::write(&checksum, format!("{digest}\n")).unwrap();
    report.open().unwrap();
    fs::write(&checksum, "0").unwrap();
    let refused = reason(&report.open().unwrap_err());
    assert!(
        refused.contains("differs from manifest.checksum"),
        "{refused}"
    );
    let nowhere = S3Inventory::open(&report.data(7), &sample::bucket()).unwrap_err();
    assert!(reason(&nowhere).contains("cannot be read"));
}

/// A manifest must not make the program read other files.
#[tokio::test]
async fn a_data_file_is_looked_for_below_the_directories_of_the_manifest_alone() {
    let mut report = SampleReport::of(&[]);
    report.manifest["files"] = json!([
        {"key": "../../../../etc/hostname", "size": 1, "MD5checksum": ""}
    ]);
    let error = report.open().unwrap().versions("", None).await.unwrap_err();
    let InventoryError::Unusable(source) = error else {
        panic!("{error:?}");
    };
    assert!(
        source.to_string().contains("2026-11-24T01-00Z/hostname"),
        "{source}"
    );
}
