use nexus_raw::{
    asset::{
        AssetId, ByteSize, CapturedAt, ContentFacts, ContentType, Filename, Labels, PiiFlag,
        PiiFlags, Provenance, RawAsset, Sha256Digest,
    },
    ports::{AssetFilter, AssetHead, AssetPage, AssetQuery, ContentTypeFilter},
    tenancy::{Scope, UserId},
};
use tokio::task::JoinSet;

use super::{CatalogHarness, OpenCatalog, presign, presign_and_register, register, strangers};
use crate::sample;

/// Reads a page, and checks that it is the same without the records, and by their ids.
pub(super) async fn list(open: &OpenCatalog, scope: &Scope, query: &AssetQuery) -> AssetPage {
    let page = open.catalog.assets(scope, query).await.unwrap();
    if let Some(first) = page.assets.first() {
        // also while others register
        let query = query.clone().before(Some(first.sequence + 1));
        let heads = open.catalog.asset_heads(scope, &query).await.unwrap();
        let expected = AssetPage {
            assets: page.assets.iter().cloned().map(AssetHead::from).collect(),
            next: page.next,
        };
        assert_eq!(heads, expected);
    }
    let found = open.catalog.find_records(scope, &ids(&page)).await;
    let mut found = found.unwrap();
    let mut records: Vec<_> = page.assets.iter().map(|it| it.asset.clone()).collect();
    for records in [&mut found, &mut records] {
        records.sort_by_key(RawAsset::asset_id);
    }
    assert_eq!(found, records);
    page
}

fn ids(page: &AssetPage) -> Vec<AssetId> {
    page.assets.iter().map(|it| it.asset.asset_id()).collect()
}

/// Of some ids those are found that are registered in the scope.
pub async fn of_several_assets_those_of_the_scope_are_found(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let [scope, other] = ["t_a", "t_b"].map(|tenant| sample::scope(tenant, "dev"));
    let mine = sample::intent(&scope, sample::asset_id(1));
    let pending = sample::intent(&scope, sample::asset_id(2));
    let foreign = sample::intent(&other, sample::asset_id(3));
    for intent in [&mine, &foreign] {
        presign_and_register(&open, intent, sample::provenance()).await;
    }
    presign(&open, &pending).await;
    let ids = [3, 2, 9, 1].map(sample::asset_id);
    let found = open.catalog.find_records(&scope, &ids).await.unwrap();
    let found: Vec<_> = found.iter().map(RawAsset::asset_id).collect();
    assert_eq!(found, [mine.asset_id]);
    for unknown in [&ids[1..3], &[]] {
        let found = open.catalog.find_records(&scope, unknown).await;
        assert_eq!(found.unwrap(), []);
    }
    let found = open.catalog.find_records(&other, &ids).await.unwrap();
    assert_eq!(found[0].asset_id(), foreign.asset_id);
    assert_eq!(found.len(), 1);
}

/// The assets that a filter selects, by pages of `limit`.
async fn listed(
    open: &OpenCatalog,
    scope: &Scope,
    filter: &AssetFilter,
    limit: u32,
) -> Vec<AssetId> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let query = AssetQuery::newest(filter.clone(), limit).before(before);
        let page = list(open, scope, &query).await;
        assert!(page.assets.len() <= usize::try_from(limit).unwrap());
        all.extend(ids(&page));
        match page.next {
            Some(next) => before = Some(next),
            None => return all,
        }
    }
}

/// The order is not that of their ids, which follow the presigns.
pub async fn assets_are_listed_newest_registration_first(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intents = [1, 2, 3, 4].map(|n| sample::intent(&scope, sample::asset_id(n)));
    for intent in &intents {
        presign(&open, intent).await;
    }
    for at in [2, 0, 1] {
        let new = sample::new_asset(&intents[at], sample::provenance());
        register(&open, &new).await;
    }
    let query = AssetQuery::newest(AssetFilter::default(), 10);
    let page = list(&open, &scope, &query).await;
    assert_eq!(ids(&page), [1, 0, 2].map(|at| intents[at].asset_id));
    assert_eq!(page.next, None);
    for listed in &page.assets {
        let found = open
            .catalog
            .find_asset(&scope, listed.asset.asset_id())
            .await;
        assert_eq!(found.unwrap().as_ref(), Some(listed));
        let events = super::events(&open, &scope, listed.asset.asset_id()).await;
        assert_eq!(listed.sequence, events[1].sequence);
    }
}

/// Registers eight assets, of which each differs from the others in a value that a filter selects.
async fn eight_assets(open: &OpenCatalog, scope: &Scope) -> [AssetId; 8] {
    let mut ids = [sample::asset_id(0); 8];
    for n in 0..8 {
        let content = [b'c', u8::try_from(n / 2).unwrap()];
        let facts = ContentFacts {
            filename: Filename::parse(["a.jpg", "A.jpg", "\u{e9}a.jpg", "a%_.jpg"][n % 4]).unwrap(),
            content_type: ContentType::parse(["image/jpeg", "imagex/jpeg", "image/png"][n % 3])
                .unwrap(),
            size_bytes: ByteSize::parse(u64::try_from(n / 4).unwrap()).unwrap(),
            sha256: Sha256Digest::of(&content),
        };
        ids[n] = sample::asset_id(u64::try_from(n).unwrap() + 1);
        let mut intent = sample::intent_of(scope, ids[n], facts);
        intent.requested_by = UserId::parse(["u_a", "u_b"][n % 2]).unwrap();
        let mut provenance = Provenance {
            train_ok: true,
            captured_at: (n > 0)
                .then(|| CapturedAt::parse(&format!("2026-01-01T00:00:0{n}+00:00")).unwrap()),
            labels: Labels::parse(
                [
                    ("half".to_owned(), ["low", "high"][n / 4].to_owned()),
                    ("third".to_owned(), (n % 3).to_string()),
                ]
                .into(),
            )
            .unwrap(),
            ..Provenance::default()
        };
        if n >= 6 {
            provenance.lineage = sample::derived_from(&[ids[0], ids[n - 3]]).lineage;
        }
        if n == 3 {
            provenance.train_ok = false;
            provenance.pii_flags = PiiFlags::parse(vec![PiiFlag::Face]).unwrap();
        }
        let at = sample::seconds_after(60 + i64::try_from(n).unwrap());
        presign(open, &intent).await;
        register(open, &sample::new_asset_at(at, &intent, provenance)).await;
    }
    ids
}

/// For each filter alone, for combinations, and with pages of any length.
pub async fn a_list_has_the_assets_that_match_all_filters(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let assets = eight_assets(&open, &scope).await;
    let filter = |set: &dyn Fn(&mut AssetFilter)| {
        let mut filter = AssetFilter::default();
        set(&mut filter);
        filter
    };
    let time = |text: &str| Some(CapturedAt::parse(text).unwrap().at());
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let cases: Vec<(AssetFilter, &[usize])> = vec![
        (AssetFilter::default(), &[7, 6, 5, 4, 3, 2, 1, 0]),
        (
            filter(&|it| it.sha256 = Some(Sha256Digest::of(b"c\x01"))),
            &[3, 2],
        ),
        (
            filter(&|it| it.size_bytes = Some(ByteSize::parse(1).unwrap())),
            &[7, 6, 5, 4],
        ),
        (
            filter(&|it| it.size_bytes = Some(ByteSize::parse(2).unwrap())),
            &[],
        ),
        (
            filter(&|it| it.content_type = ContentTypeFilter::parse("image/jpeg").ok()),
            &[6, 3, 0],
        ),
        (
            filter(&|it| it.content_type = ContentTypeFilter::parse("image/*").ok()),
            &[6, 5, 3, 2, 0],
        ),
        (
            filter(&|it| it.filename = Some("a.jpg".to_owned())),
            &[4, 0],
        ),
        (
            filter(&|it| it.filename_prefix = Some("a".to_owned())),
            &[7, 4, 3, 0],
        ),
        (
            filter(&|it| it.filename_prefix = Some("a%".to_owned())),
            &[7, 3],
        ),
        (
            filter(&|it| it.filename_prefix = Some("\u{e9}a".to_owned())),
            &[6, 2],
        ),
        (
            filter(&|it| it.filename_prefix = Some("e\u{301}".to_owned())),
            &[],
        ),
        (
            filter(&|it| it.registered_by = UserId::parse("u_b").ok()),
            &[7, 5, 3, 1],
        ),
        (
            filter(&|it| it.labels = [label("half", "high")].into()),
            &[7, 6, 5, 4],
        ),
        (
            filter(&|it| it.labels = [label("half", "high"), label("third", "1")].into()),
            &[7, 4],
        ),
        (filter(&|it| it.labels = [label("half", "")].into()), &[]),
        (
            filter(&|it| it.captured_from = time("2026-01-01T00:00:06Z")),
            &[7, 6],
        ),
        (
            filter(&|it| it.captured_to = time("2026-01-01T01:00:02+01:00")),
            &[1],
        ),
        (
            filter(&|it| it.imported_from = Some(sample::seconds_after(65))),
            &[7, 6, 5],
        ),
        (
            filter(&|it| it.imported_to = Some(sample::seconds_after(62))),
            &[1, 0],
        ),
        (filter(&|it| it.derived_from = Some(assets[0])), &[7, 6]),
        (filter(&|it| it.derived_from = Some(assets[3])), &[6]),
        (filter(&|it| it.derived_from = Some(assets[7])), &[]),
        (
            filter(&|it| {
                it.derived_from = Some(assets[0]);
                it.sha256 = Some(Sha256Digest::of(b"c\x03"));
                it.filename = Some("a%_.jpg".to_owned());
                it.labels = [label("half", "high")].into();
                it.registered_by = UserId::parse("u_b").ok();
                it.size_bytes = ByteSize::parse(1).ok();
                it.content_type = ContentTypeFilter::parse("imagex/jpeg").ok();
                it.filename_prefix = Some("a".to_owned());
                it.captured_from = time("2026-01-01T00:00:07Z");
                it.captured_to = time("2026-01-01T00:00:08Z");
                it.imported_from = Some(sample::seconds_after(67));
                it.imported_to = Some(sample::seconds_after(68));
            }),
            &[7],
        ),
        (
            filter(&|it| {
                it.derived_from = Some(assets[0]);
                it.labels = [label("third", "0")].into();
            }),
            &[6],
        ),
        (
            filter(&|it| {
                it.registered_by = UserId::parse("u_a").ok();
                it.filename = Some("a%_.jpg".to_owned());
            }),
            &[],
        ),
    ];
    for (filter, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|at| assets[*at]).collect();
        for limit in [1, 2, 8, 1000] {
            let came = listed(&open, &scope, &filter, limit).await;
            assert_eq!(came, expected, "{filter:?}, {limit} a page");
        }
    }
}

/// A parent's `train_ok: false` also applies to its descendants, its flags of PII do not.
pub async fn a_listed_asset_has_the_flags_in_force(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    eight_assets(&open, &scope).await;
    let query = AssetQuery::newest(AssetFilter::default(), 10);
    let page = list(&open, &scope, &query).await;
    for (at, listed) in page.assets.iter().rev().enumerate() {
        let in_force = &listed.in_force;
        assert_eq!(in_force.train_ok, at != 3, "{at}");
        // the third is a parent of the sixth
        assert_eq!(in_force.train_ok_effective, !matches!(at, 3 | 6), "{at}");
        let flags: &[PiiFlag] = if at == 3 { &[PiiFlag::Face] } else { &[] };
        assert_eq!(in_force.pii_flags.as_slice(), flags, "{at}");
    }
}

/// For any filter, even if the names of the scopes are similar.
pub async fn a_list_is_of_one_scope_only(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let home = sample::scope("t_a", "dev");
    let parent = sample::asset_id(1);
    let child = sample::asset_id(2);
    let intent = |scope: &Scope, id| sample::intent(scope, id);
    presign_and_register(&open, &intent(&home, parent), sample::provenance()).await;
    let of_parent = sample::derived_from(&[parent]);
    presign_and_register(&open, &intent(&home, child), of_parent.clone()).await;
    let everything = AssetFilter::default();
    let mut by_parent = AssetFilter::default();
    by_parent.derived_from = Some(parent);
    let mut by_content = AssetFilter::default();
    by_content.sha256 = Some(sample::facts().sha256);
    let mut by_label = AssetFilter::default();
    by_label.labels = sample::provenance().labels.as_map().clone();
    assert!(!by_label.labels.is_empty());
    for stranger in strangers() {
        for filter in [&everything, &by_parent, &by_content, &by_label] {
            assert_eq!(listed(&open, &stranger, filter, 10).await, [], "{stranger}");
        }
        presign_and_register(&open, &intent(&stranger, parent), Provenance::default()).await;
        assert_eq!(listed(&open, &stranger, &everything, 10).await, [parent]);
        assert_eq!(listed(&open, &stranger, &by_parent, 10).await, []);
        assert_eq!(listed(&open, &stranger, &by_label, 10).await, []);
    }
    assert_eq!(listed(&open, &home, &everything, 10).await, [child, parent]);
    assert_eq!(listed(&open, &home, &by_parent, 10).await, [child]);
    assert_eq!(listed(&open, &home, &by_label, 10).await, [parent]);
    let beyond = AssetQuery::newest(everything, 10).before(Some(u64::MAX));
    assert_eq!(ids(&list(&open, &home, &beyond).await), [child, parent]);
    let first = AssetQuery::newest(AssetFilter::default(), 10).before(Some(1));
    assert_eq!(list(&open, &home, &first).await, AssetPage::default());
}

/// Readers read pages while writers register: assets registered before a reader began are listed
/// once each, in order, and no asset is listed twice.
pub async fn pages_neither_skip_nor_repeat_while_others_register(harness: &impl CatalogHarness) {
    const WRITERS: u64 = 8;
    const READERS: usize = 4;
    const EACH: u64 = 8;
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut before = Vec::new();
    for n in 0..20 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        presign_and_register(&open, &intent, sample::provenance()).await;
        before.insert(0, intent.asset_id);
    }
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (open, scope) = (open.clone(), scope.clone());
        tasks.spawn(async move {
            for n in 0..EACH {
                let intent = sample::intent(&scope, sample::asset_id(100 + writer * EACH + n));
                presign_and_register(&open, &intent, sample::provenance()).await;
            }
        });
    }
    let mut by_content = AssetFilter::default();
    by_content.sha256 = Some(sample::facts().sha256);
    let mut by_prefix = AssetFilter::default();
    by_prefix.filename_prefix = Some(sample::facts().filename.to_string());
    for reader in 0..READERS {
        let (open, scope, before) = (open.clone(), scope.clone(), before.clone());
        let filter = [&by_content, &by_prefix][reader % 2].clone();
        tasks.spawn(async move {
            for _ in 0..4 {
                let came = listed(&open, &scope, &filter, 3).await;
                let mut distinct = came.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), came.len(), "{came:?}");
                let old = came[came.len() - before.len()..].to_vec();
                assert_eq!(old, before);
            }
        });
    }
    tasks.join_all().await;
    let all = listed(&open, &scope, &by_content, 7).await;
    assert_eq!(all.len(), usize::try_from(20 + WRITERS * EACH).unwrap());
}

/// So a cursor is valid beyond the process that issued it.
pub async fn a_catalogue_keeps_its_cursor_key(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let key = open.catalog.cursor_key().await.unwrap();
    let open = harness.reopen(open).await;
    let again = open.catalog.cursor_key().await.unwrap();
    assert_eq!(again.as_bytes(), key.as_bytes());
    assert_ne!(key.as_bytes(), &[0; 32]);
}
