//! The assets of all scopes in one order.

use std::{collections::BTreeMap, time::Duration};

use nexus_raw::{
    ports::{CatalogError, UnverifiedAsset, UnverifiedPlace, VerificationBacklog},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

/// How many assets are taken from all scopes at once. Each round asks every scope.
pub(super) const ROUND: usize = 1000;

/// How many scopes or assets are read at once.
const PAGE: u32 = 1000;

/// An asset to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) scope: Scope,
    pub(super) asset: UnverifiedAsset,
}

/// A place in the order of all scopes: the time first.
type Place = (Timestamp, Scope, u64);

/// The assets that were last verified before a time, the longest unverified first. Each comes once, and
/// a round is held in memory.
pub(super) struct Queue<'a> {
    backlog: &'a dyn VerificationBacklog,
    tenant: Option<TenantId>,
    before: Timestamp,
    round: BTreeMap<Place, UnverifiedAsset>,
    /// The last place that was returned.
    last: Option<Place>,
    has_ended: bool,
}

impl<'a> Queue<'a> {
    pub(super) fn new(
        backlog: &'a dyn VerificationBacklog,
        tenant: Option<TenantId>,
        before: Timestamp,
    ) -> Self {
        Self {
            backlog,
            tenant,
            before,
            round: BTreeMap::new(),
            last: None,
            has_ended: false,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Candidate>, CatalogError> {
        if self.round.is_empty() && !self.has_ended {
            self.fill().await?;
        }
        let Some((place, asset)) = self.round.pop_first() else {
            return Ok(None);
        };
        let scope = place.1.clone();
        self.last = Some(place);
        Ok(Some(Candidate { scope, asset }))
    }

    /// Takes the next round: the first of each scope, as far as they are the first of all.
    async fn fill(&mut self) -> Result<(), CatalogError> {
        let mut after: Option<Scope> = None;
        let mut is_cut = false;
        loop {
            let tenant = self.tenant.clone();
            let scopes = self.backlog.scopes_with_records(tenant, after, PAGE);
            let scopes = scopes.await?;
            for it in &scopes {
                // of a scope without records nothing is due
                if it.registered == 0 {
                    continue;
                }
                let (place, before) = (self.place_in(&it.scope), self.bound());
                let page = self.backlog.unverified(&it.scope, before, place, PAGE);
                let page = page.await?;
                is_cut |= page.len() >= ROUND;
                for asset in page {
                    let place = (asset.place.since, it.scope.clone(), asset.place.sequence);
                    self.round.insert(place, asset);
                }
                while self.round.len() > ROUND {
                    is_cut = true;
                    self.round.pop_last();
                }
            }
            match scopes.into_iter().next_back() {
                Some(it) => after = Some(it.scope),
                None => break,
            }
        }
        // a bound leaves out assets only while the round is full
        self.has_ended = !is_cut && self.round.len() < ROUND;
        Ok(())
    }

    /// Where a scope's assets go on: after the last one that was returned, of whatever scope.
    fn place_in(&self, scope: &Scope) -> Option<UnverifiedPlace> {
        let (since, of, sequence) = self.last.as_ref()?;
        let sequence = match scope.cmp(of) {
            std::cmp::Ordering::Less => u64::MAX,
            std::cmp::Ordering::Equal => *sequence,
            std::cmp::Ordering::Greater => 0,
        };
        Some(UnverifiedPlace {
            since: *since,
            sequence,
        })
    }

    /// What is later than the last of a full round is not asked for.
    fn bound(&self) -> Timestamp {
        match self.round.last_key_value() {
            Some(((since, _, _), _)) if self.round.len() >= ROUND => since
                .saturating_add(Duration::from_micros(1))
                .min(self.before),
            _ => self.before,
        }
    }
}
