use nexus_raw::{
    asset::{AssetId, Provenance, UploadIntent},
    ports::{CatalogTotals, EventQuery, NewImport, RegisterOutcome},
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, already_registered, bodies_of, intent_state, presign, record,
    register, registered,
};
use crate::sample;

fn import(intent: &UploadIntent, provenance: Provenance) -> NewImport {
    NewImport {
        intent: intent.clone(),
        new: sample::new_asset(intent, provenance),
    }
}

async fn record_import(open: &OpenCatalog, import: &NewImport) -> RegisterOutcome {
    open.catalog.record_import(import.clone()).await.unwrap()
}

/// Record and intent are there, nothing was presigned, and no intent is open.
pub async fn an_import_is_a_record_with_one_event(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = import(&intent, sample::provenance());
    assert_eq!(
        record_import(&open, &new).await,
        RegisterOutcome::Registered
    );
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(registered(&intent, &new.new))
    );
    assert_eq!(
        record(&open, &scope, intent.asset_id).await,
        Some(new.new.asset.clone())
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, new.new.event)]
    );
    let totals = open.census.totals().await.unwrap();
    assert_eq!(totals, CatalogTotals::default());
    // it may be a parent
    let child = sample::intent(&scope, sample::asset_id(2));
    let child = import(&child, sample::derived_from(&[intent.asset_id]));
    assert_eq!(
        record_import(&open, &child).await,
        RegisterOutcome::Registered
    );
}

/// Also if it states other facts, and if the asset was presigned.
pub async fn an_import_again_returns_the_first_and_writes_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let first = import(&intent, sample::provenance());
    record_import(&open, &first).await;
    for provenance in [sample::provenance(), Provenance::default()] {
        let new = sample::new_asset_at(sample::seconds_after(999), &intent, provenance);
        let again = NewImport {
            intent: UploadIntent {
                requested_at: sample::seconds_after(999),
                ..intent.clone()
            },
            new,
        };
        let outcome = record_import(&open, &again).await;
        assert_eq!(outcome, already_registered(&first.new));
    }
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(registered(&intent, &first.new))
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, first.new.event)]
    );
}

/// Positions are those in `derived_from`, and the asset can be imported afterwards.
pub async fn an_import_with_unknown_parents_writes_no_intent(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let ids: [AssetId; 4] = [1, 2, 3, 4].map(sample::asset_id);
    let known = import(&sample::intent(&scope, ids[0]), Provenance::default());
    record_import(&open, &known).await;
    let elsewhere = sample::scope("t_b", "dev");
    let stranger = import(&sample::intent(&elsewhere, ids[1]), Provenance::default());
    record_import(&open, &stranger).await;
    let parents = sample::derived_from(&[ids[1], ids[0], ids[3]]);
    let orphan = import(&sample::intent(&scope, ids[2]), parents);
    assert_eq!(
        record_import(&open, &orphan).await,
        RegisterOutcome::UnknownParents(vec![0, 2])
    );
    assert_eq!(intent_state(&open, &scope, ids[2]).await, None);
    assert_eq!(bodies_of(&open, &scope, ids[2]).await, []);
    let own = sample::derived_from(&[ids[2]]);
    let own = import(&sample::intent(&scope, ids[2]), own);
    assert_eq!(
        record_import(&open, &own).await,
        RegisterOutcome::UnknownParents(vec![0])
    );
    assert_eq!(
        open.census.totals().await.unwrap(),
        CatalogTotals::default()
    );
    let sound = import(
        &sample::intent(&scope, ids[2]),
        sample::derived_from(&[ids[0]]),
    );
    assert_eq!(
        record_import(&open, &sound).await,
        RegisterOutcome::Registered
    );
    let sequences = bodies_of(&open, &scope, ids[2]).await;
    assert_eq!(sequences, [(2, sound.new.event)]);
}

/// As after a restore of an older catalogue, in which an intent was made again.
pub async fn an_import_registers_a_pending_intent(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let new = import(&intent, Provenance::default());
    assert_eq!(
        record_import(&open, &new).await,
        RegisterOutcome::Registered
    );
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(registered(&intent, &new.new))
    );
    assert_eq!(
        open.census.totals().await.unwrap(),
        CatalogTotals::default()
    );
}

/// All others get exactly the record of the first.
pub async fn of_racing_imports_of_an_asset_one_is_recorded(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let mut racers = JoinSet::new();
    for n in 0..30 {
        let at = sample::seconds_after(n);
        let new = NewImport {
            intent: intent.clone(),
            new: sample::new_asset_at(at, &intent, sample::provenance()),
        };
        let open = open.clone();
        racers.spawn(async move { (record_import(&open, &new).await, new) });
    }
    let outcomes = racers.join_all().await;
    let is_first = |outcome: &RegisterOutcome| *outcome == RegisterOutcome::Registered;
    let (first, others): (Vec<_>, Vec<_>) = outcomes.iter().partition(|(it, _)| is_first(it));
    let [(_, first)] = first[..] else {
        panic!("one import is recorded, and not {}", first.len());
    };
    let expected = already_registered(&first.new);
    assert!(others.iter().all(|(outcome, _)| *outcome == expected));
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, first.new.event.clone())]
    );
}

/// In one group too: the first call is written alone, and the others wait and are written together.
pub async fn a_parent_may_be_imported_right_before_its_child(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let ids: [AssetId; 4] = [1, 2, 3, 4].map(sample::asset_id);
    let new = |at: usize, parents: &[AssetId]| {
        let intent = sample::intent(&scope, ids[at]);
        import(&intent, sample::derived_from(parents))
    };
    let (first, parent, child) = (new(0, &[]), new(1, &[]), new(2, &[ids[1]]));
    let orphan = new(3, &[ids[1], sample::asset_id(5)]);
    let outcomes = tokio::join!(
        record_import(&open, &first),
        record_import(&open, &parent),
        record_import(&open, &child),
        record_import(&open, &orphan),
    );
    let expected = [RegisterOutcome::Registered, RegisterOutcome::Registered];
    assert_eq!([outcomes.0, outcomes.1], expected);
    assert_eq!(outcomes.2, RegisterOutcome::Registered);
    assert_eq!(outcomes.3, RegisterOutcome::UnknownParents(vec![1]));
    assert_eq!(
        record(&open, &scope, ids[2]).await,
        Some(child.new.asset.clone())
    );
    assert_eq!(
        open.census.totals().await.unwrap(),
        CatalogTotals::default()
    );
}

/// In groups with presigns and registrations.
pub async fn imports_among_others_leave_no_gap(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut writers = JoinSet::new();
    for n in 0..40 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        let open = open.clone();
        writers.spawn(async move {
            if n % 2 == 0 {
                record_import(&open, &import(&intent, Provenance::default())).await
            } else {
                presign(&open, &intent).await;
                register(&open, &sample::new_asset(&intent, Provenance::default())).await
            }
        });
    }
    let outcomes = writers.join_all().await;
    let is_registered = |it: &RegisterOutcome| *it == RegisterOutcome::Registered;
    assert!(outcomes.iter().all(is_registered));
    let events = open.catalog.events(&scope, &EventQuery::first(1000)).await;
    let sequences = events.unwrap().into_iter().map(|it| it.sequence);
    assert_eq!(
        sequences.collect::<Vec<_>>(),
        (1..=60).collect::<Vec<u64>>()
    );
    assert_eq!(
        open.census.totals().await.unwrap(),
        CatalogTotals::default()
    );
}
