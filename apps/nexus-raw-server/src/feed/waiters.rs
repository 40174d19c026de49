use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use nexus_raw::{
    event::DatasetEvent,
    ports::{CatalogError, EventQuery, EventSelection},
    tenancy::{Scope, TenantId, UserId},
};
use tokio::sync::{Notify, oneshot};

use super::{FeedError, FeedSettings};

/// The result of a poll: a page of events of the scope, or the error.
pub(super) type PollResult = Result<Arc<Vec<DatasetEvent>>, Arc<CatalogError>>;

/// The waiters of each scope, with a poller for each selection of events: a page of other events
/// would not say how far those of a selection are read.
#[derive(Default)]
pub(super) struct Waiters {
    table: Mutex<Table>,
    /// The number of pollers, a lock-free check for writers.
    watched: AtomicUsize,
}

#[derive(Default)]
struct Table {
    /// By what their waiters select.
    scopes: HashMap<Scope, HashMap<EventSelection, Watched>>,
    /// The number of waiters per user, without zeros; likewise per tenant.
    users: HashMap<UserId, usize>,
    tenants: HashMap<TenantId, usize>,
    waiting: usize,
    last_id: u64,
    closed: bool,
}

/// The waiters of a scope that select the same events, and have a poller.
struct Watched {
    wake: Arc<Notify>,
    /// By id.
    waiters: HashMap<u64, Waiter>,
    /// The highest sequence that its poller has read.
    seen: u64,
}

struct Waiter {
    wanted: EventQuery,
    reply: oneshot::Sender<PollResult>,
}

/// A registered waiter.
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) result: oneshot::Receiver<PollResult>,
    /// The wake-up signal for a new poller, if there is none for the selection yet.
    pub(super) new_poller: Option<Arc<Notify>>,
}

impl Waiters {
    /// Registers a waiter. Returns `None` after a close.
    pub(super) fn register(
        &self,
        scope: &Scope,
        caller: &UserId,
        wanted: EventQuery,
        settings: &FeedSettings,
    ) -> Result<Option<Ticket>, FeedError> {
        let mut table = self.lock();
        if table.closed {
            return Ok(None);
        }
        if table.waiting >= settings.max_waiters
            || count(&table.tenants, &scope.tenant) >= settings.max_per_tenant
            || count(&table.users, caller) >= settings.max_per_user
        {
            return Err(FeedError::Full);
        }
        *table.users.entry(caller.clone()).or_default() += 1;
        *table.tenants.entry(scope.tenant.clone()).or_default() += 1;
        table.waiting += 1;
        table.last_id += 1;
        let id = table.last_id;
        let (reply, result) = oneshot::channel();
        let selections = table.scopes.entry(scope.clone()).or_default();
        let is_new = !selections.contains_key(&wanted.selection);
        let selection = wanted.selection.clone();
        let watched = selections.entry(selection).or_insert_with(|| {
            self.watched.fetch_add(1, Ordering::SeqCst);
            Watched {
                wake: Arc::default(),
                waiters: HashMap::new(),
                seen: 0,
            }
        });
        if wanted.after < watched.seen {
            // the poller has already delivered events that this caller has not read
            watched.wake.notify_one();
        }
        watched.waiters.insert(id, Waiter { wanted, reply });
        let new_poller = is_new.then(|| Arc::clone(&watched.wake));
        Ok(Some(Ticket {
            id,
            result,
            new_poller,
        }))
    }

    /// Removes a waiter. Its poller ends when it finds no waiter.
    pub(super) fn remove(
        &self,
        scope: &Scope,
        selection: &EventSelection,
        caller: &UserId,
        id: u64,
    ) {
        let mut table = self.lock();
        table.waiting -= 1;
        decrement(&mut table.users, caller);
        decrement(&mut table.tenants, &scope.tenant);
        if let Some(watched) = table.watched(scope, selection) {
            watched.waiters.remove(&id);
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Returns the number of users and of tenants with a count.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        let table = self.lock();
        (table.users.len(), table.tenants.len())
    }

    /// Triggers the polls of the scope, if it has waiters.
    pub(super) fn wake(&self, scope: &Scope) {
        if self.watched.load(Ordering::SeqCst) == 0 {
            return;
        }
        let table = self.lock();
        let selections = table.scopes.get(scope);
        for watched in selections.into_iter().flat_map(HashMap::values) {
            watched.wake.notify_one();
        }
    }

    /// Returns the query that covers all waiters of the selection. Without waiters, removes it and
    /// returns `None`.
    pub(super) fn wanted(&self, scope: &Scope, selection: &EventSelection) -> Option<EventQuery> {
        let mut table = self.lock();
        let waiters = table.watched(scope, selection)?.waiters.values();
        let wanted = waiters.map(|waiter| &waiter.wanted);
        let covering = wanted
            .map(|it| (it.after, it.limit))
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
            .map(|(after, limit)| {
                let mut query = EventQuery::first(limit).after(after);
                query.selection = selection.clone();
                query
            });
        if covering.is_none() {
            self.forget(&mut table, scope, selection);
        }
        covering
    }

    /// Delivers the page of `query` to the waiters that it serves. Returns whether another poll is
    /// due at once, for a waiter whose events precede the page.
    pub(super) fn deliver(
        &self,
        scope: &Scope,
        query: &EventQuery,
        page: Vec<DatasetEvent>,
    ) -> bool {
        let mut table = self.lock();
        let Some(watched) = table.watched(scope, &query.selection) else {
            return false;
        };
        let Some(last) = page.last().map(|event| event.sequence) else {
            return false;
        };
        watched.seen = watched.seen.max(last);
        let page = Arc::new(page);
        // a waiter that registered during the poll may want events before the page
        let served = |_: &u64, waiter: &mut Waiter| {
            query.after <= waiter.wanted.after && waiter.wanted.after < last
        };
        for (_, waiter) in watched.waiters.extract_if(served) {
            // the waiter may be gone
            let _ = waiter.reply.send(Ok(Arc::clone(&page)));
        }
        let seen = watched.seen;
        let mut left = watched.waiters.values();
        left.any(|waiter| waiter.wanted.after < seen)
    }

    /// Sends the error of a poll to all waiters of the selection.
    pub(super) fn fail(&self, scope: &Scope, selection: &EventSelection, error: CatalogError) {
        let error = Arc::new(error);
        let mut table = self.lock();
        let watched = table.watched(scope, selection);
        for (_, waiter) in watched.into_iter().flat_map(|it| it.waiters.drain()) {
            let _ = waiter.reply.send(Err(Arc::clone(&error)));
        }
    }

    /// Removes the selection and its waiters, if `wake` still belongs to its current poller.
    pub(super) fn end(&self, scope: &Scope, selection: &EventSelection, wake: &Arc<Notify>) {
        let mut table = self.lock();
        let current = table.watched(scope, selection);
        if current.is_some_and(|watched| Arc::ptr_eq(&watched.wake, wake)) {
            self.forget(&mut table, scope, selection);
        }
    }

    /// Ends all waits and accepts no new ones.
    pub(super) fn close(&self) {
        let mut table = self.lock();
        table.closed = true;
        for watched in table.scopes.values_mut().flat_map(HashMap::values_mut) {
            watched.waiters.clear();
            watched.wake.notify_one();
        }
    }

    fn forget(&self, table: &mut Table, scope: &Scope, selection: &EventSelection) {
        let Some(selections) = table.scopes.get_mut(scope) else {
            return;
        };
        if selections.remove(selection).is_some() {
            self.watched.fetch_sub(1, Ordering::SeqCst);
        }
        if selections.is_empty() {
            table.scopes.remove(scope);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // no code under the lock can panic halfway
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn watched(&mut self, scope: &Scope, selection: &EventSelection) -> Option<&mut Watched> {
        self.scopes.get_mut(scope)?.get_mut(selection)
    }
}

fn count<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or(0)
}

/// Decrements a count and removes a zero.
fn decrement<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}
