use std::collections::BTreeMap;

use super::ListedAsset;
use crate::{
    asset::{AssetId, Fact, FactKind, FactsInForce, StatedFact},
    event::EventBody,
    tenancy::Scope,
};

/// What is stated of a registered asset at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetFacts {
    /// The record, and what is in force of it.
    pub listed: ListedAsset,
    /// The latest fact of each kind that was stated.
    pub latest: BTreeMap<FactKind, StatedFact>,
    /// See [`FactsInForce::withheld_by`].
    pub withheld_by: Vec<AssetId>,
}

impl AssetFacts {
    /// All that is in force.
    #[must_use]
    pub fn in_force(&self) -> FactsInForce {
        let latest = self.latest.values().map(|it| &it.fact);
        let registered = self.listed.asset.provenance();
        let withheld_by = self.withheld_by.clone();
        FactsInForce::of(registered, latest, &self.listed.in_force, withheld_by)
    }
}

/// A fact to be written, with its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFact {
    /// The tenant and environment.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// The sequence of the asset's last fact, on which the event is based.
    pub last_fact: Option<u64>,
    /// The fact.
    pub fact: Fact,
    /// Its event.
    pub event: EventBody,
}

/// The outcome of recording a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactOutcome {
    /// The fact, its event and what is in force of the asset are durable.
    Recorded {
        /// The sequence of the event.
        sequence: u64,
        /// Whether descendants have to follow
        /// ([`AssetCatalog::advance_consent`](super::AssetCatalog::advance_consent)).
        has_followers: bool,
    },
    /// Another fact of the asset was recorded meanwhile; nothing was written.
    Changed,
    /// There is no such registered asset in this scope; nothing was written.
    UnknownAsset,
}

impl NewFact {
    /// The maximum number of assets that one transaction changes while a change of consent reaches
    /// the descendants.
    pub const MAX_FOLLOWERS: u32 = 64;
    /// The maximum number of ancestors that are searched for a refusal of consent. If an
    /// asset has more, and none of these withholds it, it counts as withheld as long as a
    /// withdrawal is under way.
    pub const MAX_ANCESTORS: u32 = 10_000;
}
