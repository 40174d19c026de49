use super::{FactError, RawStorageService, ReadError};
use crate::{
    asset::{AssetId, Fact, FactValue, FactsInForce, StatedFact},
    event::{EventBody, RequestContext},
    ports::{CatalogError, Contended, FactOutcome, NewFact},
    tenancy::{ReadAccess, Scope, WriteAccess},
};

/// The outcome of stating a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordedFact {
    /// It is recorded.
    New(StatedFact),
    /// It is the latest of its kind already; nothing was written.
    InForce(StatedFact),
}

/// A page of the facts of an asset, with all that is in force of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FactPage {
    /// The facts, in order of sequence.
    pub facts: Vec<StatedFact>,
    /// What is in force, at least as new as the facts.
    pub in_force: FactsInForce,
}

/// The number of steps that a fact waits for. Each changes [`NewFact::MAX_FOLLOWERS`] assets or looks
/// at four times as many, and 1,000 assets have at most 64,000 parents.
const FOLLOWED_STEPS: usize = 256;

/// The number of scopes of which one call of [`RawStorageService::advance_consent`] takes a step.
const SCOPES: u32 = 64;

impl RawStorageService {
    /// States a fact of a registered asset. It is in force for every reader when this returns: for
    /// descendants, a withdrawn permission to train at once, and a granted one as soon as the
    /// change has reached them. A change that reaches at most 1,000 assets has reached all of them
    /// when this returns.
    ///
    /// # Errors
    /// See [`FactError`].
    pub async fn state_fact(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        asset: AssetId,
        fact: Fact,
    ) -> Result<RecordedFact, FactError> {
        let scope = access.scope();
        for _ in 0..Contended::ATTEMPTS {
            let known = self.catalog.find_facts(scope, asset).await?;
            let known = known.ok_or(FactError::AssetNotFound)?;
            if let Some(latest) = known.latest.get(&fact.kind())
                && latest.fact == fact
            {
                return Ok(RecordedFact::InForce(latest.clone()));
            }
            let now = self.clock.now();
            if let FactValue::Scan(Some(scan)) = &fact.value
                && scan.is_ahead_of(now)
            {
                return Err(FactError::ScannedInFuture);
            }
            let in_force = &known.listed.in_force;
            let event = EventBody::fact_stated(
                &known.listed.asset,
                in_force,
                fact.clone(),
                access.user(),
                context,
                now,
            );
            let new = NewFact {
                scope: scope.clone(),
                asset_id: asset,
                last_fact: in_force.last_fact,
                fact: fact.clone(),
                event,
            };
            match self.catalog.record_fact(new).await? {
                FactOutcome::Recorded {
                    sequence,
                    has_followers,
                } => {
                    if has_followers {
                        self.follow(scope).await;
                    }
                    let user = access.user().clone();
                    let stated = StatedFact::new(sequence, now, user, fact);
                    return Ok(RecordedFact::New(stated));
                }
                FactOutcome::Changed => {}
                FactOutcome::UnknownAsset => return Err(FactError::AssetNotFound),
            }
        }
        Err(CatalogError::Unavailable(Box::new(Contended)).into())
    }

    /// Takes steps until a change that reaches at most 1,000 assets has reached them. The fact is
    /// durable, so that a failure is left to [`Self::advance_consent`].
    async fn follow(&self, scope: &Scope) {
        for _ in 0..FOLLOWED_STEPS {
            let step = self.catalog.advance_consent(scope, NewFact::MAX_FOLLOWERS);
            if !matches!(step.await, Ok(true)) {
                return;
            }
        }
    }

    /// Takes one step in each scope in which a change of consent has not reached all descendants,
    /// and returns whether there is more to do. The program calls it in the background, on every
    /// replica.
    ///
    /// # Errors
    /// If the catalogue does not respond.
    pub async fn advance_consent(&self) -> Result<bool, CatalogError> {
        let mut has_more = false;
        for scope in self.catalog.unfinished_consent(SCOPES).await? {
            let step = self.catalog.advance_consent(&scope, NewFact::MAX_FOLLOWERS);
            has_more |= step.await?;
        }
        Ok(has_more)
    }

    /// The facts of a registered asset with a sequence above `after`, at most `limit`.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the scope has no such asset.
    pub async fn facts(
        &self,
        access: &ReadAccess,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<FactPage, ReadError> {
        let scope = access.scope();
        // first, so that what is in force is not older
        let facts = self.catalog.facts(scope, asset, after, limit).await?;
        let known = self.catalog.find_facts(scope, asset).await?;
        let known = known.ok_or(ReadError::AssetNotFound)?;
        Ok(FactPage {
            facts,
            in_force: known.in_force(),
        })
    }
}
