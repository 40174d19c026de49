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
        scope: &Scope,
        sequence: u64,
        settings: &RelaySettings,
    ) -> Option<u32> {
        let now = Instant::now();
        let waiting = self.waiting.entry(scope.clone()).or_insert(Waiting {
            sequence,
            tries: 0,
            until: now,
        });
        if waiting.sequence != sequence {
            *waiting = Waiting {
                sequence,
                tries: 0,
                until: now,
            };
        }
        waiting.tries += 1;
        if waiting.tries >= settings.tries {
            let tries = waiting.tries;
            self.waiting.remove(scope);
            return Some(tries);
        }
        waiting.until = now + settings.retry.after(waiting.tries);
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
