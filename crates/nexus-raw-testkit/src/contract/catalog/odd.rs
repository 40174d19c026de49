//! Values at the edges of what the domain accepts, drawn from a fixed seed.

use nexus_raw::{
    asset::{
        Activity, AssetId, BucketName, ByteSize, CaptureLocation, CapturedAt, ContentFacts,
        ContentType, DerivedFrom, Filename, Integrity, IntegrityLevel, Labels, Lineage,
        ObjectAddress, ObjectKey, PiiFlag, PiiFlags, Provenance, RawAsset, RawAssetParts,
        Sha256Digest, SourceUri, UploadIntent,
    },
    event::EventBody,
    ports::NewAsset,
    tenancy::{Scope, UserId},
    time::Timestamp,
};
use proptest::{
    collection::btree_map,
    num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO},
    option,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};

use crate::sample;

/// An intent and the registration of it.
pub(super) type OddAsset = (UploadIntent, NewAsset);

/// Returns `count` assets of `scope`, the same in every run, numbered from 1.
pub(super) fn assets(scope: &Scope, count: u64) -> Vec<OddAsset> {
    let mut runner = TestRunner::deterministic();
    let draw = |number| {
        let odd = asset(scope.clone(), sample::asset_id(number));
        odd.new_tree(&mut runner).unwrap().current()
    };
    (1..=count).map(draw).collect()
}

fn asset(scope: Scope, id: AssetId) -> impl Strategy<Value = OddAsset> {
    let intent = (facts(), user(), timestamp(), timestamp(), bucket());
    let integrity = (
        select(vec![IntegrityLevel::S3Sha256, IntegrityLevel::StreamSha256]),
        option::of(text(1..=1024)),
        text(1..=64),
    );
    (intent, provenance(), integrity, user(), timestamp()).prop_map(
        move |(intent, provenance, (level, version_id, etag), registered_by, imported_at)| {
            let (facts, requested_by, requested_at, ends_at, bucket) = intent;
            let intent = UploadIntent {
                asset_id: id,
                scope: scope.clone(),
                address: ObjectAddress {
                    bucket,
                    key: ObjectKey::for_asset(&scope, id, &facts.filename),
                },
                facts: facts.clone().into(),
                multipart: None,
                requested_by,
                requested_at,
                ends_at,
            };
            let provenance_digest = provenance.digest();
            let asset = RawAsset::from_parts(RawAssetParts {
                asset_id: id,
                scope: scope.clone(),
                address: intent.address.clone(),
                facts,
                provenance,
                imported_at,
                registered_by,
                integrity: Integrity {
                    level,
                    version_id,
                    etag,
                    parts: None,
                },
            });
            let new = NewAsset {
                event: EventBody::registered(&asset, &sample::context()),
                asset,
                provenance_digest,
            };
            (intent, new)
        },
    )
}

/// Text that breaks naive concatenation: quotes, SQL, JSON, formats, every plane of Unicode.
fn text(bytes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = String> {
    const TRAPS: &[&str] = &[
        "'; DROP TABLE asset; --",
        "\") OR 1=1 --",
        "$1 ?1 :name @p %s {}",
        "{\"a\":[null,1e400]}",
        "\\u0000\\x00\\",
        "a\tb\r\nc\u{1b}[31m",
        "\u{202e}\u{200b}\u{feff}",
        "e\u{301} \u{e9} \u{1f9d1}\u{200d}\u{1f680}",
        "\u{10ffff}\u{fffd}\u{2028}",
        "NULL",
        "0",
        " ",
    ];
    let odd = prop_oneof![
        select(TRAPS).prop_map(str::to_owned),
        proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
        Just("x".repeat(*bytes.end())),
    ];
    odd.prop_map(move |text| {
        let text = text.replace('\0', "");
        let end = (0..=*bytes.end().min(&text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at));
        let text = text[..end.unwrap_or(0)].to_owned();
        if text.len() < *bytes.start() {
            "x".repeat(*bytes.start())
        } else {
            text
        }
    })
}

fn user() -> impl Strategy<Value = UserId> {
    text(1..=255).prop_filter_map("a user id", |text| UserId::parse(&text).ok())
}

fn bucket() -> impl Strategy<Value = BucketName> {
    select(vec!["abc", "nexus-raw-test", "a.bucket-1"])
        .prop_map(|it| BucketName::parse(it).unwrap())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_300_799_999_999;
    prop_oneof![Just(FIRST), Just(LAST), Just(0), Just(-1), FIRST..=LAST]
        .prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

fn facts() -> impl Strategy<Value = ContentFacts> {
    let filename = prop_oneof![
        select(vec![
            "'; DROP TABLE asset; --",
            "100%_.jpg",
            "a b+c&d=e?f#g",
            "\u{1f4f7} \u{65e5}\u{672c}.jpg",
            "...a",
        ])
        .prop_map(|it| Filename::parse(it).unwrap()),
        text(1..=255).prop_filter_map("a file name", |text| Filename::parse(&text).ok()),
    ];
    let content_type = select(vec![
        "application/octet-stream",
        "text/plain; charset=utf-8",
        "a/b;c=\"d 'e' \\\" ; --\"",
    ]);
    let content_type = content_type.prop_map(|it| ContentType::parse(it).unwrap());
    let size = prop_oneof![Just(0), Just((1 << 53) - 1), 0_u64..1 << 53];
    (filename, content_type, size, any::<[u8; 32]>()).prop_map(
        |(filename, content_type, size, sha256)| ContentFacts {
            filename,
            content_type,
            size_bytes: ByteSize::parse(size).unwrap(),
            sha256: Sha256Digest::from_bytes(sha256),
        },
    )
}

fn provenance() -> impl Strategy<Value = Provenance> {
    let captured_at = (timestamp(), -1439_i16..=1439)
        .prop_map(|(at, offset)| CapturedAt::from_parts(at, offset).unwrap());
    let flags = subsequence(PiiFlag::ALL, 0..=PiiFlag::ALL.len()).prop_shuffle();
    let flags = flags.prop_map(|flags| PiiFlags::parse(flags).unwrap());
    let labels = btree_map("[a-z0-9][a-z0-9._-]{0,62}", text(0..=256), 0..=Labels::MAX)
        .prop_map(|labels| Labels::parse(labels).unwrap());
    (
        option::of(captured_at),
        option::of(location()),
        lineage(),
        flags,
        any::<bool>(),
        labels,
    )
        .prop_map(
            |(captured_at, capture_location, lineage, pii_flags, train_ok, labels)| Provenance {
                captured_at,
                capture_location,
                lineage,
                pii_flags,
                train_ok,
                labels,
            },
        )
}

fn location() -> impl Strategy<Value = CaptureLocation> {
    let finite = POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO;
    let radius = POSITIVE | NORMAL | SUBNORMAL | ZERO;
    let latitude = prop_oneof![Just(90.0), Just(-90.0), -90.0..=90.0];
    let longitude = prop_oneof![Just(180.0), Just(-180.0), -180.0..=180.0];
    let altitude = prop_oneof![Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(0.1), finite];
    (
        latitude,
        longitude,
        option::of(altitude),
        option::of(radius),
    )
        .prop_map(|(latitude, longitude, altitude_m, accuracy_m)| {
            CaptureLocation::parse(latitude, longitude, altitude_m, accuracy_m).unwrap()
        })
}

fn lineage() -> impl Strategy<Value = Lineage> {
    let longest = format!("urn:x:{}", "y".repeat(2042));
    let source = prop_oneof![
        Just("https://a.example/%27;%20DROP%20TABLE?q='x'#f".to_owned()),
        Just(longest),
        "(https|HTTP|s3|gs|sftp)://[a-z0-9.-]{1,10}(/[a-zA-Z0-9._~-]{0,40})?",
        "(file|urn|doi|ipfs):[a-zA-Z0-9/._~-]{0,40}",
    ]
    .prop_filter_map("a source", |text| SourceUri::parse(&text).ok());
    let activity = text(0..=128).prop_map(|text| Activity::parse(&text).unwrap());
    (option::of(source), option::of(activity)).prop_map(|(source_uri, activity)| Lineage {
        derived_from: DerivedFrom::default(),
        source_uri,
        activity,
    })
}
