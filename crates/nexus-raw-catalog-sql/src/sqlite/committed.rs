//! Committed events in memory, handed from the writer to the relay.
//!
//! One process writes a SQLite catalogue. Once the relay has read a sink's backlog to its end, all
//! that follows passes through here: the events need not be read back, and a cursor need not be
//! flushed to disk by itself. It is written with the next group, at the latest with the next
//! renewal of the relay's lease; after a crash, the events since are delivered again.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexus_raw::{
    event::DatasetEvent,
    ports::{Progress, ProgressChange, SinkName},
    tenancy::Scope,
};

use crate::{
    error::Failure,
    writer::{Write, Written, cursors},
};

/// The maximum number of events that wait in memory for one sink. One that is further behind reads
/// them from the database.
const CAPACITY: usize = 4096;

/// The maximum number of sinks. Others read from the database.
const SINKS: usize = 8;

/// The events that are committed and not delivered yet, for each sink that has no other.
#[derive(Default)]
pub(crate) struct CommittedEvents(Mutex<State>);

#[derive(Default)]
struct State {
    /// The epoch of the relay's lease, once this process has granted one.
    epoch: Option<u64>,
    /// The number of reads that have begun.
    reads: u64,
    sinks: HashMap<SinkName, Waiting>,
}

/// What waits for a sink.
#[derive(Default)]
struct Waiting {
    phase: Phase,
    /// In the order of their commits.
    events: VecDeque<Arc<Committed>>,
    /// The last sequence per scope that the database returned: a commit that the read saw may be
    /// reported after it.
    read: HashMap<Scope, u64>,
    /// Cursors that are recorded here alone.
    unwritten: BTreeMap<Scope, u64>,
    /// Whether the database refused such cursors. The sink is not followed any more, so that its
    /// cursors are written by themselves and fail nobody else.
    is_refused: bool,
}

struct Committed {
    scope: Scope,
    event: DatasetEvent,
}

impl From<DatasetEvent> for Committed {
    fn from(event: DatasetEvent) -> Self {
        let scope = event.body.scope();
        Self { scope, event }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// There may be undelivered events in the database that are not here.
    #[default]
    Behind,
    /// The database is being read, by the read of this number.
    Reading(u64),
    /// All undelivered events are here.
    Following,
}

/// A read of a sink's undelivered events from the database.
pub(crate) struct BacklogRead(u64);

/// Cursors of a sink that are to be written.
pub(super) struct UnwrittenCursors {
    pub(super) sink: SinkName,
    pub(super) cursors: BTreeMap<Scope, u64>,
}

impl CommittedEvents {
    /// Returns up to `limit` events in the order of their commits, without those of the scopes in
    /// `held`; `None` when the database must be read. If more are waiting, each scope has an equal
    /// share of the limit, so that none waits for another that is refused.
    pub(crate) fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Option<Vec<DatasetEvent>> {
        let mut events: Vec<_> = {
            let state = self.lock();
            let waiting = state.sinks.get(sink)?;
            if waiting.phase != Phase::Following {
                return None;
            }
            waiting.events.iter().cloned().collect()
        };
        let held: HashSet<&Scope> = held.iter().collect();
        events.retain(|it| !held.contains(&it.scope));
        let limit = limit as usize;
        if events.len() > limit {
            let mut taken: HashMap<&Scope, usize> = HashMap::new();
            for it in &events {
                taken.insert(&it.scope, 0);
            }
            let share = limit.div_ceil(taken.len().max(1));
            let mut has_share = |scope| {
                let taken = taken.entry(scope).or_default();
                *taken += 1;
                *taken <= share
            };
            let shared = events.iter().filter(|it| has_share(&it.scope));
            return Some(shared.take(limit).map(|it| it.event.clone()).collect());
        }
        Some(events.iter().map(|it| it.event.clone()).collect())
    }

    /// Returns whether cursors are recorded here alone. They must be written before a read of the
    /// database, which compares with them.
    pub(crate) fn has_unwritten(&self, sink: &SinkName) -> bool {
        let state = self.lock();
        let waiting = state.sinks.get(sink);
        waiting.is_some_and(|it| !it.unwritten.is_empty())
    }

    /// Begins a read: commits from now on are kept until it ends.
    pub(crate) fn begin_read(&self, sink: &SinkName) -> Option<BacklogRead> {
        let mut state = self.lock();
        state.reads += 1;
        let number = state.reads;
        if state.sinks.len() >= SINKS && !state.sinks.contains_key(sink) {
            return None;
        }
        let waiting = state.sinks.entry(sink.clone()).or_default();
        waiting.fall_behind();
        if waiting.is_refused || !waiting.unwritten.is_empty() {
            return None;
        }
        waiting.phase = Phase::Reading(number);
        Some(BacklogRead(number))
    }

    /// Ends a read that returned `events`. If these are all there were, and nobody changed a cursor
    /// or read meanwhile, later events follow in memory.
    pub(crate) fn end_read(
        &self,
        sink: &SinkName,
        read: &BacklogRead,
        events: &[DatasetEvent],
        limit: u32,
    ) {
        let mut counts: HashMap<Scope, usize> = HashMap::new();
        let mut last = HashMap::new();
        for event in events {
            *counts.entry(event.body.scope()).or_default() += 1;
            last.insert(event.body.scope(), event.sequence);
        }
        // each scope has an equal share of the limit, and has no more if it did not use it up
        let limit = limit as usize;
        let share = limit.div_ceil(counts.len().max(1));
        let is_whole = events.len() < limit && counts.values().all(|count| *count < share);
        let mut state = self.lock();
        let Some(waiting) = state.sinks.get_mut(sink) else {
            return;
        };
        if waiting.phase != Phase::Reading(read.0) {
            return;
        }
        if !is_whole {
            waiting.fall_behind();
            return;
        }
        waiting.phase = Phase::Following;
        waiting.read = last;
        let committed = std::mem::take(&mut waiting.events);
        let read = events.iter().cloned().map(Committed::from);
        waiting.events = read.map(Arc::new).collect();
        for event in committed {
            waiting.add(event);
        }
    }

    /// Records cursors here alone, and returns whether it did: of a sink that follows, under the
    /// current lease.
    pub(crate) fn advance(&self, progress: &Progress) -> bool {
        let ProgressChange::Delivered(_) = progress.change else {
            return false;
        };
        let mut state = self.lock();
        if state.epoch != Some(progress.epoch) {
            return false;
        }
        let Some(waiting) = state.sinks.get_mut(&progress.sink) else {
            return false;
        };
        if waiting.phase != Phase::Following {
            return false;
        }
        waiting.pass(&progress.change);
        for (scope, sequence) in cursors(&progress.change) {
            let cursor = waiting.unwritten.entry(scope.clone()).or_default();
            *cursor = sequence.max(*cursor);
        }
        true
    }

    /// Adds the events of a committed group; `None` if they were not wanted when it began, and a
    /// read that began since may have missed them.
    pub(super) fn add(&self, events: Option<Vec<DatasetEvent>>) {
        let Some(events) = events else {
            let mut state = self.lock();
            state.sinks.values_mut().for_each(Waiting::fall_behind);
            return;
        };
        let mut state = self.lock();
        let mut waiting: Vec<_> = state.sinks.values_mut().collect();
        waiting.retain(|it| it.phase != Phase::Behind);
        if waiting.is_empty() {
            return;
        }
        for event in events.into_iter().map(Committed::from).map(Arc::new) {
            for it in &mut waiting {
                it.add(event.clone());
            }
        }
    }

    /// Returns whether committed events are wanted: from the first read on, since another may
    /// begin before the commit.
    pub(super) fn are_wanted(&self) -> bool {
        !self.lock().sinks.is_empty()
    }

    /// Takes notice of a member of a committed group.
    pub(super) fn observe(&self, write: &Write, outcome: &Result<Written, Failure>) {
        match (write, outcome) {
            (Write::Lease(_), Ok(Written::Lease(Some(lease)))) => {
                self.lock().epoch = Some(lease.epoch);
            }
            (Write::Progress(progress), Ok(Written::Progress(true))) => {
                if let Some(waiting) = self.lock().sinks.get_mut(&progress.sink) {
                    if let Phase::Reading(_) = waiting.phase {
                        // the read may have seen the cursors of before
                        waiting.fall_behind();
                    }
                    waiting.pass(&progress.change);
                }
            }
            _ => {}
        }
    }

    /// Returns the cursors that are recorded here alone.
    pub(super) fn unwritten(&self) -> Vec<UnwrittenCursors> {
        let state = self.lock();
        let waiting = state.sinks.iter();
        let waiting = waiting.filter(|(_, it)| !it.unwritten.is_empty());
        let cursors = waiting.map(|(sink, it)| UnwrittenCursors {
            sink: sink.clone(),
            cursors: it.unwritten.clone(),
        });
        cursors.collect()
    }

    /// Forgets cursors that a committed group wrote, unless they moved on since.
    pub(super) fn forget_written(&self, written: &[UnwrittenCursors]) {
        let mut state = self.lock();
        for UnwrittenCursors { sink, cursors } in written {
            if let Some(waiting) = state.sinks.get_mut(sink) {
                waiting
                    .unwritten
                    .retain(|scope, cursor| cursors.get(scope) != Some(cursor));
                if let Phase::Reading(_) = waiting.phase {
                    waiting.fall_behind();
                }
            }
        }
    }

    /// Forgets the cursors of a sink that the database refused. Its events since are delivered
    /// again.
    pub(super) fn refuse(&self, sink: &SinkName) {
        if let Some(waiting) = self.lock().sinks.get_mut(sink) {
            waiting.fall_behind();
            waiting.unwritten.clear();
            waiting.is_refused = true;
        }
    }

    /// Has every sink read the database again, and the lease be granted again, since it is unknown
    /// what was committed.
    pub(super) fn lose(&self) {
        let mut state = self.lock();
        state.epoch = None;
        for waiting in state.sinks.values_mut() {
            waiting.fall_behind();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // a panic under the lock may leave a queue incomplete; none of its operations panics
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Adds a committed event, unless the database has returned it.
    fn add(&mut self, event: Arc<Committed>) {
        let read = self.read.get(&event.scope);
        if self.phase == Phase::Behind || read.is_some_and(|last| event.event.sequence <= *last) {
            return;
        }
        if self.events.len() < CAPACITY {
            self.events.push_back(event);
        } else {
            self.fall_behind();
        }
    }

    /// Removes the events up to the cursors.
    fn pass(&mut self, change: &ProgressChange) {
        let cursors = cursors(change);
        let is_passed = |it: &Committed| {
            let cursor = cursors.get(&it.scope);
            cursor.is_some_and(|cursor| it.event.sequence <= *cursor)
        };
        self.events.retain(|it| !is_passed(it));
    }

    fn fall_behind(&mut self) {
        self.phase = Phase::Behind;
        self.events.clear();
        self.read.clear();
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw::ports::Lease;
    use nexus_raw_testkit::sample;

    use super::*;
    use crate::writer::LeaseRequest;

    fn event(sequence: u64) -> DatasetEvent {
        sample::event(&sample::scope("t_a", "dev"), sequence)
    }

    /// Reads a database with these events to its end.
    fn following(events: &[DatasetEvent]) -> CommittedEvents {
        let committed = CommittedEvents::default();
        let sink = sample::sink_name();
        let read = committed.begin_read(&sink).unwrap();
        committed.end_read(&sink, &read, events, 100);
        committed
    }

    fn waiting(committed: &CommittedEvents) -> Option<Vec<u64>> {
        let events = committed.undelivered(&sample::sink_name(), 100, &[])?;
        Some(events.iter().map(|it| it.sequence).collect())
    }

    #[test]
    fn a_read_that_begins_after_a_group_did_is_not_followed() {
        let committed = CommittedEvents::default();
        let sink = sample::sink_name();
        assert!(!committed.are_wanted());
        let read = committed.begin_read(&sink).unwrap();
        committed.end_read(&sink, &read, &[], 100);
        assert!(committed.are_wanted());
        // the group began before the read, which saw nothing of it
        committed.add(None);
        assert_eq!(waiting(&committed), None);
    }

    #[test]
    fn no_scope_takes_the_share_of_another() {
        let committed = following(&[]);
        let other = sample::event(&sample::scope("t_b", "dev"), 1);
        let many = (1..=300).map(event).chain([other]);
        committed.add(Some(many.collect()));
        let sink = sample::sink_name();
        let events = committed.undelivered(&sink, 256, &[]).unwrap();
        assert_eq!(events.len(), 129);
        assert_eq!(events[128].body.tenant_id.as_str(), "t_b");
        // alone, it has all of it
        let held = [events[128].body.scope()];
        let events = committed.undelivered(&sink, 256, &held).unwrap();
        assert_eq!(events.last().map(|it| it.sequence), Some(256));
    }

    #[test]
    fn refused_cursors_are_forgotten_and_their_sink_is_not_followed_again() {
        let committed = following(&[event(1)]);
        let sink = sample::sink_name();
        let lease = Lease {
            epoch: 1,
            until: sample::seconds_after(30),
        };
        let request = LeaseRequest {
            owner: uuid::Uuid::nil(),
            now: sample::now(),
            ttl: std::time::Duration::from_secs(30),
        };
        let outcome = Ok(Written::Lease(Some(lease)));
        committed.observe(&Write::Lease(request), &outcome);
        let progress = Progress {
            sink: sink.clone(),
            epoch: 1,
            change: ProgressChange::Delivered(vec![(event(1).body.scope(), 1)]),
        };
        assert!(committed.advance(&progress));
        assert!(committed.has_unwritten(&sink));
        assert!(committed.begin_read(&sink).is_none());
        committed.refuse(&sink);
        assert!(!committed.has_unwritten(&sink));
        assert!(committed.begin_read(&sink).is_none());
        assert!(!committed.advance(&progress));
    }

    #[test]
    fn a_commit_during_a_read_is_there_once_whether_the_read_saw_it_or_not() {
        let committed = CommittedEvents::default();
        let sink = sample::sink_name();
        let read = committed.begin_read(&sink).unwrap();
        committed.add(Some(vec![event(2), event(3)]));
        committed.end_read(&sink, &read, &[event(1), event(2)], 100);
        assert_eq!(waiting(&committed), Some(vec![1, 2, 3]));

        // reported after the read that saw it
        let committed = following(&[event(1), event(2)]);
        committed.add(Some(vec![event(2)]));
        assert_eq!(waiting(&committed), Some(vec![1, 2]));
    }

    #[test]
    fn a_read_of_a_part_is_not_followed() {
        let committed = CommittedEvents::default();
        let sink = sample::sink_name();
        let other = sample::event(&sample::scope("t_b", "dev"), 1);
        for (events, limit) in [
            (vec![event(1), event(2)], 2),
            // two scopes with a share of two each, one of which used it up
            (vec![event(1), event(2), other], 4),
        ] {
            let read = committed.begin_read(&sink).unwrap();
            committed.end_read(&sink, &read, &events, limit);
            assert_eq!(waiting(&committed), None);
        }
    }

    #[test]
    fn a_read_that_another_one_or_a_lost_commit_outdates_is_not_followed() {
        let committed = CommittedEvents::default();
        let sink = sample::sink_name();
        let first = committed.begin_read(&sink).unwrap();
        committed.begin_read(&sink).unwrap();
        committed.end_read(&sink, &first, &[], 100);
        assert_eq!(waiting(&committed), None);

        let committed = following(&[]);
        assert_eq!(waiting(&committed), Some(vec![]));
        committed.lose();
        assert_eq!(waiting(&committed), None);
    }
}
