use crate::{shared::inventory::is_an_inventory, support::Home};

#[tokio::test]
async fn an_inspector_is_an_inventory() {
    let home = Home::new().await;
    let catalog = home.open().await;
    is_an_inventory(&catalog, &home.settings().url).await;
}
