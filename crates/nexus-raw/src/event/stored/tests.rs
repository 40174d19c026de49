use super::*;
use crate::{
    asset::{
        BucketName, ContentFacts, Disposition, Filename, FoundContent, InForce, Integrity,
        IntegrityLevel, MultipartUpload, ObjectKey, Provenance, RawAsset, RawAssetParts,
        UploadIntent,
    },
    event::RequestContext,
    tenancy::Scope,
};

fn time(second: i64) -> Timestamp {
    Timestamp::from_micros(1_795_482_000_000_000 + second * 1_000_000).unwrap()
}

fn intent() -> UploadIntent {
    let scope = Scope {
        tenant: TenantId::parse("t_demo").unwrap(),
        environment: Environment::parse("dev").unwrap(),
    };
    let asset_id = AssetId::parse("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11").unwrap();
    let filename = Filename::parse("Gr\u{fc}\u{df}e \"1\".jpg").unwrap();
    UploadIntent {
        asset_id,
        address: ObjectAddress {
            bucket: BucketName::parse("nexus-raw").unwrap(),
            key: ObjectKey::for_asset(&scope, asset_id, &filename),
        },
        scope,
        facts: ContentFacts {
            filename,
            content_type: ContentType::parse("image/jpeg").unwrap(),
            size_bytes: ByteSize::parse(5).unwrap(),
            sha256: Some(Sha256Digest::of(b"hello")),
        },
        multipart: None,
        requested_by: UserId::parse("u_demo").unwrap(),
        requested_at: time(0),
        ends_at: time(60),
    }
}

fn context() -> RequestContext {
    RequestContext {
        trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        request_id: RequestId::parse("req-1").unwrap(),
    }
}

fn record() -> RawAsset {
    let intent = intent();
    let parent = AssetId::parse("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e12").unwrap();
    RawAsset::from_parts(RawAssetParts {
        asset_id: intent.asset_id,
        scope: intent.scope,
        address: intent.address,
        facts: intent.facts.with_sha256(Sha256Digest::of(b"hello")),
        provenance: Provenance {
            lineage: Lineage {
                derived_from: DerivedFrom::parse(vec![parent]).unwrap(),
                source_uri: Some(SourceUri::parse("https://photos.example/1.jpg").unwrap()),
                activity: Some(Activity::parse("crop \\ \u{e9}").unwrap()),
            },
            pii_flags: serde_json::from_str("[\"location\",\"face\"]").unwrap(),
            train_ok: true,
            ..Provenance::default()
        },
        imported_at: Timestamp::from_micros(1_795_482_001_000_100).unwrap(),
        registered_by: UserId::parse("u_demo").unwrap(),
        integrity: Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: None,
            etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
            parts: None,
        },
    })
}

fn in_force() -> InForce {
    let flags = serde_json::from_str("[\"health\"]").unwrap();
    InForce::as_registered(&record(), false).with_stated(Some(false), Some(flags), Some(7))
}

/// A fact of the record, by its JSON on the wire.
fn fact(json: &str) -> EventBody {
    let fact = serde_json::from_str(json).unwrap();
    let user = UserId::parse("u_other").unwrap();
    EventBody::fact_stated(&record(), &in_force(), fact, &user, &context(), time(2))
}

/// A download of the record, whose flags are others by now.
fn download() -> EventBody {
    let in_force = in_force();
    let download = EventDownload {
        disposition: Disposition::Inline,
        expires_at: time(900),
    };
    let user = UserId::parse("u_other").unwrap();
    EventBody::download_presigned(&record(), &in_force, download, &user, &context(), time(2))
}

/// Proofs are built on these bytes too.
#[test]
fn the_texts_of_an_upload_in_parts_are_these() {
    let mut intent = intent();
    intent.multipart = Some(MultipartUpload {
        part_size_bytes: ByteSize::parse(5).unwrap(),
        upload_id: None,
    });
    let user = UserId::parse("u_demo").unwrap();
    let aborted = EventBody::upload_aborted(&intent, &user, &context(), time(2));
    intent.facts.sha256 = None;
    let presigned = EventBody::presigned(&intent, &user, &context(), time(0));
    let mut record = record();
    record = RawAsset::from_parts(RawAssetParts {
        asset_id: record.asset_id(),
        scope: record.scope().clone(),
        address: record.address().clone(),
        facts: record.facts().clone(),
        provenance: Provenance::default(),
        imported_at: time(3),
        registered_by: user,
        integrity: Integrity {
            level: IntegrityLevel::S3CompositeSha256,
            parts: Some(1),
            ..record.integrity().clone()
        },
    });
    let registered = EventBody::registered(&record, &context());
    let id = r#""asset_id":"019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11""#;
    let sha256 = "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"";
    let content = r#""size_bytes":5,"content_type":"image/jpeg","derived_from":[]"#;
    let expected = [
        format!(
            r#"{{"schema_version":"1","event_type":"raw_asset_presigned","occurred_at":"2026-11-24T01:00:00Z",{id},"sha256":null,{content},"pii_flags":null,"train_ok":null}}"#
        ),
        format!(
            r#"{{"schema_version":"1","event_type":"raw_asset_upload_aborted","occurred_at":"2026-11-24T01:00:02Z",{id},"sha256":{sha256},{content},"pii_flags":null,"train_ok":null}}"#
        ),
        format!(
            r#"{{"schema_version":"1","event_type":"raw_asset_registered","occurred_at":"2026-11-24T01:00:03Z",{id},"sha256":{sha256},{content},"pii_flags":[],"train_ok":false,"integrity":{{"level":"s3_composite_sha256","parts":1}}}}"#
        ),
    ];
    for (body, expected) in [presigned, aborted, registered].into_iter().zip(expected) {
        let stored = StoredEvent::of(&body).unwrap();
        assert_eq!(stored.facts, expected);
        let read = StoredEvent::read(&stored.facts, &stored.personal).unwrap();
        assert_eq!(read, body);
        let unstated = stored.facts.replace(sha256, "null");
        let read = StoredEvent::read(&unstated, &stored.personal);
        let is_registered = body.event_type == EventType::RawAssetRegistered;
        assert_eq!(read.is_err(), is_registered, "{unstated}");
        let absent = unstated.replace("\"sha256\":null,", "");
        assert!(StoredEvent::read(&absent, &stored.personal).is_err());
    }
}

/// Proofs are built on these bytes: they never change.
#[test]
fn the_texts_of_an_event_are_these() {
    let intent = intent();
    let presigned = EventBody::presigned(&intent, &intent.requested_by, &context(), time(0));
    let registered = EventBody::registered(&record(), &context());
    let uri = r#""uri":"s3://nexus-raw/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/Grüße \"1\".jpg""#;
    let content = r#""asset_id":"019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size_bytes":5,"content_type":"image/jpeg""#;
    let who = r#""tenant_id":"t_demo","env":"dev","user_id":"u_demo","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","request_id":"req-1""#;
    let expected = [
        StoredEvent {
            facts: format!(
                r#"{{"schema_version":"1","event_type":"raw_asset_presigned","occurred_at":"2026-11-24T01:00:00Z",{content},"derived_from":[],"pii_flags":null,"train_ok":null}}"#
            ),
            personal: format!(r#"{{{who},{uri},"source_uri":null,"activity":null}}"#),
        },
        StoredEvent {
            facts: format!(
                r#"{{"schema_version":"1","event_type":"raw_asset_registered","occurred_at":"2026-11-24T01:00:01.000100Z",{content},"derived_from":["019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e12"],"pii_flags":["location","face"],"train_ok":true,"integrity":{{"level":"s3_sha256"}}}}"#
            ),
            personal: format!(
                r#"{{{who},{uri},"source_uri":"https://photos.example/1.jpg","activity":"crop \\ é","record_sha256":"{}"}}"#,
                Sha256Digest::of(serde_json::to_string(&record()).unwrap().as_bytes())
            ),
        },
        StoredEvent {
            facts: format!(
                r#"{{"schema_version":"1","event_type":"raw_asset_download_presigned","occurred_at":"2026-11-24T01:00:02Z",{content},"derived_from":[],"pii_flags":["health"],"train_ok":false,"download":{{"disposition":"inline","expires_at":"2026-11-24T01:15:00Z"}}}}"#
            ),
            personal: format!(
                r#"{{{},{uri},"source_uri":null,"activity":null}}"#,
                who.replace("u_demo", "u_other")
            ),
        },
    ];
    let bodies = [presigned, registered, download()];
    for (body, expected) in bodies.into_iter().zip(expected) {
        let stored = StoredEvent::of(&body).unwrap();
        assert_eq!(stored, expected);
        let read = StoredEvent::read(&stored.facts, &stored.personal).unwrap();
        assert_eq!(read, body);
    }
}

/// What was found is none of the persons' affair, and no more than one type's.
#[test]
fn the_texts_of_a_verification_are_these() {
    let content = r#""asset_id":"019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size_bytes":5,"content_type":"image/jpeg""#;
    let found = |content: &[u8]| FoundContent {
        sha256: Sha256Digest::of(content),
        size_bytes: ByteSize::parse(content.len().try_into().unwrap()).unwrap(),
    };
    let rotten = Sha256Digest::of(b"rotten");
    let corrupt = format!(
        r#"{{"verdict":"corrupt","sha256":"{rotten}","size_bytes":6,"verified_at":"2026-11-24T01:00:02Z"}}"#
    );
    for (found, event_type, told) in [
        (
            Some(found(b"hello")),
            "raw_asset_verified",
            r#"{"verdict":"intact","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size_bytes":5,"verified_at":"2026-11-24T01:00:02Z"}"#,
        ),
        (Some(found(b"rotten")), "raw_asset_corrupt", &*corrupt),
        (
            None,
            "raw_asset_corrupt",
            r#"{"verdict":"missing","sha256":null,"size_bytes":null,"verified_at":"2026-11-24T01:00:02Z"}"#,
        ),
    ] {
        let verification = Verification::of(record().facts(), found, time(2));
        let user = UserId::parse("u_other").unwrap();
        let body = EventBody::verified(&record(), &in_force(), verification, &user, &context());
        let stored = StoredEvent::of(&body).unwrap();
        let facts = format!(
            r#"{{"schema_version":"1","event_type":"{event_type}","occurred_at":"2026-11-24T01:00:02Z",{content},"derived_from":[],"pii_flags":["health"],"train_ok":false,"verification":{told}}}"#
        );
        assert_eq!(stored.facts, facts);
        let read = StoredEvent::read(&stored.facts, &stored.personal).unwrap();
        assert_eq!(read, body);
        let other = match event_type {
            "raw_asset_verified" => "raw_asset_corrupt",
            _ => "raw_asset_verified",
        };
        let verdicts = ["intact", "corrupt", "missing"];
        let mut forged: Vec<_> = verdicts
            .iter()
            .map(|it| {
                facts.replace(
                    &format!("\"verdict\":\"{}\"", verification.verdict().as_str()),
                    &format!("\"verdict\":\"{it}\""),
                )
            })
            .filter(|it| *it != facts)
            .collect();
        forged.extend([
            facts.replace(event_type, other),
            facts.replace(event_type, "raw_asset_fact_stated"),
            facts.replace(&format!(",\"verification\":{told}"), ""),
            facts.replace(
                "\"verified_at\":\"2026-11-24T01:00:02Z\"",
                "\"verified_at\":\"2026-11-24T01:00:03Z\"",
            ),
            facts.replace(",\"verified_at\":\"2026-11-24T01:00:02Z\"", ""),
        ]);
        for facts in forged {
            assert!(
                StoredEvent::read(&facts, &stored.personal).is_err(),
                "{facts}"
            );
        }
    }
}

/// The value of a fact that may name a person is in the second text.
#[test]
fn the_texts_of_a_fact_are_these() {
    let uri = r#""uri":"s3://nexus-raw/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/Grüße \"1\".jpg""#;
    let content = r#""asset_id":"019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size_bytes":5,"content_type":"image/jpeg""#;
    let who = r#""tenant_id":"t_demo","env":"dev","user_id":"u_other","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","request_id":"req-1""#;
    let health = (r#"["health"]"#, false);
    let evidence = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let with_both = format!(
        r#"{{"kind":"train_ok","value":true,"reason":"asked by \"A\"","evidence_sha256":"{evidence}"}}"#
    );
    let stated_with_both =
        format!(r#"{{"kind":"train_ok","value":true,"evidence_sha256":"{evidence}"}}"#);
    for (wire, (flags, train_ok), stated, personal) in [
        (
            with_both.as_str(),
            (r#"["health"]"#, true),
            stated_with_both.as_str(),
            r#""reason":"asked by \"A\"""#,
        ),
        (
            r#"{"kind":"pii_flags","value":["name","face"],"reason":null,"evidence_sha256":null}"#,
            (r#"["name","face"]"#, false),
            r#"{"kind":"pii_flags","value":["name","face"],"evidence_sha256":null}"#,
            r#""reason":null"#,
        ),
        (
            r#"{"kind":"labels","value":{"b":"2","a":"é"},"reason":null,"evidence_sha256":null}"#,
            health,
            r#"{"kind":"labels","value":null,"evidence_sha256":null}"#,
            r#""reason":null,"labels":{"a":"é","b":"2"}"#,
        ),
        (
            r#"{"kind":"license","value":"CC-BY-4.0","reason":null,"evidence_sha256":null}"#,
            health,
            r#"{"kind":"license","value":"CC-BY-4.0","evidence_sha256":null}"#,
            r#""reason":null"#,
        ),
        (
            r#"{"kind":"rights_holder","value":"Ana","reason":null,"evidence_sha256":null}"#,
            health,
            r#"{"kind":"rights_holder","value":null,"evidence_sha256":null}"#,
            r#""reason":null,"rights_holder":"Ana""#,
        ),
        (
            r#"{"kind":"rights_holder","value":null,"reason":null,"evidence_sha256":null}"#,
            health,
            r#"{"kind":"rights_holder","value":null,"evidence_sha256":null}"#,
            r#""reason":null,"rights_holder":null"#,
        ),
        (
            r#"{"kind":"scan","value":{"verdict":"clean","scanned_at":"2026-11-24T01:00:00.500000Z","scanner":"x"},"reason":null,"evidence_sha256":null}"#,
            health,
            r#"{"kind":"scan","value":{"scanner":"x","verdict":"clean","scanned_at":"2026-11-24T01:00:00.500000Z"},"evidence_sha256":null}"#,
            r#""reason":null"#,
        ),
        (
            r#"{"kind":"c2pa","value":null,"reason":null,"evidence_sha256":null}"#,
            health,
            r#"{"kind":"c2pa","value":null,"evidence_sha256":null}"#,
            r#""reason":null"#,
        ),
    ] {
        let body = fact(wire);
        let stored = StoredEvent::of(&body).unwrap();
        let expected = StoredEvent {
            facts: format!(
                r#"{{"schema_version":"1","event_type":"raw_asset_fact_stated","occurred_at":"2026-11-24T01:00:02Z",{content},"derived_from":[],"pii_flags":{flags},"train_ok":{train_ok},"fact":{stated}}}"#
            ),
            personal: format!(r#"{{{who},{uri},"source_uri":null,"activity":null,{personal}}}"#),
        };
        assert_eq!(stored, expected);
        let read = StoredEvent::read(&stored.facts, &stored.personal).unwrap();
        assert_eq!(read, body);
    }
}

#[test]
fn texts_of_no_fact_or_of_two_are_refused() {
    let of = |kind: &str, value: &str| {
        let json =
            format!(r#"{{"kind":"{kind}","value":{value},"reason":null,"evidence_sha256":null}}"#);
        StoredEvent::of(&fact(&json)).unwrap()
    };
    let [labels, holder, train_ok] = [
        of("labels", "{}"),
        of("rights_holder", "\"Ana\""),
        of("train_ok", "true"),
    ];
    let download = StoredEvent::of(&download()).unwrap();
    let no_reason = train_ok.personal.replace(",\"reason\":null", "");
    let at = train_ok.facts.find(",\"fact\"").unwrap();
    let no_fact = format!("{}}}", &train_ok.facts[..at]);
    let value = holder.facts.replace("\"value\":null", "\"value\":\"Ana\"");
    let other_type = train_ok.facts.replace("fact_stated", "download_presigned");
    for (facts, personal) in [
        (&labels.facts, &holder.personal),
        (&holder.facts, &labels.personal),
        (&labels.facts, &train_ok.personal),
        (&train_ok.facts, &labels.personal),
        (&train_ok.facts, &download.personal),
        (&download.facts, &train_ok.personal),
        (&train_ok.facts, &no_reason),
        (&no_fact, &train_ok.personal),
        (&no_fact, &download.personal),
        (&value, &holder.personal),
        (&other_type, &train_ok.personal),
    ] {
        assert!(
            StoredEvent::read(facts, personal).is_err(),
            "{facts} {personal}"
        );
    }
}

#[test]
fn texts_of_no_event_or_of_two_are_refused() {
    let intent = intent();
    let presigned = EventBody::presigned(&intent, &intent.requested_by, &context(), time(0));
    let presigned = StoredEvent::of(&presigned).unwrap();
    let registered = EventBody::registered(&record(), &context());
    let registered = StoredEvent::of(&registered).unwrap();
    let unknown = presigned.facts.replacen('{', "{\"more\":1,", 1);
    let unproved = registered
        .facts
        .replace(",\"integrity\":{\"level\":\"s3_sha256\"}", "");
    let download = StoredEvent::of(&download()).unwrap();
    let at = download.facts.find(",\"download\"").unwrap();
    let unsaid = format!("{}}}", &download.facts[..at]);
    let said_of = |other: &StoredEvent| {
        let rest = other.facts.strip_suffix('}').unwrap();
        format!("{rest}{}", &download.facts[at..])
    };
    let endless = download
        .facts
        .replace(",\"expires_at\":\"2026-11-24T01:15:00Z\"", "");
    let (said_of_presigned, said_of_registered) = (said_of(&presigned), said_of(&registered));
    for (facts, personal) in [
        (&unsaid, &download.personal),
        (&endless, &download.personal),
        (&said_of_presigned, &presigned.personal),
        (&said_of_registered, &registered.personal),
        (&download.facts, &registered.personal),
        (&presigned.facts, &registered.personal),
        (&registered.facts, &presigned.personal),
        (&unknown, &presigned.personal),
        (&unproved, &registered.personal),
        (&presigned.personal, &presigned.facts),
        (&String::new(), &presigned.personal),
    ] {
        assert!(
            StoredEvent::read(facts, personal).is_err(),
            "{facts} {personal}"
        );
    }
}
