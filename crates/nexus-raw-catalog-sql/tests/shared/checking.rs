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

use super::{
    inspecting::{abort, begin},
    tamperings::statement,
};

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
