use std::{collections::BTreeMap, time::Duration};

use nexus_raw::tenancy::Scope;
use tokio::time::Instant;

use super::RelaySettings;

/// The most scopes held at once. Beyond it the failures count as an outage of the sink.
const MAX_SCOPES: usize = 1000;

/// The scopes in backoff: a sink failed on their next event, or could not take it while it took
/// those of other scopes.
///
/// Kept for one lease epoch; the next lease holder starts with the first attempt.
#[derive(Debug, Default)]
pub(super) struct HeldScopes {
    epoch: u64,
    waiting: BTreeMap<Scope, HeldScope>,
}

#[derive(Debug)]
struct HeldScope {
    sequence: u64,
    /// How many attempts failed on the event.
    tries: u32,
    /// How often in a row the sink was unavailable to the scope; 0 if it failed last.
    outages: u32,
    until: Instant,
}

impl HeldScopes {
    /// Clears the state of another epoch.
    pub(super) fn enter_epoch(&mut self, epoch: u64) {
        if self.epoch != epoch {
            *self = Self {
                epoch,
                waiting: BTreeMap::new(),
            };
        }
    }

    /// Returns the scopes that are in backoff now.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let now = Instant::now();
        let waiting = self.waiting.iter().filter(|(_, it)| it.until > now);
        waiting.map(|(scope, _)| scope.clone()).collect()
    }

    /// Returns how many more scopes can be held.
    pub(super) fn room(&self) -> usize {
        MAX_SCOPES.saturating_sub(self.waiting.len())
    }

    /// Returns whether the scope is or was in backoff, with no event taken since.
    pub(super) fn has(&self, scope: &Scope) -> bool {
        self.waiting.contains_key(scope)
    }

    /// Returns whether the sink was unavailable to this scope while it took others.
    pub(super) fn is_unavailable(&self, scope: &Scope) -> bool {
        self.waiting.get(scope).is_some_and(|it| it.outages > 0)
    }

    /// Holds the scope, to whose events the sink is unavailable.
    pub(super) fn unavailable(&mut self, scope: Scope, sequence: u64, settings: &RelaySettings) {
        let before = self.waiting.remove(&scope);
        let before = before.filter(|waiting| waiting.sequence == sequence);
        let (tries, outages) = before.map_or((0, 0), |it| (it.tries, it.outages));
        let waiting = HeldScope {
            sequence,
            tries,
            outages: outages.saturating_add(1),
            until: Instant::now() + settings.backoff.after(outages.saturating_add(1)),
        };
        self.waiting.insert(scope, waiting);
    }

    /// Returns the time until the first scope may be retried.
    pub(super) fn wait(&self) -> Option<Duration> {
        let now = Instant::now();
        let ends = self.waiting.values().map(|it| it.until);
        let next = ends.filter(|until| *until > now).min();
        next.map(|until| until - now)
    }

    /// Counts one more failed attempt at the event. Returns their number once it reaches the limit.
    pub(super) fn failed(
        &mut self,
        scope: Scope,
        sequence: u64,
        settings: &RelaySettings,
    ) -> Option<u32> {
        let now = Instant::now();
        // attempts at an earlier event, taken or parked meanwhile, do not count
        let before = self.waiting.remove(&scope);
        let before = before.filter(|waiting| waiting.sequence == sequence);
        let tries = before.map_or(0, |waiting| waiting.tries) + 1;
        if tries >= settings.tries {
            return Some(tries);
        }
        let waiting = HeldScope {
            sequence,
            tries,
            outages: 0,
            until: now + settings.retry.after(tries),
        };
        self.waiting.insert(scope, waiting);
        None
    }

    /// Releases a scope, whose event is parked.
    pub(super) fn forget(&mut self, scope: &Scope) {
        self.waiting.remove(scope);
    }

    /// Releases the scopes whose event was taken.
    pub(super) fn taken(&mut self, cursors: &BTreeMap<Scope, u64>) {
        for (scope, cursor) in cursors {
            if self
                .waiting
                .get(scope)
                .is_some_and(|it| it.sequence <= *cursor)
            {
                self.waiting.remove(scope);
            }
        }
    }
}
