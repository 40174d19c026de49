use nexus_raw::{
    asset::{Disposition, Fact, FactValue, PiiFlag, PiiFlags, RawAsset},
    event::{EventBody, EventDownload},
    ports::{DownloadKey, DownloadOutcome, Downloadable, NewDownload},
    tenancy::{Scope, UserId},
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, events_after, isolation::strangers, presign, presign_and_register,
};
use crate::{sample, steps};

fn key(asset: &RawAsset) -> DownloadKey {
    DownloadKey {
        scope: asset.scope().clone(),
        asset_id: asset.asset_id(),
        user: sample::user(),
        disposition: Disposition::Attachment,
    }
}

/// A download from second `from` to second `to` after [`sample::now`].
fn download(key: &DownloadKey, asset: &RawAsset, from: i64, to: i64) -> NewDownload {
    let in_force = nexus_raw::asset::InForce::as_registered(asset, asset.provenance().train_ok);
    let expires_at = sample::seconds_after(to);
    let stated = EventDownload {
        disposition: key.disposition,
        expires_at,
    };
    let at = sample::seconds_after(from);
    let context = sample::context();
    NewDownload {
        last_fact: None,
        event: EventBody::download_presigned(asset, &in_force, stated, &key.user, &context, at),
        key: key.clone(),
        ends_at: expires_at,
        enough_until: sample::seconds_after(i64::midpoint(from, to)),
    }
}

/// Records a first download that is based on this last fact, and returns its sequence, unless a fact
/// was recorded meanwhile.
pub(super) async fn record_first(
    open: &OpenCatalog,
    asset: &RawAsset,
    last_fact: Option<u64>,
) -> Option<u64> {
    let new = NewDownload {
        last_fact,
        ..download(&key(asset), asset, 0, 900)
    };
    match record(open, new).await {
        DownloadOutcome::Recorded => {
            let events = super::events(open, asset.scope(), asset.asset_id()).await;
            events.last().map(|it| it.sequence)
        }
        DownloadOutcome::Changed => None,
        other => panic!("{other:?}"),
    }
}

async fn registered(open: &OpenCatalog, scope: &Scope) -> RawAsset {
    let intent = sample::intent(scope, sample::asset_id(1));
    let new = presign_and_register(open, &intent, sample::provenance()).await;
    new.asset
}

async fn record(open: &OpenCatalog, new: NewDownload) -> DownloadOutcome {
    open.catalog.record_download(new).await.unwrap()
}

async fn find(open: &OpenCatalog, key: &DownloadKey) -> Option<Downloadable> {
    open.catalog.find_download(key).await.unwrap()
}

/// The record and what is in force come with it; the event is the scope's next.
pub async fn a_recorded_download_is_an_event_and_is_kept_until_its_end(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    let key = key(&asset);
    let found = find(&open, &key).await.unwrap();
    assert_eq!(found.listed.asset, asset);
    assert_eq!(found.listed.sequence, 2);
    assert_eq!(
        found.listed.in_force.pii_flags,
        asset.provenance().pii_flags
    );
    assert_eq!(found.granted_until, None);
    let new = download(&key, &asset, 0, 900);
    let event = new.event.clone();
    assert_eq!(record(&open, new).await, DownloadOutcome::Recorded);
    let found = find(&open, &key).await.unwrap();
    assert_eq!(found.granted_until, Some(sample::seconds_after(900)));
    let events = events_after(&open, &scope, 2, 10).await;
    let bodies: Vec<_> = events
        .into_iter()
        .map(|it| (it.sequence, it.body))
        .collect();
    assert_eq!(bodies, [(3, event)]);
}

/// However often it was asked for before, since answers may come from memory.
pub async fn a_download_shows_what_is_in_force_by_now(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    let key = key(&asset);
    record(&open, download(&key, &asset, 0, 900)).await;
    let before = find(&open, &key).await.unwrap();
    assert_eq!(find(&open, &key).await.as_ref(), Some(&before));
    let flags = PiiFlags::parse(vec![PiiFlag::Email]).unwrap();
    for value in [
        FactValue::PiiFlags(flags.clone()),
        FactValue::TrainOk(false),
    ] {
        let fact = Fact::new(value);
        let last = steps::state_fact(&*open.catalog, &scope, key.asset_id, fact).await;
        let listed = find(&open, &key).await.unwrap().listed;
        assert_eq!(listed.in_force.last_fact, Some(last));
        assert_eq!(listed.in_force.pii_flags, flags);
        let read = open.catalog.find_asset(&scope, key.asset_id).await;
        assert_eq!(*listed, read.unwrap().unwrap());
    }
    let granted = find(&open, &key).await.unwrap().granted_until;
    assert_eq!(granted, before.granted_until);
}

/// Up to and including the time that the caller names; then it is written again.
pub async fn a_download_that_is_still_good_writes_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    let key = key(&asset);
    let recorded = record(&open, download(&key, &asset, 0, 900)).await;
    assert_eq!(recorded, DownloadOutcome::Recorded);
    let granted = DownloadOutcome::Granted(sample::seconds_after(900));
    for (from, to) in [(0, 900), (100, 101), (450, 1350), (0, 1800)] {
        let outcome = record(&open, download(&key, &asset, from, to)).await;
        assert_eq!(outcome, granted, "{from} {to}");
    }
    assert_eq!(events_after(&open, &scope, 3, 10).await, []);
    let outcome = record(&open, download(&key, &asset, 452, 1352)).await;
    assert_eq!(outcome, DownloadOutcome::Recorded);
    let found = find(&open, &key).await.unwrap();
    assert_eq!(found.granted_until, Some(sample::seconds_after(1352)));
    assert_eq!(events_after(&open, &scope, 3, 10).await.len(), 1);
}

/// Each is a key of its own.
pub async fn downloads_of_other_scopes_users_assets_and_dispositions_do_not_meet(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    let other = sample::intent(&scope, sample::asset_id(2));
    let other = presign_and_register(&open, &other, sample::provenance()).await;
    let first = key(&asset);
    record(&open, download(&first, &asset, 0, 900)).await;
    let mut others = vec![
        (
            DownloadKey {
                user: UserId::parse("u_other").unwrap(),
                ..first.clone()
            },
            asset.clone(),
        ),
        (
            DownloadKey {
                disposition: Disposition::Inline,
                ..first.clone()
            },
            asset,
        ),
        (key(&other.asset), other.asset),
    ];
    for stranger in strangers() {
        let asset = registered(&open, &stranger).await;
        others.push((key(&asset), asset));
    }
    for (other, asset) in others {
        assert_eq!(find(&open, &other).await.unwrap().granted_until, None);
        let outcome = record(&open, download(&other, &asset, 0, 900)).await;
        assert_eq!(outcome, DownloadOutcome::Recorded, "{other:?}");
    }
}

/// Absent, pending or of another scope: all the same, and nothing is written.
pub async fn what_is_not_registered_is_not_downloaded(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    presign(&open, &sample::intent(&scope, sample::asset_id(2))).await;
    let mut keys = [2, 3].map(|number| DownloadKey {
        asset_id: sample::asset_id(number),
        ..key(&asset)
    });
    let [pending, absent] = &mut keys;
    let mut keys = vec![pending.clone(), absent.clone()];
    for stranger in strangers() {
        presign(&open, &sample::intent(&stranger, sample::asset_id(2))).await;
        keys.push(DownloadKey {
            scope: stranger,
            ..key(&asset)
        });
    }
    for key in keys {
        assert_eq!(find(&open, &key).await, None, "{key:?}");
        let new = download(&key, &asset, 0, 900);
        let before = events_after(&open, &key.scope, 0, 100).await.len();
        let outcome = record(&open, new).await;
        assert_eq!(outcome, DownloadOutcome::UnknownAsset, "{key:?}");
        let events = events_after(&open, &key.scope, 0, 100).await.len();
        assert_eq!(events, before, "{key:?}");
    }
}

/// The others are given its end, not the one that they requested.
pub async fn however_many_downloads_race_one_is_an_event(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    let key = key(&asset);
    let mut callers = JoinSet::new();
    for n in 0..50 {
        let (open, new) = (open.clone(), download(&key, &asset, n % 3, 900));
        callers.spawn(async move { record(&open, new).await });
    }
    let outcomes = callers.join_all().await;
    let recorded = outcomes
        .iter()
        .filter(|it| **it == DownloadOutcome::Recorded);
    assert_eq!(recorded.count(), 1);
    let granted = DownloadOutcome::Granted(sample::seconds_after(900));
    assert_eq!(outcomes.iter().filter(|it| **it == granted).count(), 49);
    assert_eq!(events_after(&open, &scope, 2, 100).await.len(), 1);
}

/// Otherwise a restart would let a caller write events without bound.
pub async fn downloads_are_there_after_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope).await;
    let key = key(&asset);
    record(&open, download(&key, &asset, 0, 900)).await;
    let before = find(&open, &key).await;
    let open = harness.reopen(open).await;
    assert_eq!(find(&open, &key).await, before);
    let outcome = record(&open, download(&key, &asset, 1, 901)).await;
    let granted = DownloadOutcome::Granted(sample::seconds_after(900));
    assert_eq!(outcome, granted);
}
