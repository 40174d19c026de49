use async_trait::async_trait;
use nexus_raw::{
    asset::RawAsset,
    ports::{CatalogError, ScopeRecords, UnverifiedAsset, UnverifiedPlace, VerificationBacklog},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

use super::{FakeCatalog, listing, state::State, verifications};

/// By a direct implementation of the contract.
#[async_trait]
impl VerificationBacklog for FakeCatalog {
    async fn scopes_with_records(
        &self,
        tenant: Option<TenantId>,
        after: Option<Scope>,
        limit: u32,
    ) -> Result<Vec<ScopeRecords>, CatalogError> {
        self.read(|state| {
            let scopes = state.scopes().filter(|it| {
                tenant.as_ref().is_none_or(|tenant| it.tenant == *tenant)
                    && after.as_ref().is_none_or(|after| *it > after)
            });
            let scopes = scopes.map(|scope| ScopeRecords {
                scope: scope.clone(),
                registered: state.registered_in(scope).count().try_into().unwrap(),
            });
            scopes.take(usize::try_from(limit).unwrap()).collect()
        })
        .await
    }

    async fn unverified(
        &self,
        scope: &Scope,
        before: Timestamp,
        after: Option<UnverifiedPlace>,
        limit: u32,
    ) -> Result<Vec<UnverifiedAsset>, CatalogError> {
        self.read(|state| {
            let assets = state.registered_in(scope).map(|it| unverified(state, it));
            let due = |it: &UnverifiedAsset| it.place.since < before && Some(it.place) > after;
            let mut assets: Vec<_> = assets.filter(due).collect();
            assets.sort_by_key(|it| it.place);
            assets.truncate(usize::try_from(limit).unwrap());
            assets
        })
        .await
    }
}

fn unverified(state: &State, asset: &RawAsset) -> UnverifiedAsset {
    let (scope, asset_id) = (asset.scope(), asset.asset_id());
    let latest = verifications::latest(state, scope, asset_id);
    let listed = listing::find(state, scope, asset_id).unwrap();
    UnverifiedAsset {
        asset_id,
        place: UnverifiedPlace {
            since: latest.map_or(asset.imported_at(), |it| it.verified_at()),
            sequence: listed.sequence,
        },
        size_bytes: asset.facts().size_bytes,
    }
}
