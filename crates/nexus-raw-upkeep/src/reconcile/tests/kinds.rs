use nexus_raw::{
    asset::{
        ContentFacts, ContentType, Integrity, IntegrityLevel, ObjectAddress, Provenance,
        Sha256Digest, UploadId,
    },
    event::EventBody,
    ports::{BegunUpload, CompositeDigest, NewParts},
};

use super::*;
use DifferenceKind as Kind;

#[tokio::test]
async fn of_a_thousand_objects_each_planted_difference_is_found_and_none_is_invented() {
    for bucket in [FakeBucket::new(), FakeBucket::versioned()] {
        let house = BothSides::with(bucket);
        let planted = house.plant(1000).await;
        let report = house.report().await;
        assert_eq!(report.found(), planted);
        assert!(report.summary.differs());
        assert_eq!(report.summary.counts.unlisted, 0);
        assert_eq!(report.summary.counts.other_bucket, 0);
    }
}

#[tokio::test]
async fn a_bucket_that_agrees_has_an_empty_report() {
    let house = BothSides::new();
    for n in 0..3 {
        house.register(n).await;
    }
    let report = house.report().await;
    assert_eq!(report.differences, []);
    assert!(!report.summary.differs());
    assert_eq!(
        report.text,
        "a test, begun at 2026-11-24T01:00:00Z\n\
         listed: 3 object versions, 0 delete markers, 0 open uploads\n\
         compared: 3 records, 0 unregistered intents\n\
         no differences\n"
    );
}

#[tokio::test]
async fn an_unregistered_object_alone_is_no_difference() {
    let house = BothSides::new();
    let intent = house.upload(1).await;
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::Unregistered]);
    assert!(!report.summary.differs());

    // the same object once its intent has ended
    house.work_file().remove().unwrap();
    house.clock.set(intent.ends_at);
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::UploadedNeverRegistered]);
    assert!(report.summary.differs());
}

#[tokio::test]
async fn a_difference_is_reported_with_what_either_side_says() {
    let house = BothSides::new();
    let (intent, _) = house.register(1).await;
    let key = intent.address.key.as_str();
    house.bucket.change(key, |object| {
        object.size_bytes = 7;
        object
            .user_metadata
            .insert("env".to_owned(), "\u{1b}[31m".to_owned());
    });
    let report = house.report().await;
    let lines: Vec<&str> = report.text.lines().collect();
    let id = intent.asset_id;
    assert_eq!(lines[0], format!("size {key}; expected 22; found 7"));
    assert_eq!(
        lines[1],
        format!(
            "tenant_metadata {key}; expected asset-id={id}, env=dev, tenant-id=t_a; \
             found asset-id={id}, env=\\u{{1b}}[31m, tenant-id=t_a"
        )
    );
    assert_eq!(lines[5], "differences: 1 size, 1 tenant_metadata");
    let line = serde_json::json!(report.differences[0]);
    assert_eq!(
        line,
        serde_json::json!({
            "kind": "size", "key": key, "tenant_id": "t_a", "env": "dev", "asset_id": id,
            "expected": "22", "found": "7",
        })
    );
}

#[tokio::test]
async fn whose_an_object_is_comes_from_its_key_and_not_from_its_metadata() {
    let house = BothSides::new();
    let (known, _) = house.register(1).await;
    let other = sample::intent(&sample::scope("t_b", "dev"), sample::asset_id(2));
    let lie = house.bucket.upload(&known, sample::CONTENT);
    house.bucket.put_object(other.address.key.as_str(), lie);
    let report = house.report().await;
    let foreign: Vec<_> = report
        .differences
        .iter()
        .filter(|it| it.kind == Kind::Foreign)
        .collect();
    let tenants: Vec<_> = foreign
        .iter()
        .map(|it| it.tenant_id.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(tenants, ["t_b"]);
    assert!(foreign[0].found.as_ref().unwrap().contains("tenant-id=t_a"));
}

#[tokio::test]
async fn the_registered_version_is_compared_also_where_another_one_is_the_latest() {
    let house = BothSides::new();
    let (intent, stored) = house.register(1).await;
    let key = intent.address.key.as_str();
    house.bucket.put(key, b"another object");
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::AnotherObject]);
    let expected = format!("version {}", stored.version_id.unwrap());
    assert_eq!(report.differences[0].expected, Some(expected));

    house.work_file().remove().unwrap();
    house
        .bucket
        .change(key, |object| object.content_type = None);
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::AnotherObject, Kind::ContentType]);
}

#[tokio::test]
async fn a_registered_object_behind_a_delete_marker_is_told_from_a_deleted_one() {
    let house = BothSides::new();
    let (hidden, _) = house.register(1).await;
    house.bucket.delete(hidden.address.key.as_str());
    let (gone, stored) = house.register(2).await;
    let gone = gone.address.key.as_str();
    house.bucket.delete(gone);
    house
        .bucket
        .delete_version(gone, stored.version_id.as_deref());
    // a foreign object that is deleted already
    house.bucket.put("tenants/x", b"");
    house.bucket.delete("tenants/x");
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::DeleteMarker, Kind::MissingObject]);
    assert_eq!(report.summary.delete_markers, 3);
}

/// The bucket got versions later, so the registered version has no id.
#[tokio::test]
async fn a_version_without_an_id_is_found_under_others() {
    let house = BothSides::with(FakeBucket::new());
    let (replaced, _) = house.register(1).await;
    let (deleted, _) = house.register(2).await;
    let (kept, _) = house.register(3).await;
    house.bucket.set_versioned();
    house.bucket.put(replaced.address.key.as_str(), b"another");
    house.bucket.delete(deleted.address.key.as_str());
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::AnotherObject, Kind::DeleteMarker]);
    assert!(
        report
            .differences
            .iter()
            .all(|it| it.key != kept.address.key.as_str())
    );
}

#[tokio::test]
async fn octet_stream_is_compared_only_where_the_store_keeps_it() {
    for (guesses, expected) in [(true, vec![]), (false, vec![Kind::ContentType])] {
        let house = BothSides::new();
        if guesses {
            house.bucket.set_guesses_types();
        }
        let scope = sample::scope("t_a", "dev");
        let facts = ContentFacts {
            content_type: ContentType::parse(ContentType::OCTET_STREAM).unwrap(),
            ..sample::facts()
        };
        let intent = sample::intent_of(&scope, sample::asset_id(1), facts);
        steps::presign(&*house.catalog, &intent).await;
        let mut stored = house.bucket.upload(&intent, sample::CONTENT);
        let key = intent.address.key.as_str();
        if !guesses {
            house
                .bucket
                .change(key, |it| it.content_type = Some("text/plain".to_owned()));
        }
        let integrity = Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: stored.version_id.take(),
            etag: stored.etag,
            parts: None,
        };
        house
            .catalog
            .register(registration(&intent, integrity))
            .await
            .unwrap();
        assert_eq!(house.report().await.kinds(), expected);
    }
}

#[tokio::test]
async fn an_object_in_parts_is_compared_by_the_digests_of_its_parts() {
    let house = BothSides::new();
    let scope = sample::scope("t_a", "dev");
    let parts = sample::parts();
    let composite = CompositeDigest {
        sha256: nexus_raw::asset::DeclaredPart::composite_sha256(&parts),
        parts: 3,
    };
    let other = CompositeDigest {
        sha256: Sha256Digest::of(b"other parts"),
        ..composite
    };
    let mut wrong = None;
    for (n, composite) in [(1, composite), (2, other)] {
        let intent = sample::intent_in_parts(&scope, sample::asset_id(n));
        steps::presign(&*house.catalog, &intent).await;
        let new = NewParts {
            scope: scope.clone(),
            asset_id: intent.asset_id,
            parts: parts.clone(),
        };
        house.catalog.declare_parts(new).await.unwrap();
        let mut stored = house.bucket.upload(&intent, sample::CONTENT);
        let key = intent.address.key.as_str();
        house.bucket.change(key, |it| {
            it.sha256 = None;
            it.composite = Some(composite);
        });
        let integrity = Integrity {
            level: IntegrityLevel::S3CompositeSha256,
            version_id: stored.version_id.take(),
            etag: stored.etag,
            parts: Some(3),
        };
        house
            .catalog
            .register(registration(&intent, integrity))
            .await
            .unwrap();
        wrong = Some(key.to_owned());
    }
    let report = house.report().await;
    assert_eq!(report.found(), [("digest".to_owned(), wrong.unwrap())]);
    assert_eq!(report.summary.counts.without_digest, 0);
}

#[tokio::test]
async fn an_object_without_a_digest_is_counted() {
    let house = BothSides::new();
    let (intent, _) = house.register(1).await;
    house
        .bucket
        .change(intent.address.key.as_str(), |it| it.sha256 = None);
    let report = house.report().await;
    assert_eq!(report.differences, []);
    assert_eq!(report.summary.counts.without_digest, 1);
    assert!(
        report
            .text
            .contains("not compared: the digests of 1 objects")
    );
}

#[tokio::test]
async fn an_object_of_an_aborted_upload_is_one_that_is_never_registered() {
    let house = BothSides::new();
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    steps::presign(&*house.catalog, &intent).await;
    let at = sample::seconds_after(30);
    let event = EventBody::upload_aborted(&intent, &sample::user(), &sample::context(), at);
    house.catalog.record_abort(event).await.unwrap();
    house.bucket.upload(&intent, sample::CONTENT);
    assert_eq!(
        house.report().await.kinds(),
        [Kind::UploadedNeverRegistered]
    );
}

#[tokio::test]
async fn an_open_upload_is_known_by_its_intent_alone() {
    let house = BothSides::new();
    let scope = sample::scope("t_a", "dev");
    let [begun, beginning, single] = [1, 2, 3].map(sample::asset_id);
    let begun = sample::intent_in_parts(&scope, begun);
    let beginning = sample::intent_in_parts(&scope, beginning);
    let single = sample::intent(&scope, single);
    for intent in [&begun, &beginning, &single] {
        steps::presign(&*house.catalog, intent).await;
    }
    let upload_id = UploadId::parse("known").unwrap();
    let known = BegunUpload {
        scope,
        asset_id: begun.asset_id,
        instead_of: None,
        upload_id,
    };
    house.catalog.record_upload(known).await.unwrap();
    let [begun, beginning, single] =
        [&begun, &beginning, &single].map(|it| it.address.key.as_str());
    for (key, id) in [
        (begun, "known"),
        (begun, "second"),
        (begun, "third"),
        (beginning, "not recorded yet"),
        (single, "stray"),
        ("tenants/by-hand", "stray"),
    ] {
        house.bucket.begin(key, id);
    }
    let report = house.report().await;
    let found: Vec<_> = report
        .differences
        .iter()
        .map(|it| (it.kind, &*it.key, it.upload_id.as_deref().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (Kind::UnknownMultipart, "tenants/by-hand", "stray"),
            (Kind::UnknownMultipart, begun, "second"),
            (Kind::UnknownMultipart, begun, "third"),
            (Kind::UnknownMultipart, single, "stray"),
        ]
    );
}

#[tokio::test]
async fn a_tenant_alone_is_compared() {
    let mut house = BothSides::new();
    let planted = house.plant(1000).await;
    house.tenant = Some(TenantId::parse("t_b").unwrap());
    let report = house.report().await;
    let expected: Vec<_> = planted
        .into_iter()
        .filter(|(_, key)| key.starts_with("tenants/t_b/"))
        .collect();
    assert!(expected.len() > 5);
    assert_eq!(report.found(), expected);
    // what does not fit exactly into thirds
    assert!((320..340).contains(&report.summary.counts.records));
}

/// Its bucket is not asked, since this configuration knows nothing of it.
#[tokio::test]
async fn an_intent_of_another_bucket_is_counted_and_not_looked_up() {
    let house = BothSides::new();
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let elsewhere = UploadIntent {
        address: ObjectAddress {
            bucket: BucketName::parse("another-bucket").unwrap(),
            ..intent.address.clone()
        },
        ..intent
    };
    steps::presign_and_register(&*house.catalog, &elsewhere, Provenance::default()).await;
    let report = house.report().await;
    assert_eq!(report.differences, []);
    assert_eq!(report.summary.counts.other_bucket, 1);
    assert!(
        report
            .text
            .contains("not compared: 1 intents and records of other buckets")
    );

    // what is at its key in this bucket is not its object
    house.work_file().remove().unwrap();
    house.bucket.upload(&elsewhere, sample::CONTENT);
    assert_eq!(house.report().await.kinds(), [Kind::Foreign]);
}
