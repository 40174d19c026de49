use std::{
    future::{pending, poll_fn, ready},
    num::NonZeroU16,
    task::Poll,
};

use nexus_raw::{
    asset::{IntegrityLevel, Provenance},
    ports::StoreCapabilities,
};
use nexus_raw_testkit::{FakeSource, sample, steps};

use super::{
    super::{ImportEnd, ImportError, ImportKind as Kind, ImportManifest, ManifestForm},
    house::{Archive, HOUR, id_of, kinds, run, scope},
};

#[tokio::test]
async fn each_object_becomes_an_asset_with_one_event() {
    let house = Archive::new();
    let one = house.source.put("archive/2024/one.jpg", b"one");
    let type_of_two = Some("text/csv; header=present");
    let two = house
        .source
        .put_with("archive/t\u{fc}o", type_of_two, None, b"two");
    let empty = house.source.put("archive/empty", b"");
    house.source.put("elsewhere/three", b"three");
    let (summary, lines) = house.run().await;
    assert_eq!((summary.imported, summary.bytes), (3, 6));
    assert!(!summary.asks_for_action());
    assert_eq!(summary.ended, ImportEnd::NothingLeft);
    assert_eq!(
        kinds(&lines),
        [
            (Kind::Imported, "2024/one.jpg"),
            (Kind::Imported, "empty"),
            (Kind::Imported, "t\u{fc}o")
        ]
    );
    assert_eq!(house.registered().len(), 3);

    let asset = house.record(&one, b"one").await;
    assert_eq!(lines[0].asset_id, Some(asset.asset_id()));
    let facts = asset.facts();
    assert_eq!(facts.filename.as_str(), "one.jpg");
    assert_eq!(facts.content_type.as_str(), "image/jpeg");
    assert_eq!(asset.integrity().level, IntegrityLevel::StreamSha256);
    assert_eq!(asset.integrity().parts, None);
    assert_eq!(asset.registered_by(), &sample::user());
    let source_uri = |asset: &nexus_raw::asset::RawAsset| {
        let uri = &asset.provenance().lineage.source_uri;
        uri.as_ref().unwrap().to_string()
    };
    assert_eq!(source_uri(&asset), "s3://old-archive/archive/2024/one.jpg");
    let asset = house.record(&two, b"two").await;
    assert_eq!(facts_of_type(&asset), "text/csv; header=present");
    assert_eq!(source_uri(&asset), "s3://old-archive/archive/t%C3%BCo");
    let asset = house.record(&empty, b"").await;
    assert_eq!(facts_of_type(&asset), "application/octet-stream");
    let stated = Provenance {
        lineage: nexus_raw::asset::Lineage {
            source_uri: asset.provenance().lineage.source_uri.clone(),
            ..<_>::default()
        },
        ..Provenance::default()
    };
    assert_eq!(asset.provenance(), &stated);
}

fn facts_of_type(asset: &nexus_raw::asset::RawAsset) -> &str {
    asset.facts().content_type.as_str()
}

/// It reads nothing of what it has; another version of an object is another one.
#[tokio::test]
async fn a_second_run_imports_only_what_is_new() {
    let house = Archive::new();
    house.source.set_versioned();
    let one = house.source.put("archive/one", b"one");
    house.source.put("archive/two", b"two");
    house.run().await;
    let newer = house.source.put("archive/two", b"another two");
    let opened = house.source.opened().len();
    let (summary, lines) = house.run().await;
    assert_eq!((summary.imported, summary.known), (1, 1));
    assert!(!summary.asks_for_action());
    assert_eq!(lines[0].asset_id, Some(id_of(&one)));
    assert_eq!(lines[0].kind, Kind::Known);
    assert_eq!(house.source.opened()[opened..], ["archive/two"]);
    house.record(&newer, b"another two").await;
    assert_eq!(house.registered().len(), 3);
}

/// Whether it comes with the same list, or was registered by a caller; but not in another scope.
#[tokio::test]
async fn the_same_content_is_reported_and_not_stored_twice() {
    let house = Archive::new();
    let elsewhere = sample::scope("t_a", "prod");
    let stranger = sample::intent(&elsewhere, sample::asset_id(1));
    steps::presign_and_register(&house.catalog, &stranger, Provenance::default()).await;
    for key in ["archive/a", "archive/b", "archive/c"] {
        house.source.put(key, sample::CONTENT);
    }
    let (summary, lines) = house.run().await;
    assert_eq!((summary.imported, summary.same_content), (1, 2));
    assert!(!summary.asks_for_action());
    let first = lines.iter().find(|it| it.kind == Kind::Imported).unwrap();
    assert!(lines.iter().all(|it| it.asset_id == first.asset_id));
    assert_eq!(house.registered().len(), 1);

    let house = Archive::new();
    let own = sample::intent(&scope(), sample::asset_id(1));
    steps::presign_and_register(&house.catalog, &own, Provenance::default()).await;
    house.source.put("archive/a", sample::CONTENT);
    let (summary, lines) = house.run().await;
    assert_eq!((summary.imported, summary.same_content), (0, 1));
    assert_eq!(lines[0].asset_id, Some(own.asset_id));
}

/// Unless a manifest says what it is called.
#[tokio::test]
async fn the_marker_of_a_folder_is_no_asset_and_no_fault() {
    let house = Archive::new();
    let marker = house.source.put("archive/2024/", b"");
    house.source.put("archive/2024/a", b"a");
    let (summary, lines) = house.run().await;
    let expected = [(Kind::Folder, "2024/"), (Kind::Imported, "2024/a")];
    assert_eq!(kinds(&lines), expected);
    assert_eq!((summary.folders, summary.imported), (1, 1));
    assert!(!summary.asks_for_action());
    assert_eq!(house.source.opened(), ["archive/2024/a"]);

    let manifest = |text: &str| {
        let read = ImportManifest::read(text.as_bytes(), ManifestForm::Csv, "", sample::now());
        Some(read.unwrap())
    };
    let without = manifest("key\narchive/2024/a\n");
    let (_, lines) = house.run_with(without).await.unwrap();
    let expected = [(Kind::Folder, "2024/"), (Kind::Known, "2024/a")];
    assert_eq!(kinds(&lines), expected);
    let named = manifest("key,filename\narchive/2024/,folder.txt\narchive/2024/a,\n");
    let (_, lines) = house.run_with(named).await.unwrap();
    assert_eq!(
        lines.iter().filter(|it| it.kind == Kind::Imported).count(),
        1
    );
    let asset = house.record(&marker, b"").await;
    assert_eq!(asset.facts().filename.as_str(), "folder.txt");
}

#[tokio::test]
async fn what_cannot_be_an_asset_is_refused_with_the_reason() {
    let house = Archive::new();
    house.source.put("archive/2024/", b"content");
    house.source.put("archive/a\u{202e}gpj.exe", b"a");
    house.source.put("archive/large", &[0; 1001]);
    house
        .source
        .put_with("archive/packed.csv", None, Some("gzip"), b"b");
    let signed = "archive/z.jpg?X-Amz-Signature=0123";
    house.source.put(signed, b"c");
    let (summary, lines) = house.run().await;
    assert_eq!((summary.refused, summary.imported), (5, 0));
    assert!(summary.asks_for_action());
    let reasons: Vec<&str> = lines
        .iter()
        .map(|it| it.reason.as_deref().unwrap())
        .collect();
    assert!(reasons[0].starts_with("name: "), "{reasons:?}");
    assert!(reasons[1].starts_with("name: "), "{reasons:?}");
    assert_eq!(reasons[2], "it is larger than 1000 bytes");
    assert_eq!(reasons[3], "its bytes are encoded: content-encoding gzip");
    assert_eq!(
        reasons[4],
        "source_uri: must not carry a signature or a key: records and events are read by many"
    );
    assert_eq!(house.registered(), []);
    assert_eq!(house.store.calls().presign, 0);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_is_reported_and_left() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    house.source.replace_when_opened("archive/a");
    let gone = house.source.put("archive/b", b"b");
    let page = house.source.put("archive/c", b"c");
    let import = house.import(None);
    // between the list and the reading
    house
        .source
        .change_list("archive/c", |it| it.size_bytes = 2);
    let (summary, lines) = run(&import).await.unwrap();
    assert_eq!(
        kinds(&lines),
        [
            (Kind::Changed, "a"),
            (Kind::Imported, "b"),
            (Kind::Failed, "c")
        ]
    );
    assert_eq!(
        lines[2].reason.as_deref(),
        Some("the source gave 1 bytes of 2")
    );
    assert!(summary.asks_for_action());
    assert_eq!(house.registered(), [id_of(&gone)]);
    assert_ne!(id_of(&page), id_of(&gone));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_keeps_no_other_from_being_imported() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    house.source.set_denied("archive/a", true);
    house.source.put("archive/b", b"b");
    house.source.break_off("archive/b", 2);
    house.source.put("archive/c", b"c");
    house.source.break_off("archive/c", 3);
    house.source.put("archive/d", b"d");
    let (summary, lines) = house.run().await;
    assert_eq!(
        kinds(&lines),
        [
            (Kind::Failed, "a"),
            (Kind::Imported, "b"),
            (Kind::Failed, "c"),
            (Kind::Imported, "d")
        ]
    );
    let denied = lines[0].reason.as_deref().unwrap();
    assert!(denied.contains("allow s3:GetObject"), "{denied}");
    assert!(summary.asks_for_action());
    house.source.set_denied("archive/a", false);
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, summary.known), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_respond_ends_the_run() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    house.store.set_available(false);
    let ended = house.run_with(None).await.unwrap_err();
    assert!(matches!(ended, ImportError::Storage(_)), "{ended:?}");

    let house = Archive::new();
    for n in 0..150 {
        let key = format!("archive/{n:03}");
        house.source.put(&key, b"a");
        house.source.set_denied(&key, true);
    }
    let ended = house.run_with(None).await.unwrap_err();
    assert!(matches!(ended, ImportError::InARow(100)), "{ended:?}");
}

/// A success in between says that the store is there.
#[tokio::test(start_paused = true)]
async fn a_hundred_failures_that_are_not_in_a_row_end_no_run() {
    let house = Archive::new();
    for n in 0..198 {
        let key = format!("archive/{n:03}");
        house.source.put(&key, b"a");
        house.source.set_denied(&key, n != 99);
    }
    let mut import = house.import(None);
    import.settings.concurrency = NonZeroU16::MIN;
    let (summary, _) = run(&import).await.unwrap();
    assert_eq!((summary.failed, summary.imported), (197, 1));
    // a denied one is not tried again
    assert_eq!(house.source.opened().len(), 198);
}

/// However many there are, each is tried once, and the others are imported.
#[tokio::test(start_paused = true)]
async fn objects_that_the_store_does_not_give_end_no_run() {
    let house = Archive::new();
    for n in 0..150 {
        let key = format!("archive/{n:03}");
        house.source.put(&key, b"a");
        house.source.archive(&key);
    }
    house.source.put("archive/b", b"b");
    let (summary, lines) = house.run().await;
    assert_eq!((summary.failed, summary.imported), (150, 1));
    assert_eq!(house.source.opened().len(), 151);
    let reason = "the source did not give it: the object store does not give the object: \
        the test has made it unreadable";
    assert_eq!(lines[0].reason.as_deref(), Some(reason));
}

/// As in a copy of a bucket of the service.
#[tokio::test]
async fn an_asset_of_another_scope_is_not_imported() {
    let mut house = Archive::new();
    house.source = FakeSource::with_prefix("tenants/");
    let key = |tenant: &str, environment: &str| {
        let intent = sample::intent(&sample::scope(tenant, environment), sample::asset_id(1));
        intent.address.key.as_str().to_owned()
    };
    let own = key("t_a", "dev");
    for key in [&own, &key("t_b", "dev"), &key("t_a", "prod")] {
        house.source.put(key, key.as_bytes());
    }
    let mut import = house.import(None);
    "tenants/".clone_into(&mut import.settings.prefix);
    let (summary, lines) = run(&import).await.unwrap();
    assert_eq!((summary.imported, summary.refused), (1, 2));
    for line in lines {
        let reason = (line.key != own)
            .then_some("its key is that of an asset of another tenant or environment");
        assert_eq!(line.reason.as_deref(), reason, "{}", line.key);
    }
}

/// What a store says is not enforced is read again.
#[tokio::test]
async fn on_a_store_without_trusted_digests_what_was_written_is_read() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    house.run().await;
    assert_eq!(house.store.calls().hash, 0);
    house.store.set_capabilities(StoreCapabilities {
        enforces_sha256: false,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: false,
    });
    house.source.put("archive/b", b"b");
    let (summary, _) = house.run().await;
    assert_eq!(summary.imported, 1);
    assert_eq!(house.store.calls().hash, 1);
}

#[tokio::test]
async fn the_services_own_keys_are_not_imported() {
    let house = Archive::new();
    for prefix in ["tenants/t_a/", "tenants/", "ten", "", "nexus-raw-probe/v1/"] {
        let mut import = house.import(None);
        import.settings.bucket = sample::bucket();
        import.settings.prefix = prefix.to_owned();
        let refused = run(&import).await.unwrap_err();
        assert!(matches!(refused, ImportError::InPlace), "{prefix}");
        import.settings.bucket = super::house::source_bucket();
        assert!(run(&import).await.is_ok(), "{prefix}");
    }
    let mut import = house.import(None);
    import.settings.bucket = sample::bucket();
    house.source.put("archive/a", b"a");
    assert_eq!(run(&import).await.unwrap().0.imported, 1);
}

#[tokio::test]
async fn it_begins_nothing_when_the_time_is_over_or_it_is_stopped() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    let mut import = house.import(None);
    import.settings.max_time = Some(std::time::Duration::ZERO);
    let (summary, lines) = run(&import).await.unwrap();
    assert_eq!((summary.ended, lines.len()), (ImportEnd::TimeOver, 0));
    import.settings.max_time = Some(HOUR);
    let mut reported = 0;
    let mut report = |_: &_| {
        reported += 1;
        Ok(())
    };
    let summary = import.run(ready(()), &mut report).await.unwrap();
    assert_eq!((summary.ended, summary.imported), (ImportEnd::Stopped, 0));
    // what was begun is imported to its end
    let begun = poll_fn(|context| {
        context.waker().wake_by_ref();
        if house.source.opened().is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    });
    let summary = import.run(begun, &mut report).await.unwrap();
    assert_eq!((summary.ended, summary.imported), (ImportEnd::Stopped, 1));
    let summary = import.run(pending(), &mut report).await.unwrap();
    assert_eq!((summary.ended, summary.known), (ImportEnd::NothingLeft, 1));
    assert_eq!(reported, 2);
}
