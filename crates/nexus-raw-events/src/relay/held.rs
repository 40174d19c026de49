use std::{collections::BTreeMap, time::Duration};

use nexus_raw::tenancy::Scope;
use tokio::time::Instant;

use super::RelaySettings;

/// The most scopes that wait by themselves. Where more would, it is the sink that does not work.
const MOST: usize = 1000;

/// The scopes whose next event a sink has failed on, or could not take while it took others: they
/// wait, and nobody else does.
///
/// It is a matter of one holding of the lease; whoever takes over begins with the first try.
#[derive(Debug, Default)]
pub(super) struct Held {
    epoch: u64,
    waiting: BTreeMap<Scope, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    /// How often the sink failed on the event.
    tries: u32,
    /// How often in a row it could not take the scope's events; 0 where it failed last.
    outages: u32,
    until: Instant,
}

impl Held {
    /// Forgets what was under another epoch.
    pub(super) fn under(&mut self, epoch: u64) {
        if self.epoch != epoch {
            *self = Self {
                epoch,
                waiting: BTreeMap::new(),
            };
        }
    }

    /// The scopes that wait now.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let now = Instant::now();
        let waiting = self.waiting.iter().filter(|(_, it)| it.until > now);
        waiting.map(|(scope, _)| scope.clone()).collect()
    }

    /// How many more scopes can wait by themselves.
    pub(super) fn room(&self) -> usize {
        MOST.saturating_sub(self.waiting.len())
    }

    /// Whether the scope waits, or has waited and was not taken since.
    pub(super) fn has(&self, scope: &Scope) -> bool {
        self.waiting.contains_key(scope)
    }

    /// Whether the sink could not take the scope's events while it took others.
    pub(super) fn is_apart(&self, scope: &Scope) -> bool {
        self.waiting.get(scope).is_some_and(|it| it.outages > 0)
    }

    /// Has the scope wait since the sink cannot take its events now.
    pub(super) fn unavailable(&mut self, scope: Scope, sequence: u64, settings: &RelaySettings) {
        let before = self.waiting.remove(&scope);
        let before = before.filter(|waiting| waiting.sequence == sequence);
        let (tries, outages) = before.map_or((0, 0), |it| (it.tries, it.outages));
        let waiting = Waiting {
            sequence,
            tries,
            outages: outages.saturating_add(1),
            until: Instant::now() + settings.backoff.after(outages.saturating_add(1)),
        };
        self.waiting.insert(scope, waiting);
    }

    /// How long it is until the first of them may be tried again.
    pub(super) fn wait(&self) -> Option<Duration> {
        let now = Instant::now();
        let ends = self.waiting.values().map(|it| it.until);
        let next = ends.filter(|until| *until > now).min();
        next.map(|until| until - now)
    }

    /// Counts one more try of the event in this place; how many there were, once that is enough.
    pub(super) fn failed(
        &mut self,
        scope: Scope,
        sequence: u64,
        settings: &RelaySettings,
    ) -> Option<u32> {
        let now = Instant::now();
        // tries of an event before it, which was taken or parked meanwhile, do not count
        let before = self.waiting.remove(&scope);
        let before = before.filter(|waiting| waiting.sequence == sequence);
        let tries = before.map_or(0, |waiting| waiting.tries) + 1;
        if tries >= settings.tries {
            return Some(tries);
        }
        let waiting = Waiting {
            sequence,
            tries,
            outages: 0,
            until: now + settings.retry.after(tries),
        };
        self.waiting.insert(scope, waiting);
        None
    }

    /// Forgets a scope, whose event is out of the way.
    pub(super) fn forget(&mut self, scope: &Scope) {
        self.waiting.remove(scope);
    }

    /// Forgets the scopes whose event was taken.
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
