//! What must be true of every answer that a relay gets and of every event that it delivers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nexus_raw::{
    event::DatasetEvent,
    ports::{Lease, ParkedEvent},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

/// What the outbox must have come to, call by call, and what the sink was given.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lease: Option<(Uuid, Lease)>,
    /// The last that each owner was given.
    leases: BTreeMap<Uuid, Lease>,
    cursors: BTreeMap<Scope, u64>,
    parked: BTreeSet<(Scope, u64)>,
    /// Which the sink took at least once.
    taken: BTreeSet<(Scope, u64)>,
    /// What is committed, as the driver last saw it.
    pub(crate) committed: BTreeMap<Scope, Vec<DatasetEvent>>,
    /// How often what happened.
    pub(crate) tally: BTreeMap<&'static str, u64>,
}

impl Ledger {
    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn cursor(&self, scope: &Scope) -> u64 {
        self.cursors.get(scope).copied().unwrap_or(0)
    }

    /// What has become of the lease of `owner`.
    pub(super) fn tenure(&self, owner: Uuid, now: Timestamp) -> Tenure {
        let is_over = self.leases.get(&owner).is_some_and(|own| own.until <= now);
        match self.lease {
            _ if !is_over => Tenure::Good,
            Some((holder, _)) if holder != owner => Tenure::TakenOver,
            _ => Tenure::Over,
        }
    }

    pub(super) fn on_lease(
        &mut self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
        answer: Option<Lease>,
    ) {
        let until = now.saturating_add(ttl);
        let epoch = match self.lease {
            None => Some(1),
            Some((holder, lease)) if holder == owner => Some(lease.epoch),
            Some((_, lease)) if lease.until > now => None,
            Some((_, lease)) => {
                self.count("lease taken over");
                Some(lease.epoch + 1)
            }
        };
        let expected = epoch.map(|epoch| Lease { epoch, until });
        assert_eq!(answer, expected, "the lease");
        if let Some(lease) = expected {
            self.lease = Some((owner, lease));
            self.leases.insert(owner, lease);
        } else {
            self.count("lease denied");
        }
    }

    pub(super) fn on_undelivered(&self, limit: u32, answer: &[DatasetEvent]) {
        assert!(answer.len() <= usize::try_from(limit).unwrap());
        let mut next = self.cursors.clone();
        for event in answer {
            let scope = event.body.scope();
            let place = next.entry(scope.clone()).or_default();
            let committed = &self.committed[&scope][usize::try_from(*place).unwrap()];
            assert_eq!(event, committed, "an undelivered event");
            *place += 1;
        }
        let waits = |(scope, events): (&Scope, &Vec<DatasetEvent>)| {
            u64::try_from(events.len()).unwrap() > self.cursor(scope)
        };
        // how many of each place are offered at once is the outbox's to say, but never none
        let any_waits = self.committed.iter().any(waits);
        assert_eq!(!answer.is_empty(), any_waits, "whether events wait");
    }

    pub(super) fn on_taken(&mut self, owner: Uuid, event: &DatasetEvent) {
        let (scope, sequence) = (event.body.scope(), event.sequence);
        // a process that was suspended cannot know that its lease was taken over meanwhile
        let holds = self.lease.is_some_and(|(holder, _)| holder == owner);
        assert!(
            sequence > self.cursor(&scope) || !holds,
            "{sequence} of {scope:?} was delivered again after it was marked"
        );
        if !self.taken.insert((scope.clone(), sequence)) {
            self.count("delivered again");
            return;
        }
        let done = |earlier: u64| {
            let key = (scope.clone(), earlier);
            self.taken.contains(&key) || self.parked.contains(&key)
        };
        let early = (1..sequence).find(|earlier| !done(*earlier));
        assert_eq!(early, None, "delivered after {sequence} of {scope:?}");
    }

    pub(super) fn on_progress(&mut self, cursors: &[(Scope, u64)], epoch: u64, answer: bool) {
        let current = self.lease.is_some_and(|(_, lease)| lease.epoch == epoch);
        assert_eq!(
            answer, current,
            "whether a cursor moves under epoch {epoch}"
        );
        if !current {
            self.count("fenced off");
            return;
        }
        for (scope, sequence) in cursors {
            let cursor = self.cursors.entry(scope.clone()).or_default();
            *cursor = (*cursor).max(*sequence);
        }
    }

    pub(super) fn on_park(&mut self, parked: &ParkedEvent, epoch: u64, answer: bool) {
        let key = (parked.scope.clone(), parked.sequence);
        self.on_progress(std::slice::from_ref(&key), epoch, answer);
        if answer {
            self.count("parked");
            self.parked.insert(key);
        }
    }

    /// What must be so once a willing sink has been offered everything.
    pub(super) fn assert_whole(&self) {
        let done: BTreeSet<_> = self.taken.union(&self.parked).cloned().collect();
        let committed = self
            .committed
            .iter()
            .flat_map(|(scope, events)| events.iter().map(|event| (scope.clone(), event.sequence)));
        assert_eq!(done, committed.collect(), "delivered or parked");
    }
}

/// How it is with a relay's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tenure {
    Good,
    /// At its end, and nobody else's yet.
    Over,
    TakenOver,
}
