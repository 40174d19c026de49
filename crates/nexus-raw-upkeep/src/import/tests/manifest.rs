use nexus_raw::{
    asset::{Activity, CapturedAt, DerivedFrom, Labels, PiiFlag, PiiFlags, Provenance},
    time::Timestamp,
};
use nexus_raw_testkit::{sample, steps::presign_and_register};

use super::{
    super::{
        ImportError, ImportKind as Kind, ImportManifest, ManifestError, ManifestFaults,
        ManifestForm,
    },
    house::{Archive, PREFIX, kinds, scope},
};

const CSV: &str = "\
key,filename,content_type,captured_at,derived_from,activity,pii_flags,train_ok,label.camera,label.note
archive/a,a.jpg,image/png,2008-10-22T18:28:39+02:00,PARENT,scan,face location,true,COOLPIX,\"of two
lines\"
archive/b,,,,,,,,,
";

const JSON: &str = r#"
{"key": "archive/a", "filename": "a.jpg", "content_type": "image/png", "captured_at": "2008-10-22T18:28:39+02:00", "derived_from": ["PARENT"], "activity": "scan", "pii_flags": ["face", "location"], "train_ok": true, "labels": {"camera": "COOLPIX", "note": "of two\nlines"}}

{"key": "archive/b", "filename": null}
"#;

fn now() -> Timestamp {
    sample::now()
}

fn read(text: &str, form: ManifestForm) -> Result<ImportManifest, ManifestFaults> {
    let parent = sample::asset_id(1).to_string();
    let text = text.replace("PARENT", &parent);
    ImportManifest::read(text.as_bytes(), form, PREFIX, now())
}

fn faults(text: &str, form: ManifestForm) -> Vec<String> {
    let faults = read(text, form).unwrap_err().to_string();
    faults.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_manifest_says_what_objects_are_called_and_where_they_are_from() {
    for (text, form) in [(CSV, ManifestForm::Csv), (JSON, ManifestForm::JsonLines)] {
        let house = Archive::new();
        let parent = sample::intent(&scope(), sample::asset_id(1));
        presign_and_register(&house.catalog, &parent, Provenance::default()).await;
        let a = house.source.put("archive/a", b"a");
        let b = house.source.put("archive/b", b"b");
        let manifest = read(text, form).unwrap();
        let (summary, _) = house.run_with(Some(manifest)).await.unwrap();
        assert_eq!(summary.imported, 2, "{form:?}");
        assert!(!summary.asks_for_action());
        let asset = house.record(&a, b"a").await;
        assert_eq!(asset.facts().filename.as_str(), "a.jpg");
        assert_eq!(asset.facts().content_type.as_str(), "image/png");
        let labels = [("camera", "COOLPIX"), ("note", "of two\nlines")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut expected = Provenance {
            captured_at: Some(CapturedAt::parse("2008-10-22T18:28:39+02:00").unwrap()),
            pii_flags: PiiFlags::parse(vec![PiiFlag::Face, PiiFlag::Location]).unwrap(),
            train_ok: true,
            labels: Labels::parse(labels.into()).unwrap(),
            ..asset.provenance().clone()
        };
        expected.lineage.derived_from = DerivedFrom::parse(vec![parent.asset_id]).unwrap();
        expected.lineage.activity = Some(Activity::parse("scan").unwrap());
        assert_eq!(asset.provenance(), &expected, "{form:?}");
        let asset = house.record(&b, b"b").await;
        assert!(asset.provenance().labels.as_map().is_empty());
    }
}

#[tokio::test]
async fn rows_and_objects_that_do_not_match_are_reported() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    house.source.put("archive/c", b"c");
    let manifest = read("key\narchive/a\narchive/b\n", ManifestForm::Csv).unwrap();
    let (summary, lines) = house.run_with(Some(manifest)).await.unwrap();
    assert_eq!(
        kinds(&lines),
        [
            (Kind::Imported, "a"),
            (Kind::WithoutObject, "b"),
            (Kind::WithoutRow, "c")
        ]
    );
    assert_eq!(lines[1].reason.as_deref(), Some("line 3 of the manifest"));
    assert!(summary.asks_for_action());
    assert_eq!(house.source.opened(), ["archive/a"]);
}

/// What restricts the use of a content must not be lost because the content is there already; once it is
/// in force of that asset, there is nothing to do.
#[tokio::test]
async fn a_restriction_of_a_content_that_is_registered_is_not_lost() {
    for (row, is_lost) in [
        (",", false),
        ("location face,", false),
        (",true", false),
        ("health,", true),
        (",false", true),
    ] {
        let house = Archive::new();
        let own = sample::intent(&scope(), sample::asset_id(1));
        let provenance = Provenance {
            train_ok: true,
            pii_flags: PiiFlags::parse(vec![PiiFlag::Face, PiiFlag::Location]).unwrap(),
            ..Provenance::default()
        };
        presign_and_register(&house.catalog, &own, provenance).await;
        house.source.put("archive/a", sample::CONTENT);
        let text = format!("key,pii_flags,train_ok\narchive/a,{row}\n");
        let manifest = read(&text, ManifestForm::Csv).unwrap();
        let (summary, lines) = house.run_with(Some(manifest)).await.unwrap();
        assert_eq!(
            (summary.refused, summary.same_content),
            (u64::from(is_lost), u64::from(!is_lost))
        );
        if is_lost {
            let reason = lines[0].reason.as_deref().unwrap();
            assert!(reason.contains(&own.asset_id.to_string()), "{reason}");
        }
    }
}

/// As spreadsheets and pandas write them.
#[test]
fn a_manifest_may_begin_with_a_mark_and_have_capitals() {
    for (text, form) in [
        (
            "\u{feff}key,train_ok\r\narchive/a,TRUE\r\narchive/b,False\r\n",
            ManifestForm::Csv,
        ),
        (
            "\u{feff}{\"key\":\"archive/a\",\"train_ok\":true}\r\n{\"key\":\"archive/b\"}\r\n",
            ManifestForm::JsonLines,
        ),
    ] {
        let manifest = read(text, form).unwrap();
        let allowed = |key| manifest.row_of(key).map(|row| row.provenance.train_ok);
        assert_eq!(
            (allowed("archive/a"), allowed("archive/b")),
            (Some(true), Some(false))
        );
    }
    for separator in [";", "\t"] {
        let text = format!("key{separator}filename\narchive/a{separator}a\n");
        assert_eq!(
            faults(&text, ManifestForm::Csv),
            [
                "line 1: cells must be separated by commas",
                "line 1: the header has no column key"
            ]
        );
    }
}

#[test]
fn each_fault_of_a_csv_is_named_by_its_line() {
    let text = "\
key,filename,content_type,captured_at,derived_from,pii_flags,train_ok,label.Camera
,a,,,,,,
elsewhere/a,,,,,,,
archive/a,..,a b,yesterday,x,nose,yes,b
archive/a,,,2999-01-01T00:00:00Z,PARENT PARENT,face face,,
archive/b,,
";
    let mut faults = faults(text, ManifestForm::Csv);
    let lines = faults.iter().map(|it| it.split_once(": ").unwrap().0);
    assert!(lines.is_sorted(), "{faults:#?}");
    let starts = [
        "line 2: key: is missing",
        "line 3: key: does not begin with the prefix of the source",
        "line 4: captured_at: ",
        "line 4: content_type: ",
        "line 4: derived_from: ",
        "line 4: filename: ",
        "line 4: label.Camera: ",
        "line 4: pii_flags: ",
        "line 4: train_ok: must be true or false",
        "line 5: captured_at: lies in the future",
        "line 5: derived_from: repeats an earlier member",
        "line 5: key: is that of line 4",
        "line 5: pii_flags: ",
        "line 6: has another number of cells than the header",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    faults.sort();
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "{start}: {faults:#?}");
    }
}

#[test]
fn a_header_must_be_one_of_a_manifest() {
    for (text, expected) in [
        (
            "name\n",
            vec![
                "line 1: \"name\" is no column of a manifest",
                "line 1: the header has no column key",
            ],
        ),
        (
            "key,label.a,label.a\n",
            vec!["line 1: the column label.a is there twice"],
        ),
        ("", vec!["line 1: the header has no column key"]),
    ] {
        assert_eq!(faults(text, ManifestForm::Csv), expected, "{text:?}");
    }
}

#[test]
fn each_fault_of_json_lines_is_named_by_its_line() {
    let text = r#"{"key": "archive/a", "labels": {"a": "1", "a": "2"}}
{"key": "archive/b", "kye": 1}
{"key": "archive/c", "key": "archive/c"}

not json
{"key": "archive/d", "train_ok": "true"}
{"filename": "a"}
{"key": "archive/a"}
"#;
    let faults = faults(text, ManifestForm::JsonLines);
    let starts = [
        "line 1: label.a: is there twice",
        "line 2: unknown field `kye`",
        "line 3: duplicate field `key`",
        "line 5: ",
        "line 6: invalid type: string \"true\", expected a boolean",
        "line 7: key: is missing",
        "line 8: key: is that of line 1",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "{start}: {faults:#?}");
    }
}

#[test]
fn the_first_hundred_faults_are_named_and_the_others_counted() {
    // two faults of each line but the first, and one that is found before them
    let text = format!("key,train_ok\n{}b/b,yes\n", "b/a,\n".repeat(150));
    let faults = faults(&text, ManifestForm::Csv);
    assert_eq!(faults.len(), 101);
    let lines = faults[..100]
        .iter()
        .map(|it| it.split_once(": ").unwrap().0);
    let expected = (3..103).map(|twice| format!("line {}", twice / 2 + 1));
    assert!(lines.eq(expected), "{faults:#?}");
    assert_eq!(faults[100], "and 201 more");
}

/// Before anything is written.
#[tokio::test]
async fn parents_must_be_registered() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    let manifest = read("key,derived_from\narchive/a,PARENT\n", ManifestForm::Csv).unwrap();
    let faults = house.run_with(Some(manifest)).await.unwrap_err();
    let ImportError::Manifest(ManifestError::Faults(faults)) = faults else {
        panic!("{faults:?}");
    };
    let parent = sample::asset_id(1);
    assert_eq!(
        faults.to_string(),
        format!("line 2: derived_from: {parent} is not registered in this tenant and environment")
    );
    assert_eq!(house.source.opened(), Vec::<String>::new());
    assert_eq!(house.registered(), []);
}

#[test]
fn a_manifest_is_known_by_its_name() {
    for (name, form) in [
        ("a.csv", Some(ManifestForm::Csv)),
        ("a.CSV", Some(ManifestForm::Csv)),
        ("a.jsonl", Some(ManifestForm::JsonLines)),
        ("a.ndjson", Some(ManifestForm::JsonLines)),
        ("a.json", None),
        ("csv", None),
    ] {
        assert_eq!(ManifestForm::of(name.as_ref()), form, "{name}");
    }
}
