use std::collections::BTreeMap;

use nexus_raw::{
    asset::{
        AssetId, C2pa, C2paState, Fact, FactKind, FactValue, Labels, License, PiiFlag, PiiFlags,
        RawAsset, Reason, RightsHolder, Scan, ScanVerdict, Scanner, Sha256Digest, StatedFact,
    },
    event::{EventBody, EventType},
    ports::{AssetFacts, AssetFilter, AssetQuery, FactOutcome, NewFact},
    tenancy::Scope,
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, downloads, events_after, isolation::strangers, presign,
    presign_and_register, record,
};
use crate::{sample, steps};

async fn registered(open: &OpenCatalog, scope: &Scope, number: u64) -> RawAsset {
    let intent = sample::intent(scope, sample::asset_id(number));
    let new = presign_and_register(open, &intent, sample::provenance()).await;
    new.asset
}

async fn find(open: &OpenCatalog, scope: &Scope, asset: AssetId) -> Option<AssetFacts> {
    open.catalog.find_facts(scope, asset).await.unwrap()
}

async fn facts(
    open: &OpenCatalog,
    scope: &Scope,
    asset: AssetId,
    after: u64,
    limit: u32,
) -> Vec<StatedFact> {
    let facts = open.catalog.facts(scope, asset, after, limit).await;
    facts.unwrap()
}

/// States a fact, which must be recorded, and returns its sequence.
async fn state(open: &OpenCatalog, scope: &Scope, asset: AssetId, value: FactValue) -> u64 {
    steps::state_fact(&*open.catalog, scope, asset, Fact::new(value)).await
}

/// One of each kind.
fn each_kind() -> Vec<Fact> {
    let labels = BTreeMap::from([("k".to_owned(), "v \u{1f600}".to_owned())]);
    let values = [
        FactValue::TrainOk(false),
        FactValue::PiiFlags(PiiFlags::parse(vec![PiiFlag::Other, PiiFlag::Email]).unwrap()),
        FactValue::Labels(Labels::parse(labels).unwrap()),
        FactValue::License(Some(License::parse("MIT OR (X AND LicenseRef-y)").unwrap())),
        FactValue::RightsHolder(Some(RightsHolder::parse("\"Jos\u{e9}\" \\ Ana").unwrap())),
        FactValue::Scan(Some(Scan {
            scanner: Scanner::parse("clamav 1.4").unwrap(),
            verdict: ScanVerdict::Unknown,
            scanned_at: sample::seconds_after(-1),
        })),
        FactValue::C2pa(Some(C2pa {
            state: C2paState::Invalid,
        })),
    ];
    let facts = values.into_iter().enumerate().map(|(n, value)| {
        let reason =
            (n % 2 == 0).then(|| Reason::parse("it's \u{645}\u{6cc}\u{200c}\u{62e}").unwrap());
        let evidence = (n % 3 == 0).then(|| Sha256Digest::of(b"evidence"));
        Fact::new(value).with_reason(reason).with_evidence(evidence)
    });
    facts.collect()
}

/// Each is an event of the scope and in force; the record stays as it was.
pub async fn a_fact_is_an_event_and_in_force(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let id = asset.asset_id();
    let unstated = find(&open, &scope, id).await.unwrap();
    assert_eq!(unstated.listed.asset, asset);
    assert_eq!(unstated.listed.in_force.last_fact, None);
    assert_eq!(unstated.latest, BTreeMap::new());
    let labels = asset.provenance().labels.clone();
    assert_eq!(unstated.in_force().labels, labels);
    let mut stated = Vec::new();
    for (fact, sequence) in each_kind().into_iter().zip(3..) {
        let known = find(&open, &scope, id).await.unwrap();
        let new = steps::new_fact(&known, fact.clone());
        let body = new.event.clone();
        let outcome = open.catalog.record_fact(new).await.unwrap();
        let recorded = FactOutcome::Recorded {
            sequence,
            has_followers: false,
        };
        assert_eq!(outcome, recorded);
        let events = events_after(&open, &scope, sequence - 1, 10).await;
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].sequence, &events[0].body), (sequence, &body));
        assert_eq!(body.event_type, EventType::RawAssetFactStated);
        stated.push(StatedFact::new(
            sequence,
            body.occurred_at,
            body.user_id,
            fact,
        ));
        assert_eq!(facts(&open, &scope, id, 0, 100).await, stated);
        let known = find(&open, &scope, id).await.unwrap();
        assert_eq!(known.listed.in_force.last_fact, Some(sequence));
        assert!(known.latest.values().eq(stated.iter()));
        assert_eq!(record(&open, &scope, id).await.as_ref(), Some(&asset));
    }
    let in_force = find(&open, &scope, id).await.unwrap().in_force();
    assert_eq!(
        (in_force.train_ok, in_force.train_ok_effective),
        (false, false)
    );
    assert_eq!(in_force.withheld_by, [id]);
    let flags = |it: &PiiFlags| it.as_slice().to_vec();
    assert_eq!(flags(&in_force.pii_flags), [PiiFlag::Other, PiiFlag::Email]);
    assert_eq!(in_force.labels.as_map()["k"], "v \u{1f600}");
    assert!(in_force.license.is_some() && in_force.rights_holder.is_some());
    assert!(in_force.scan.is_some() && in_force.c2pa.is_some());
    let listed = open.catalog.find_asset(&scope, id).await.unwrap().unwrap();
    assert_eq!(listed, find(&open, &scope, id).await.unwrap().listed);
    // pages join
    let pages = [(0, 3), (stated[2].sequence, 100)];
    let mut joined = Vec::new();
    for (after, limit) in pages {
        joined.extend(facts(&open, &scope, id, after, limit).await);
    }
    assert_eq!(joined, stated);
    // withdrawn
    for value in [
        FactValue::License(None),
        FactValue::RightsHolder(None),
        FactValue::Scan(None),
        FactValue::C2pa(None),
        FactValue::Labels(Labels::default()),
        FactValue::PiiFlags(PiiFlags::default()),
        FactValue::TrainOk(true),
    ] {
        state(&open, &scope, id, value).await;
    }
    while open.catalog.advance_consent(&scope, 1).await.unwrap() {}
    let in_force = find(&open, &scope, id).await.unwrap().in_force();
    assert_eq!(
        (in_force.train_ok, in_force.train_ok_effective),
        (true, true)
    );
    assert_eq!(in_force.withheld_by, []);
    assert!(in_force.pii_flags.as_slice().is_empty() && in_force.labels.as_map().is_empty());
    assert!(in_force.license.is_none() && in_force.rights_holder.is_none());
    assert!(in_force.scan.is_none() && in_force.c2pa.is_none());
    let open = harness.reopen(open).await;
    assert_eq!(find(&open, &scope, id).await.unwrap().in_force(), in_force);
    assert_eq!(facts(&open, &scope, id, 0, 100).await.len(), 14);
}

/// What its event says would not be in force.
pub async fn a_write_based_on_an_older_fact_is_refused(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let other = registered(&open, &scope, 2).await;
    let known = find(&open, &scope, asset.asset_id()).await.unwrap();
    let late = steps::new_fact(&known, Fact::new(FactValue::TrainOk(true)));
    let value = FactValue::PiiFlags(PiiFlags::default());
    let last = state(&open, &scope, asset.asset_id(), value).await;
    let outcome = open.catalog.record_fact(late.clone()).await.unwrap();
    assert_eq!(outcome, FactOutcome::Changed);
    assert_eq!(downloads::record_first(&open, &asset, None).await, None);
    assert_eq!(events_after(&open, &scope, last, 10).await, []);
    assert!(
        downloads::record_first(&open, &asset, Some(last))
            .await
            .is_some()
    );
    assert!(downloads::record_first(&open, &other, None).await.is_some());
    let newer = NewFact {
        last_fact: Some(last),
        ..late
    };
    let outcome = open.catalog.record_fact(newer).await.unwrap();
    assert!(matches!(outcome, FactOutcome::Recorded { .. }));
}

/// Otherwise two events would both say what is in force after them.
pub async fn of_racing_facts_of_an_asset_one_is_recorded(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let known = find(&open, &scope, asset.asset_id()).await.unwrap();
    let mut callers = JoinSet::new();
    for n in 0..50 {
        let value = FactValue::TrainOk(n % 2 == 0);
        let new = steps::new_fact(&known, Fact::new(value));
        let open = open.clone();
        callers.spawn(async move { open.catalog.record_fact(new).await.unwrap() });
    }
    let outcomes = callers.join_all().await;
    let changed = outcomes.iter().filter(|it| **it == FactOutcome::Changed);
    assert_eq!(changed.count(), 49);
    assert_eq!(
        facts(&open, &scope, asset.asset_id(), 0, 100).await.len(),
        1
    );
}

/// Absent, pending or of another scope: all the same, and nothing is written.
pub async fn what_is_not_registered_has_no_facts(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let known = find(&open, &scope, asset.asset_id()).await.unwrap();
    let new = steps::new_fact(&known, Fact::new(FactValue::TrainOk(false)));
    let mut places = Vec::new();
    for number in [2, 3] {
        places.push((scope.clone(), sample::asset_id(number)));
    }
    presign(&open, &sample::intent(&scope, sample::asset_id(2))).await;
    for stranger in strangers() {
        presign(&open, &sample::intent(&stranger, sample::asset_id(2))).await;
        places.push((stranger, asset.asset_id()));
    }
    for (scope, asset_id) in places {
        assert_eq!(find(&open, &scope, asset_id).await, None);
        let consent = open.catalog.train_ok_effective(&scope, asset_id).await;
        assert_eq!(consent.unwrap(), None);
        assert_eq!(facts(&open, &scope, asset_id, 0, 10).await, []);
        let before = events_after(&open, &scope, 0, 100).await.len();
        let new = NewFact {
            scope: scope.clone(),
            asset_id,
            event: EventBody {
                asset_id,
                ..new.event.clone()
            },
            ..new.clone()
        };
        let outcome = open.catalog.record_fact(new).await.unwrap();
        assert_eq!(outcome, FactOutcome::UnknownAsset, "{scope:?} {asset_id}");
        assert_eq!(events_after(&open, &scope, 0, 100).await.len(), before);
    }
    assert_eq!(facts(&open, &scope, asset.asset_id(), 0, 10).await, []);
}

/// By labels, flags and permission as stated last.
pub async fn lists_are_filtered_by_what_is_in_force(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(registered(&open, &scope, number).await.asset_id());
    }
    let label = |value: &str| BTreeMap::from([("stage".to_owned(), value.to_owned())]);
    let labels = |value| FactValue::Labels(Labels::parse(label(value)).unwrap());
    let listed = async |set: &dyn Fn(&mut AssetFilter)| {
        let mut filter = AssetFilter::default();
        set(&mut filter);
        let query = AssetQuery::newest(filter, 10);
        let page = super::listing::list(&open, &scope, &query).await;
        let assets = page.assets.iter().map(|it| it.asset.asset_id());
        let place = |id| ids.iter().position(|it| *it == id).unwrap();
        assets.map(place).collect::<Vec<_>>()
    };
    let registered_labels = sample::provenance().labels;
    let of_registration = |it: &mut AssetFilter| it.labels = registered_labels.as_map().clone();
    let raw = |it: &mut AssetFilter| it.labels = label("raw");
    let done = |it: &mut AssetFilter| it.labels = label("done");
    assert_eq!(listed(&of_registration).await, [2, 1, 0]);
    state(&open, &scope, ids[0], labels("raw")).await;
    state(&open, &scope, ids[1], labels("raw")).await;
    assert_eq!(listed(&of_registration).await, [2]);
    assert_eq!(listed(&raw).await, [1, 0]);
    state(&open, &scope, ids[0], labels("done")).await;
    assert_eq!(listed(&raw).await, [1]);
    assert_eq!(listed(&done).await, [0]);
    let both = |it: &mut AssetFilter| {
        it.labels = label("done");
        it.filename = Some(sample::facts().filename.to_string());
    };
    assert_eq!(listed(&both).await, [0]);
    let again = FactValue::Labels(registered_labels.clone());
    state(&open, &scope, ids[0], again).await;
    assert_eq!(listed(&of_registration).await, [2, 0]);
    assert_eq!(listed(&done).await, [0; 0]);

    let flags = |flags: &[PiiFlag]| FactValue::PiiFlags(PiiFlags::parse(flags.to_vec()).unwrap());
    state(&open, &scope, ids[0], flags(&[])).await;
    state(
        &open,
        &scope,
        ids[1],
        flags(&[PiiFlag::Other, PiiFlag::Health]),
    )
    .await;
    for flag in PiiFlag::ALL {
        let has = listed(&|it: &mut AssetFilter| it.pii_flag = Some(*flag)).await;
        let of_others = sample::provenance().pii_flags.as_slice().contains(flag);
        let of_one = matches!(flag, PiiFlag::Other | PiiFlag::Health);
        let expected: Vec<_> = [(2, of_others), (1, of_one)]
            .into_iter()
            .filter_map(|(place, has)| has.then_some(place))
            .collect();
        assert_eq!(has, expected, "{flag:?}");
    }

    let own = sample::provenance().train_ok;
    state(&open, &scope, ids[1], FactValue::TrainOk(!own)).await;
    while open.catalog.advance_consent(&scope, 10).await.unwrap() {}
    for allowed in [own, !own] {
        let expected: &[usize] = if allowed == own { &[2, 0] } else { &[1] };
        let by_own = |it: &mut AssetFilter| it.train_ok = Some(allowed);
        assert_eq!(listed(&by_own).await, expected);
        let by_all = |it: &mut AssetFilter| it.train_ok_effective = Some(allowed);
        assert_eq!(listed(&by_all).await, expected);
    }
    for it in [FactKind::TrainOk, FactKind::Labels, FactKind::PiiFlags] {
        let known = find(&open, &scope, ids[1]).await.unwrap();
        assert!(known.latest.contains_key(&it));
    }
}
