//! The check of a catalogue against its events.

use std::collections::BTreeSet;

use nexus_raw::{
    asset::{
        AssetId, Disposition, Fact, FactValue, InForce, Labels, License, PiiFlag, PiiFlags,
        Provenance, Reason, Sha256Digest, UploadIntent, Verification,
    },
    event::{EventBody, EventDownload},
    ports::{
        AssetCatalog, DownloadKey, DownloadOutcome, NewDownload, NewVerification,
        VerificationOutcome,
    },
    tenancy::Scope,
};
use nexus_raw_catalog_sql::{CatalogDifference, CatalogInspector, CheckedScope, SqlAssetCatalog};
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register, state_fact},
};

use super::inspecting::{abort, begin};

pub(crate) fn scope() -> Scope {
    sample::scope("t_a", "dev")
}

/// Fills a scope with every kind of event, in this order: the parent 1 and its child 2 (events 1 to
/// 4), the pending 3, 4 and the aborted 5 (5 to 8), facts of 1 (9 to 11) and 2 (12), a verification
/// of 1 (13), a download of 2 (14), and 6, which allows training (15, 16). Another scope has its own.
pub(crate) async fn fill(catalog: &SqlAssetCatalog) {
    let scope = scope();
    let [parent, child, pending, allowed] =
        [1, 2, 3, 6].map(|n| sample::intent(&scope, sample::asset_id(n)));
    let [mut begun, aborted] = [4, 5].map(|n| sample::intent_in_parts(&scope, sample::asset_id(n)));
    presign_and_register(catalog, &parent, sample::provenance()).await;
    let derived = Provenance {
        lineage: sample::derived_from(&[parent.asset_id]).lineage,
        ..sample::provenance()
    };
    presign_and_register(catalog, &child, derived).await;
    for intent in [&pending, &begun, &aborted] {
        presign(catalog, intent).await;
    }
    begin(catalog, &mut begun).await;
    abort(catalog, &aborted).await;
    let flags = PiiFlags::parse(vec![PiiFlag::Name]).unwrap();
    let license = License::parse("CC-BY-4.0").unwrap();
    for value in [
        FactValue::License(Some(license)),
        FactValue::PiiFlags(flags),
        FactValue::TrainOk(false),
    ] {
        state_fact(catalog, &scope, parent.asset_id, Fact::new(value)).await;
    }
    while catalog.advance_consent(&scope, 64).await.unwrap() {}
    let labels = [("camera", "D70"), ("season", "autumn")];
    let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned()));
    let labels = FactValue::Labels(Labels::parse(labels.into()).unwrap());
    let fact = Fact::new(labels)
        .with_reason(Some(Reason::parse("they were wrong").unwrap()))
        .with_evidence(Some(Sha256Digest::of(b"evidence")));
    state_fact(catalog, &scope, child.asset_id, fact).await;
    verify(catalog, &parent).await;
    download(catalog, &child).await;
    presign_and_register(catalog, &allowed, sample::provenance()).await;
    let other = sample::scope("t_b", "dev");
    let intent = sample::intent(&other, sample::asset_id(1));
    presign_and_register(catalog, &intent, sample::provenance()).await;
}

async fn in_force(catalog: &SqlAssetCatalog, intent: &UploadIntent) -> InForce {
    let known = catalog.find_asset(&intent.scope, intent.asset_id).await;
    known.unwrap().unwrap().in_force
}

/// Finds nothing at the address of an object.
async fn verify(catalog: &SqlAssetCatalog, intent: &UploadIntent) {
    let asset = catalog.find_asset(&intent.scope, intent.asset_id).await;
    let asset = asset.unwrap().unwrap().asset;
    let in_force = in_force(catalog, intent).await;
    let verification = Verification::of(asset.facts(), None, sample::seconds_after(200));
    let (user, context) = (sample::user(), sample::context());
    let new = NewVerification {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        last_fact: in_force.last_fact,
        epoch: None,
        verification,
        event: EventBody::verified(&asset, &in_force, verification, &user, &context),
    };
    let recorded = catalog.record_verification(new).await.unwrap();
    assert_eq!(recorded, VerificationOutcome::Recorded);
}

async fn download(catalog: &SqlAssetCatalog, intent: &UploadIntent) {
    let asset = catalog.find_asset(&intent.scope, intent.asset_id).await;
    let asset = asset.unwrap().unwrap().asset;
    let in_force = in_force(catalog, intent).await;
    let key = DownloadKey {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        user: sample::user(),
        disposition: Disposition::Attachment,
    };
    let ends_at = sample::seconds_after(900);
    let stated = EventDownload {
        disposition: key.disposition,
        expires_at: ends_at,
    };
    let (context, at) = (sample::context(), sample::now());
    let new = NewDownload {
        last_fact: in_force.last_fact,
        event: EventBody::download_presigned(&asset, &in_force, stated, &key.user, &context, at),
        key,
        ends_at,
        enough_until: sample::seconds_after(450),
    };
    let recorded = catalog.record_download(new).await.unwrap();
    assert_eq!(recorded, DownloadOutcome::Recorded);
}

/// Returns what was checked, and the differences, sorted: the number of the asset or `?`, the sequence
/// of an event, the place and the kind.
pub(crate) async fn differences(url: &str) -> (CheckedScope, BTreeSet<String>) {
    let inspector = CatalogInspector::open(url).await.unwrap();
    let mut found = BTreeSet::new();
    let mut add = |difference: CatalogDifference| {
        assert!(found.insert(short(&difference)), "{difference} twice");
    };
    let checked = inspector.check(&scope(), &mut add).await.unwrap();
    let other = sample::scope("t_b", "dev");
    let mut of_other = Vec::new();
    let mut add = |difference: CatalogDifference| of_other.push(difference.to_string());
    inspector.check(&other, &mut add).await.unwrap();
    assert_eq!(of_other, [""; 0]);
    (checked, found)
}

fn short(difference: &CatalogDifference) -> String {
    let number = |asset: AssetId| {
        let number = (1..=6).find(|n| sample::asset_id(*n) == asset);
        number.map_or("?".to_owned(), |n| n.to_string())
    };
    let asset = difference.asset_id.map_or("-".to_owned(), number);
    let event = difference.sequence.map(|it| format!("#{it}"));
    format!(
        "{asset}{} {} {}",
        event.unwrap_or_default(),
        difference.place,
        difference.kind.as_str()
    )
}

/// A change of the tables, and what the check says of it.
pub(crate) type Tampering = (&'static str, &'static [&'static str]);

/// One change of every kind. `{a}` is the condition on the scope, `{no}` the id of no asset.
pub(crate) const TAMPERINGS: &[Tampering] = &[
    // the record
    (
        "UPDATE asset SET sha256 = provenance_digest WHERE {a} AND registered_sequence = 2",
        &["1 asset.sha256 differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET size_bytes = 7 WHERE {a} AND registered_sequence = 2",
        &[
            "- scope.registered_bytes differs",
            "1 asset.size_bytes differs",
            "1 record_sha256 differs",
        ],
    ),
    (
        "UPDATE asset SET filename = 'other.jpg' WHERE {a} AND registered_sequence = 2",
        &["1 asset.filename differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET content_type = 'image/png' WHERE {a} AND registered_sequence = 2",
        &["1 asset.content_type differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET imported_at = imported_at + 1 WHERE {a} AND registered_sequence = 2",
        &["1 asset.imported_at differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET registered_by = 'u_other' WHERE {a} AND registered_sequence = 2",
        &["1 asset.registered_by differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_level = 'stream_sha256' WHERE {a} AND registered_sequence = 2",
        &["1 asset.integrity_level differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_parts = 2 WHERE {a} AND registered_sequence = 2",
        &["1 asset.integrity_parts differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_version_id = 'v2' WHERE {a} AND registered_sequence = 2",
        &["1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_etag = 'e2' WHERE {a} AND registered_sequence = 2",
        &["1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET activity = 'other' WHERE {a} AND registered_sequence = 2",
        &["1 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE asset SET train_ok = NOT train_ok WHERE {a} AND registered_sequence = 2",
        &["1 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE asset SET provenance_digest = sha256 WHERE {a} AND registered_sequence = 2",
        &["1 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE asset SET registered_sequence = 99 WHERE {a} AND registered_sequence = 16",
        &["6 asset.registered_sequence differs"],
    ),
    (
        "UPDATE asset SET asset_id = {no} WHERE {a} AND registered_sequence = 16",
        &["6 upload_intent.state invalid", "? asset unfounded"],
    ),
    // labels and edges
    (
        "UPDATE asset_label SET value = 'other' WHERE {a} AND is_registered",
        &[
            "1 asset.provenance_digest invalid",
            "2 asset.provenance_digest invalid",
            "6 asset.provenance_digest invalid",
        ],
    ),
    (
        "UPDATE asset_label SET value = 'other' WHERE {a} AND NOT is_registered",
        &["2 asset_label.value differs"],
    ),
    (
        "DELETE FROM asset_label WHERE {a} AND NOT is_registered",
        &["2 asset_label.value differs"],
    ),
    (
        "UPDATE asset_label SET in_force = NOT in_force WHERE {a} AND NOT is_registered",
        &["2 asset_label.in_force differs"],
    ),
    (
        "UPDATE asset_label SET registered_sequence = 1 WHERE {a} AND registered_sequence = 4",
        &["2 asset_label.registered_sequence differs"],
    ),
    (
        "UPDATE asset_label SET asset_id = {no} WHERE {a} AND NOT is_registered",
        &["2 asset_label.value differs", "? asset_label unfounded"],
    ),
    (
        "DELETE FROM lineage_edge WHERE {a}",
        &["2 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE lineage_edge SET registered_sequence = 1 WHERE {a}",
        &["2 lineage_edge.registered_sequence differs"],
    ),
    // what is in force
    (
        "UPDATE asset SET stated_train_ok = true WHERE {a} AND registered_sequence = 2",
        &["1 asset.stated_train_ok differs"],
    ),
    (
        "UPDATE asset SET stated_pii_flags = '[]' WHERE {a} AND registered_sequence = 2",
        &["1 asset.stated_pii_flags differs"],
    ),
    (
        "UPDATE asset SET last_fact = NULL WHERE {a} AND registered_sequence = 2",
        &["1 asset.last_fact differs"],
    ),
    (
        "UPDATE asset SET train_ok_effective = true WHERE {a} AND registered_sequence = 4",
        &["2 asset.train_ok_effective differs"],
    ),
    (
        "UPDATE asset SET train_ok_effective = false WHERE {a} AND registered_sequence = 16",
        &["6 asset.train_ok_effective differs"],
    ),
    (
        "UPDATE asset SET verdict = 'intact', found_sha256 = sha256, found_size_bytes = size_bytes
         WHERE {a} AND registered_sequence = 2",
        &["- scope.corrupt_count differs", "1 asset.verdict differs"],
    ),
    (
        "UPDATE asset SET verified_at = verified_at + 1 WHERE {a} AND registered_sequence = 2",
        &["1 asset.verdict differs"],
    ),
    (
        "UPDATE stated_fact SET value = 'true' WHERE {a} AND kind = 'train_ok'",
        &["1#11 stated_fact differs"],
    ),
    (
        "UPDATE stated_fact SET reason = 'none' WHERE {a} AND kind = 'labels'",
        &["2#12 stated_fact differs"],
    ),
    (
        "UPDATE stated_fact SET kind = 'nonsense' WHERE {a} AND kind = 'labels'",
        &["2#12 stated_fact.fact invalid"],
    ),
    (
        "DELETE FROM stated_fact WHERE {a} AND kind = 'labels'",
        &["2#12 stated_fact missing"],
    ),
    (
        "UPDATE stated_fact SET sequence = 2 WHERE {a} AND kind = 'train_ok'",
        &["1#11 stated_fact missing", "1#2 stated_fact unfounded"],
    ),
    (
        "DELETE FROM fact_in_force WHERE {a} AND kind = 'license'",
        &["1 fact_in_force differs"],
    ),
    (
        "UPDATE fact_in_force SET sequence = 9 WHERE {a} AND kind = 'train_ok'",
        &["1 fact_in_force differs"],
    ),
    (
        "UPDATE fact_in_force SET asset_id = {no} WHERE {a} AND kind = 'license'",
        &["1 fact_in_force differs", "? fact_in_force unfounded"],
    ),
    // intents
    (
        "UPDATE upload_intent SET state = 'pending' WHERE {a} AND state = 'registered'
            AND asset_id = (SELECT asset_id FROM asset WHERE {a} AND registered_sequence = 2)",
        &[
            "- scope.open_bytes differs",
            "- scope.open_count differs",
            "1 upload_intent.state invalid",
        ],
    ),
    (
        "UPDATE upload_intent SET state = 'ended' WHERE {a} AND state = 'aborted'",
        &["5 upload_intent.state differs"],
    ),
    (
        "UPDATE upload_intent SET state = 'aborted' WHERE {a} AND {pending}",
        &[
            "- scope.open_bytes differs",
            "- scope.open_count differs",
            "3 upload_intent.state differs",
        ],
    ),
    (
        "UPDATE upload_intent SET requested_at = requested_at + 1 WHERE {a} AND {pending}",
        &["3 upload_intent.requested_at differs"],
    ),
    (
        "UPDATE upload_intent SET requested_by = 'u_other' WHERE {a} AND {pending}",
        &["3 upload_intent.requested_by differs"],
    ),
    (
        "UPDATE upload_intent SET filename = 'other.jpg' WHERE {a} AND {pending}",
        &["3#5 upload_intent.filename differs"],
    ),
    (
        "UPDATE upload_intent SET size_bytes = 7 WHERE {a} AND {pending}",
        &[
            "- scope.open_bytes differs",
            "3#5 upload_intent.size_bytes differs",
        ],
    ),
    (
        "UPDATE upload_intent SET content_type = 'image/png' WHERE {a} AND {pending}",
        &["3#5 upload_intent.content_type differs"],
    ),
    (
        "UPDATE upload_intent SET sha256 = (SELECT provenance_digest FROM asset
            WHERE {a} AND registered_sequence = 2) WHERE {a} AND {pending}",
        &["3#5 upload_intent.sha256 differs"],
    ),
    // events
    (
        "UPDATE event SET facts = '{}' WHERE {a} AND sequence = 1",
        &["1#1 event.facts_digest invalid"],
    ),
    (
        "UPDATE event SET facts_salt = facts_digest WHERE {a} AND sequence = 1",
        &["1#1 event.facts_digest invalid"],
    ),
    (
        "UPDATE event SET facts_digest = facts_salt WHERE {a} AND sequence = 1",
        &["1#1 event.facts_digest invalid"],
    ),
    (
        "UPDATE event SET personal = '{}' WHERE {a} AND sequence = 13",
        &["1#13 event.personal_digest invalid"],
    ),
    (
        "UPDATE event SET personal_salt = personal_digest WHERE {a} AND sequence = 13",
        &["1#13 event.personal_digest invalid"],
    ),
    (
        "UPDATE event SET event_type = 'raw_asset_verified' WHERE {a} AND sequence = 1",
        &["1#1 event.event_type invalid"],
    ),
    (
        "UPDATE event SET occurred_at = occurred_at + 1 WHERE {a} AND sequence = 1",
        &["1#1 event.occurred_at invalid"],
    ),
    (
        "UPDATE event SET asset_id = {no} WHERE {a} AND sequence = 14",
        &["?#14 event unfounded", "?#14 event.facts invalid"],
    ),
    (
        "DELETE FROM event WHERE {a} AND sequence = 1",
        &["- scope.last_sequence differs", "-#1 event missing"],
    ),
    (
        "DELETE FROM event WHERE {a} AND sequence = 5",
        &[
            "- scope.last_sequence differs",
            "-#5 event missing",
            "3 upload_intent unfounded",
        ],
    ),
    (
        "DELETE FROM event WHERE {a} AND sequence = 16",
        &[
            "- scope.last_sequence differs",
            "-#16 event missing",
            "6 asset unfounded",
            "6 upload_intent.state differs",
        ],
    ),
    // the scope
    (
        "UPDATE scope SET last_sequence = 17 WHERE {a}",
        &["- scope.last_sequence differs", "-#17 event missing"],
    ),
    (
        "UPDATE scope SET open_count = 1 WHERE {a}",
        &["- scope.open_count differs"],
    ),
    (
        "UPDATE scope SET open_bytes = 1 WHERE {a}",
        &["- scope.open_bytes differs"],
    ),
    (
        "UPDATE scope SET registered_count = 1 WHERE {a}",
        &["- scope.registered_count differs"],
    ),
    (
        "UPDATE scope SET registered_bytes = 1 WHERE {a}",
        &["- scope.registered_bytes differs"],
    ),
    (
        "UPDATE scope SET corrupt_count = 0 WHERE {a}",
        &["- scope.corrupt_count differs"],
    ),
    (
        "UPDATE scope SET restoring = true WHERE {a}",
        &["- scope.restoring differs"],
    ),
    (
        "UPDATE scope SET withdrawing = true WHERE {a}",
        &["- scope.withdrawing differs"],
    ),
];

/// Returns the statement of a tampering.
pub(crate) fn statement(sql: &str) -> String {
    // the first of the pending ones, by the order of ids
    let pending = "asset_id = (SELECT i.asset_id FROM upload_intent i
        WHERE i.tenant_id = 't_a' AND i.state = 'pending' ORDER BY i.asset_id LIMIT 1)";
    sql.replace("{a}", "tenant_id = 't_a'")
        .replace("{pending}", pending)
        .replace("{no}", "(SELECT catalog_id FROM catalog)")
}

/// A catalogue that was written by the service alone has no difference, at any step of a change of
/// consent.
pub(crate) async fn finds_nothing_in_an_untouched_catalogue(catalog: &SqlAssetCatalog, url: &str) {
    fill(catalog).await;
    let (checked, found) = differences(url).await;
    assert_eq!(found, BTreeSet::new());
    assert_eq!((checked.intents, checked.records), (6, 3));
    assert_eq!((checked.events, checked.changes_consent), (16, false));
    let scope = scope();
    for train_ok in [true, false] {
        let fact = Fact::new(FactValue::TrainOk(train_ok));
        state_fact(catalog, &scope, sample::asset_id(1), fact).await;
        loop {
            let (checked, found) = differences(url).await;
            assert_eq!(found, BTreeSet::new(), "{train_ok}");
            let has_more = catalog.advance_consent(&scope, 1).await.unwrap();
            assert!(checked.changes_consent || !has_more);
            if !has_more {
                break;
            }
        }
        assert_eq!(differences(url).await.1, BTreeSet::new());
    }
}

/// More entries than a page, and more events of one asset than a window.
pub(crate) async fn finds_the_one_difference_among_many(
    catalog: &SqlAssetCatalog,
    url: &str,
    tamper: impl AsyncFn(String),
) {
    let scope = scope();
    for number in 1..=120 {
        let intent = sample::intent(&scope, sample::asset_id(number));
        presign_and_register(catalog, &intent, sample::provenance()).await;
    }
    for number in 0..520 {
        let fact = Fact::new(FactValue::TrainOk(number % 2 == 0));
        state_fact(catalog, &scope, sample::asset_id(1), fact).await;
    }
    let other = sample::scope("t_b", "dev");
    presign(catalog, &sample::intent(&other, sample::asset_id(1))).await;
    let (checked, found) = differences(url).await;
    assert_eq!(found, BTreeSet::new());
    assert_eq!((checked.intents, checked.events), (120, 760));
    tamper(statement(
        "UPDATE stated_fact SET stated_by = 'u_other' WHERE {a} AND sequence = 755",
    ))
    .await;
    tamper(statement(
        "UPDATE asset SET integrity_etag = 'e2' WHERE {a} AND registered_sequence = 240",
    ))
    .await;
    let found = differences(url).await.1;
    let expected = ["1#755 stated_fact differs", "? record_sha256 differs"];
    assert_eq!(found, expected.map(str::to_owned).into());
}
