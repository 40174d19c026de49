use nexus_raw::{
    asset::{DeclaredPart, Provenance, Sha256Digest, UploadIntent},
    ports::{
        AbortedUpload, CatalogTotals, IntentState, KeyedOutcome, PartsOutcome, RegisterOutcome,
        RepeatOutcome,
    },
    tenancy::Scope,
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, bodies_of, intent_state, key_of,
    parts::{abort, aborted, begin, declare, declared, upload_id, with_upload},
    pending_under_key, presign, presign_again, presign_keyed, record, register, registered,
};
use crate::sample;

pub(super) async fn open_intents(open: &OpenCatalog) -> CatalogTotals {
    open.census.totals().await.unwrap()
}

pub(super) fn count_of(intents: &[&UploadIntent]) -> CatalogTotals {
    CatalogTotals {
        open_intents: intents.len().try_into().unwrap(),
        corrupt_assets: 0,
        open_bytes: intents.iter().map(|it| it.facts.size_bytes.get()).sum(),
    }
}

fn two_uploads(scope: &Scope) -> [UploadIntent; 2] {
    [1, 2].map(|n| sample::intent_in_parts(scope, sample::asset_id(n)))
}

/// It is one event, and the upload is never registered, presigned or begun again.
pub async fn an_abort_is_an_event_and_for_good(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intents = two_uploads(&scope);
    let [gone, kept] = &intents;
    for intent in &intents {
        presign(&open, intent).await;
        begin(&open, intent, None, "one").await;
        declare(&open, intent, &sample::parts()).await;
    }
    for _ in 0..2 {
        assert_eq!(abort(&open, gone).await, AbortedUpload::Recorded);
        assert_eq!(
            intent_state(&open, &scope, gone.asset_id).await,
            Some(IntentState::Aborted(with_upload(gone, "one")))
        );
        assert_eq!(
            bodies_of(&open, &scope, gone.asset_id).await,
            [(1, sample::presigned(gone)), (3, aborted(gone))]
        );
        assert_eq!(open_intents(&open).await, count_of(&[kept]));
        let new = sample::new_asset(gone, Provenance::default());
        assert_eq!(register(&open, &new).await, RegisterOutcome::Aborted);
        assert_eq!(record(&open, &scope, gone.asset_id).await, None);
        let again = presign_again(&open, gone).await;
        assert_eq!(again, RepeatOutcome::NotPending);
        assert_eq!(begin(&open, gone, Some("one"), "two").await, None);
    }
    assert_eq!(declared(&open, gone).await, sample::parts());
    let new = sample::new_asset(kept, Provenance::default());
    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
}

/// Neither registered assets, nor uploads by one request, nor what is not there.
pub async fn only_a_pending_upload_in_parts_is_aborted(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [done, unknown] = two_uploads(&scope);
    let single = sample::intent(&scope, sample::asset_id(3));
    presign(&open, &done).await;
    let new = sample::new_asset(&done, Provenance::default());
    register(&open, &new).await;
    presign(&open, &single).await;
    for intent in [&done, &single, &unknown] {
        assert_eq!(abort(&open, intent).await, AbortedUpload::NotPending);
    }
    assert_eq!(
        intent_state(&open, &scope, done.asset_id).await,
        Some(registered(&done, &new))
    );
    assert_eq!(
        intent_state(&open, &scope, single.asset_id).await,
        Some(IntentState::Pending(single.clone()))
    );
    assert_eq!(intent_state(&open, &scope, unknown.asset_id).await, None);
    assert_eq!(open_intents(&open).await, count_of(&[&single]));
    assert_eq!(bodies_of(&open, &scope, done.asset_id).await.len(), 2);
    assert_eq!(bodies_of(&open, &scope, single.asset_id).await.len(), 1);
}

/// The next upload with it is another one, until the end of that.
pub async fn an_abort_frees_its_key(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "order-1");
    let mut last = None;
    for number in 1..=3 {
        let intent = sample::intent_in_parts(&scope, sample::asset_id(number));
        assert_eq!(
            presign_keyed(&open, &key, &intent).await,
            KeyedOutcome::Recorded
        );
        let other = sample::intent(&scope, sample::asset_id(100 + number));
        assert_eq!(
            presign_keyed(&open, &key, &other).await,
            KeyedOutcome::KeyStands
        );
        let standing = key_of(&open, &key).await.unwrap();
        assert_eq!(standing, pending_under_key(&intent));
        abort(&open, &intent).await;
        assert_eq!(key_of(&open, &key).await, None);
        last = Some(intent);
    }
    // also for an upload by one request that ends at the same time
    let single = sample::intent(&scope, sample::asset_id(4));
    assert_eq!(
        presign_keyed(&open, &key, &single).await,
        KeyedOutcome::Recorded
    );
    assert_eq!(key_of(&open, &key).await, Some(pending_under_key(&single)));
    let last = last.unwrap();
    assert_eq!(abort(&open, &last).await, AbortedUpload::Recorded);
    assert_eq!(key_of(&open, &key).await, Some(pending_under_key(&single)));
}

/// All callers get the id of the one that was first.
pub async fn of_racing_ids_of_an_upload_one_is_in_force(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let mut before: Option<String> = None;
    for round in ["a", "b"] {
        let mut racers = JoinSet::new();
        for n in 0..32 {
            let (open, intent, before) = (open.clone(), intent.clone(), before.clone());
            racers.spawn(async move {
                let id = format!("{round}-{n}");
                (begin(&open, &intent, before.as_deref(), &id).await, id)
            });
        }
        let ids = racers.join_all().await;
        let won: Vec<_> = ids
            .iter()
            .filter(|(in_force, id)| *in_force == Some(upload_id(id)))
            .collect();
        let [(_, winner)] = won[..] else {
            panic!("expected: one id\n    came: {won:?}");
        };
        let in_force = Some(upload_id(winner));
        assert!(ids.iter().all(|(it, _)| *it == in_force), "{ids:?}");
        before = Some(winner.clone());
    }
}

/// One of the digests is declared, and all who stated another one are told.
pub async fn of_racing_digests_of_a_part_one_is_declared(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let first = sample::parts()[0];
    let mut racers = JoinSet::new();
    for n in 0..32_u8 {
        let (open, intent) = (open.clone(), intent.clone());
        racers.spawn(async move {
            // four digests, each of eight callers
            let sha256 = Sha256Digest::of(&[n % 4]);
            let part = DeclaredPart { sha256, ..first };
            (declare(&open, &intent, &[part]).await, part)
        });
    }
    let outcomes = racers.join_all().await;
    let standing = declared(&open, &intent).await;
    for (outcome, part) in outcomes {
        let expected = if standing == [part] {
            PartsOutcome::Declared
        } else {
            PartsOutcome::Differ(vec![part.number])
        };
        assert_eq!(outcome, expected, "{standing:?}");
    }
}

/// Among parts, and more than once: one of the two happens, once.
pub async fn an_abort_and_a_registration_exclude_each_other(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut left = 0;
    for number in 1..=8 {
        let intent = sample::intent_in_parts(&scope, sample::asset_id(number));
        presign(&open, &intent).await;
        let (mut aborts, mut registrations) = (JoinSet::new(), JoinSet::new());
        for n in 0..16_i64 {
            let (open, intent) = (open.clone(), intent.clone());
            if (n + i64::try_from(number).unwrap()) % 2 == 0 {
                aborts.spawn(async move { abort(&open, &intent).await });
            } else {
                registrations.spawn(async move {
                    let at = sample::seconds_after(n);
                    let new = sample::new_asset_at(at, &intent, Provenance::default());
                    register(&open, &new).await
                });
            }
            tokio::task::yield_now().await;
        }
        let (aborts, registrations) = tokio::join!(aborts.join_all(), registrations.join_all());
        let state = intent_state(&open, &scope, intent.asset_id).await;
        let events = bodies_of(&open, &scope, intent.asset_id).await;
        assert_eq!(events.len(), 2, "{events:?}");
        match state {
            Some(IntentState::Aborted(_)) => {
                assert!(aborts.iter().all(|it| *it == AbortedUpload::Recorded));
                let all_late = registrations
                    .iter()
                    .all(|it| *it == RegisterOutcome::Aborted);
                assert!(all_late, "{registrations:?}");
                assert_eq!(events[1].1, aborted(&intent));
            }
            Some(IntentState::Registered { .. }) => {
                assert!(aborts.iter().all(|it| *it == AbortedUpload::NotPending));
                let won = registrations.iter();
                let won = won.filter(|it| **it == RegisterOutcome::Registered);
                assert_eq!(won.count(), 1);
            }
            other => panic!("expected: one of the two\n    came: {other:?}"),
        }
        assert_eq!(open_intents(&open).await, count_of(&[]));
        left += events.len();
    }
    assert_eq!(left, 16);
}

/// Ids, parts and aborts, and that a key is free.
pub async fn uploads_in_parts_survive_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [gone, kept] = two_uploads(&scope);
    let done = sample::intent_in_parts(&scope, sample::asset_id(3));
    let key = sample::key(&scope, "order-1");
    presign_keyed(&open, &key, &gone).await;
    presign(&open, &kept).await;
    presign(&open, &done).await;
    for intent in [&gone, &kept, &done] {
        begin(&open, intent, None, "one").await;
        declare(&open, intent, &sample::parts()).await;
    }
    abort(&open, &gone).await;
    let new = sample::new_asset(&done, sample::provenance());
    register(&open, &new).await;
    let read = async |open: &OpenCatalog| {
        let mut read = Vec::new();
        for intent in [&gone, &kept, &done] {
            read.push((
                intent_state(open, &scope, intent.asset_id).await,
                declared(open, intent).await,
                bodies_of(open, &scope, intent.asset_id).await,
            ));
        }
        read
    };
    let before = read(&open).await;
    assert!(matches!(before[0].0, Some(IntentState::Aborted(_))));
    let open = harness.reopen(open).await;
    assert_eq!(read(&open).await, before);
    assert_eq!(key_of(&open, &key).await, None);
    assert_eq!(open_intents(&open).await, count_of(&[&kept]));
    assert_eq!(
        begin(&open, &kept, None, "two").await,
        Some(upload_id("one"))
    );
    let late = sample::new_asset(&gone, Provenance::default());
    assert_eq!(register(&open, &late).await, RegisterOutcome::Aborted);
}
