use nexus_raw::{
    asset::{AssetId, Provenance, UploadId, UploadIntent},
    event::EventBody,
    ports::{AssetCatalog, BegunUpload},
    tenancy::Scope,
};
use nexus_raw_catalog_sql::{
    CatalogEntry, CatalogInspector, CorruptEntry, EntryState, SqlAssetCatalog,
};
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register},
};

/// Fills two scopes with the same ids, and returns what each has, in order.
pub(crate) async fn fill(
    catalog: &SqlAssetCatalog,
) -> [(Scope, Vec<(UploadIntent, EntryState)>); 2] {
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "prod")];
    let mut filled = Vec::new();
    for scope in scopes {
        let [parent, child, pending] =
            [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
        let [mut begun, aborted] =
            [4, 5].map(|n| sample::intent_in_parts(&scope, sample::asset_id(n)));
        presign_and_register(catalog, &parent, sample::provenance()).await;
        let lineage = sample::derived_from(&[parent.asset_id]);
        presign_and_register(catalog, &child, lineage).await;
        for intent in [&pending, &begun, &aborted] {
            presign(catalog, intent).await;
        }
        begin(catalog, &mut begun).await;
        abort(catalog, &aborted).await;
        let states = [
            (parent, EntryState::Registered),
            (child, EntryState::Registered),
            (pending, EntryState::Pending),
            (begun, EntryState::Pending),
            (aborted, EntryState::Aborted),
        ];
        filled.push((scope, states.to_vec()));
    }
    filled.try_into().unwrap()
}

pub(crate) async fn begin(catalog: &SqlAssetCatalog, intent: &mut UploadIntent) {
    let id = UploadId::parse("upload-1").unwrap();
    let begun = BegunUpload {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        instead_of: None,
        upload_id: id.clone(),
    };
    catalog.record_upload(begun).await.unwrap();
    intent.multipart.as_mut().unwrap().upload_id = Some(id);
}

pub(crate) async fn abort(catalog: &SqlAssetCatalog, intent: &UploadIntent) {
    let (user, context) = (sample::user(), sample::context());
    let at = sample::seconds_after(30);
    let event = EventBody::upload_aborted(intent, &user, &context, at);
    catalog.record_abort(event).await.unwrap();
}

/// Reads all scopes, in pages of one.
pub(crate) async fn scopes(inspector: &CatalogInspector) -> Vec<Scope> {
    let mut all: Vec<Scope> = Vec::new();
    loop {
        let page = inspector.scopes(None, all.last(), 1).await.unwrap();
        if page.is_empty() {
            return all;
        }
        assert_eq!(page.len(), 1);
        all.extend(page);
    }
}

/// Reads all entries of a scope, in pages of two.
pub(crate) async fn entries(
    inspector: &CatalogInspector,
    scope: &Scope,
) -> Vec<Result<CatalogEntry, CorruptEntry>> {
    let mut all: Vec<Result<CatalogEntry, CorruptEntry>> = Vec::new();
    loop {
        let after = all.last().map(id_of);
        let page = inspector.entries(scope, after, 2).await.unwrap();
        let is_last = page.len() < 2;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

fn id_of(entry: &Result<CatalogEntry, CorruptEntry>) -> AssetId {
    match entry {
        Ok(entry) => entry.intent.asset_id,
        Err(corrupt) => corrupt.asset_id,
    }
}

/// Each scope and each entry is read once, in order, with all of its intent, record and store.
pub(crate) async fn reads_all_in_order(catalog: &SqlAssetCatalog, url: &str) {
    let filled = fill(catalog).await;
    let inspector = CatalogInspector::open(url).await.unwrap();
    let expected: Vec<Scope> = filled.iter().map(|(scope, _)| scope.clone()).collect();
    assert_eq!(scopes(&inspector).await, expected);
    for (scope, states) in &filled {
        let entries = entries(&inspector, scope).await;
        let entries: Vec<CatalogEntry> = entries.into_iter().map(Result::unwrap).collect();
        let found = entries.iter().map(|it| (it.intent.clone(), it.state));
        assert_eq!(found.collect::<Vec<_>>(), *states);
        for entry in entries {
            let known = catalog.find_asset(scope, entry.intent.asset_id);
            let known = known.await.unwrap().map(|it| Box::new(it.asset));
            assert_eq!(entry.record, known);
            assert_eq!(entry.store.bucket, sample::bucket());
            assert_eq!(entry.store.region, "eu-west-1");
            assert_eq!(entry.store.endpoint, None);
        }
    }
    let nobody = sample::scope("t_a", "prod");
    assert_eq!(inspector.entries(&nobody, None, 10).await.unwrap(), []);
}

/// What is written after the opening is seen by the next page.
pub(crate) async fn reads_what_is_written_meanwhile(catalog: &SqlAssetCatalog, url: &str) {
    let inspector = CatalogInspector::open(url).await.unwrap();
    let scope = sample::scope("t_a", "dev");
    for number in 1..=3 {
        let intent = sample::intent(&scope, sample::asset_id(number));
        presign_and_register(catalog, &intent, Provenance::default()).await;
        let count = usize::try_from(number).unwrap();
        assert_eq!(entries(&inspector, &scope).await.len(), count);
    }
    assert_eq!(scopes(&inspector).await, [scope]);
}
