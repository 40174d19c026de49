use nexus_raw::{
    asset::{AssetId, Provenance, RawAsset, Verdict},
    ports::{RegisterOutcome, ScopeRecords, UnverifiedPlace},
    tenancy::Scope,
};

use super::{
    CatalogHarness, OpenCatalog, presign, register, strangers,
    verifications::{record, verification},
};
use crate::sample;

/// Registers the `number`th asset at `seconds` after [`sample::now`].
async fn registered_at(open: &OpenCatalog, scope: &Scope, number: u64, seconds: i64) -> RawAsset {
    let intent = sample::intent(scope, sample::asset_id(number));
    presign(open, &intent).await;
    let at = sample::seconds_after(seconds);
    let new = sample::new_asset_at(at, &intent, Provenance::default());
    assert_eq!(register(open, &new).await, RegisterOutcome::Registered);
    new.asset
}

/// All that was not verified since `seconds` after [`sample::now`], in pages of this many.
async fn unverified(
    open: &OpenCatalog,
    scope: &Scope,
    seconds: i64,
    limit: u32,
) -> Vec<(AssetId, i64)> {
    let before = sample::seconds_after(seconds);
    let (mut all, mut after) = (Vec::new(), None::<UnverifiedPlace>);
    loop {
        let page = open.backlog.unverified(scope, before, after, limit);
        let page = page.await.unwrap();
        let Some(last) = page.last() else {
            return all;
        };
        assert!(page.len() <= usize::try_from(limit).unwrap());
        after = Some(last.place);
        for it in page {
            assert_eq!(it.size_bytes, sample::facts().size_bytes);
            let micros = it.place.since.as_micros() - sample::now().as_micros();
            all.push((it.asset_id, micros / 1_000_000));
        }
    }
}

/// Whatever the verdict. Of two of one time, the one that was registered first.
pub async fn the_longest_unverified_assets_come_first_in_pages_that_join(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [prod, ..] = strangers();
    let mut assets = Vec::new();
    for (number, seconds) in [(1, 50), (2, 10), (3, 30), (4, 30), (5, 20), (6, 70)] {
        assets.push(registered_at(&open, &scope, number, seconds).await);
    }
    registered_at(&open, &prod, 7, 0).await;
    presign(&open, &sample::intent(&scope, sample::asset_id(8))).await;
    let ids = |expected: &[(u64, i64)]| -> Vec<_> {
        let ids = expected.iter().map(|(n, at)| (sample::asset_id(*n), *at));
        ids.collect()
    };
    let all = ids(&[(2, 10), (5, 20), (3, 30), (4, 30), (1, 50), (6, 70)]);
    for limit in [1, 2, 5, 100] {
        assert_eq!(unverified(&open, &scope, 71, limit).await, all);
    }
    for (asset, verdict, at) in [
        (&assets[1], Verdict::Intact, 60),
        (&assets[4], Verdict::Missing, 65),
        (&assets[0], Verdict::Corrupt, 80),
    ] {
        record(&open, verification(asset, verdict, at)).await;
    }
    let open = harness.reopen(open).await;
    let since = ids(&[(3, 30), (4, 30), (2, 60), (5, 65), (6, 70), (1, 80)]);
    for (before, count) in [(30, 0), (31, 2), (66, 4), (80, 5), (81, 6)] {
        assert_eq!(
            unverified(&open, &scope, before, 2).await,
            since[..count],
            "{before}"
        );
    }
    assert_eq!(
        unverified(&open, &prod, 81, 2).await,
        [(sample::asset_id(7), 0)]
    );
}

/// An intent is no record.
pub async fn scopes_are_listed_with_the_number_of_their_records(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let [one, two, three] =
        [("t_a", "dev"), ("t_a", "prod"), ("t_b", "dev")].map(|(t, e)| sample::scope(t, e));
    for (scope, number) in [(&two, 1), (&two, 2), (&one, 3)] {
        registered_at(&open, scope, number, 0).await;
    }
    presign(&open, &sample::intent(&three, sample::asset_id(4))).await;
    let listed = async |tenant: Option<&Scope>, after: Option<&Scope>, limit| {
        let tenant = tenant.map(|it| it.tenant.clone());
        let after = after.cloned();
        let listed = open.backlog.scopes_with_records(tenant, after, limit);
        listed.await.unwrap()
    };
    let of = |scope: &Scope, registered| ScopeRecords {
        scope: scope.clone(),
        registered,
    };
    let all = [of(&one, 1), of(&two, 2), of(&three, 0)];
    assert_eq!(listed(None, None, 10).await, all);
    assert_eq!(listed(None, None, 2).await, all[..2]);
    assert_eq!(listed(None, Some(&one), 10).await, all[1..]);
    assert_eq!(listed(Some(&one), None, 10).await, all[..2]);
    assert_eq!(listed(Some(&one), Some(&one), 10).await, all[1..2]);
    assert_eq!(listed(Some(&three), Some(&three), 10).await, []);
}
