use std::{collections::BTreeMap, time::Duration};

use nexus_raw::tenancy::Scope;
use tokio::time::Instant;

use super::RelaySettings;

/// The scopes whose next event a sink has failed on: they wait, and nobody else does.
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
    tries: u32,
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
            until: now + settings.retry.after(tries),
        };
        self.waiting.insert(scope, waiting);
        None
    }

    /// Forgets the scopes whose event was taken.
    pub(super) fn taken(&mut self, cursors: &[(Scope, u64)]) {
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
