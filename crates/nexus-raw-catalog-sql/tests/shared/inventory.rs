use nexus_raw::ports::{AssetCatalog, CatalogInventory, IntentState, NewParts};
use nexus_raw_catalog_sql::{CatalogInspector, SqlAssetCatalog};
use nexus_raw_testkit::sample;

use super::inspecting::fill;

/// All scopes and intents in order, of one tenant too; one intent; and the parts of an upload.
pub(crate) async fn is_an_inventory(catalog: &SqlAssetCatalog, url: &str) {
    let filled = fill(catalog).await;
    let inspector = CatalogInspector::open(url).await.unwrap();
    let inventory: &dyn CatalogInventory = &inspector;
    let [(first, states), (second, _)] = &filled;
    for (tenant, after, limit, expected) in [
        (None, None, 10, vec![first, second]),
        (None, None, 1, vec![first]),
        (None, Some(first), 10, vec![second]),
        (None, Some(second), 10, vec![]),
        (Some(&second.tenant), None, 10, vec![second]),
        (Some(&first.tenant), Some(first), 10, vec![]),
    ] {
        let scopes = inventory.scopes(tenant, after, limit).await.unwrap();
        assert_eq!(scopes.iter().collect::<Vec<_>>(), expected);
    }
    let mut read = Vec::new();
    loop {
        let after = read.last().map(|it: &IntentState| it.intent().asset_id);
        let page = inventory.intents(first, after, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        read.extend(page);
    }
    assert_eq!(read.len(), states.len());
    for state in read {
        let asset = state.intent().asset_id;
        let known = catalog.find_intent(first, asset).await.unwrap();
        assert_eq!(inventory.intent(first, asset).await.unwrap(), known);
        assert_eq!(Some(state), known);
    }
    let unknown = sample::asset_id(99);
    assert_eq!(inventory.intent(first, unknown).await.unwrap(), None);

    let begun = sample::asset_id(4);
    assert_eq!(inventory.parts(first, begun).await.unwrap(), []);
    let parts = sample::parts();
    let new = NewParts {
        scope: first.clone(),
        asset_id: begun,
        parts: parts.iter().rev().copied().collect(),
    };
    catalog.declare_parts(new).await.unwrap();
    assert_eq!(inventory.parts(first, begun).await.unwrap(), parts);
    assert_eq!(inventory.parts(second, begun).await.unwrap(), []);
}
