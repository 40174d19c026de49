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
    ports::{CatalogError, EventQuery},
    tenancy::{Scope, TenantId, UserId},
};
use tokio::sync::{Notify, oneshot};

use super::{FeedError, FeedSettings};

/// What those who wait are told: a page of events of their scope, or that it could not be read.
pub(super) type Told = Result<Arc<Vec<DatasetEvent>>, Arc<CatalogError>>;

/// Who waits for which scope.
#[derive(Default)]
pub(super) struct Places {
    table: Mutex<Table>,
    /// How many scopes are waited for: those who write ask this first, and mostly no more.
    watched: AtomicUsize,
}

#[derive(Default)]
struct Table {
    scopes: HashMap<Scope, WatchedScope>,
    /// How many wait of each, of whom any does.
    users: HashMap<UserId, usize>,
    tenants: HashMap<TenantId, usize>,
    waiting: usize,
    given: u64,
    closed: bool,
}

/// A scope that is waited for.
struct WatchedScope {
    wake: Arc<Notify>,
    /// By the number of their places.
    waiters: HashMap<u64, Waiter>,
    /// The highest sequence that was seen while somebody waited.
    seen: u64,
}

struct Waiter {
    wanted: EventQuery,
    tell: oneshot::Sender<Told>,
}

/// A place among those who wait.
pub(super) struct Seat {
    pub(super) number: u64,
    pub(super) told: oneshot::Receiver<Told>,
    /// What wakes the watch of the scope, where that has to be begun.
    pub(super) begins: Option<Arc<Notify>>,
}

impl Places {
    /// A place for `caller`, unless there is none; `None` when nobody waits any more.
    pub(super) fn enter(
        &self,
        scope: &Scope,
        caller: &UserId,
        wanted: EventQuery,
        settings: &FeedSettings,
    ) -> Result<Option<Seat>, FeedError> {
        let mut table = self.lock();
        if table.closed {
            return Ok(None);
        }
        if table.waiting >= settings.most
            || count(&table.tenants, &scope.tenant) >= settings.most_of_tenant
            || count(&table.users, caller) >= settings.most_of_one
        {
            return Err(FeedError::Full);
        }
        *table.users.entry(caller.clone()).or_default() += 1;
        *table.tenants.entry(scope.tenant.clone()).or_default() += 1;
        table.waiting += 1;
        table.given += 1;
        let number = table.given;
        let (tell, told) = oneshot::channel();
        let begins = !table.scopes.contains_key(scope);
        let watched = table.scopes.entry(scope.clone()).or_insert_with(|| {
            self.watched.fetch_add(1, Ordering::SeqCst);
            WatchedScope {
                wake: Arc::default(),
                waiters: HashMap::new(),
                seen: 0,
            }
        });
        if wanted.after < watched.seen {
            // written since the caller looked, and told to others before it came here
            watched.wake.notify_one();
        }
        watched.waiters.insert(number, Waiter { wanted, tell });
        let begins = begins.then(|| Arc::clone(&watched.wake));
        Ok(Some(Seat {
            number,
            told,
            begins,
        }))
    }

    /// Gives a place back. The scope's watch sees by itself that nobody is left.
    pub(super) fn leave(&self, scope: &Scope, caller: &UserId, number: u64) {
        let mut table = self.lock();
        table.waiting -= 1;
        take_one(&mut table.users, caller);
        take_one(&mut table.tenants, &scope.tenant);
        if let Some(watched) = table.scopes.get_mut(scope) {
            watched.waiters.remove(&number);
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Of how many users and tenants there is a count.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        let table = self.lock();
        (table.users.len(), table.tenants.len())
    }

    /// Has the scope be looked at now, where somebody waits for it.
    pub(super) fn wake(&self, scope: &Scope) {
        if self.watched.load(Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(watched) = self.lock().scopes.get(scope) {
            watched.wake.notify_one();
        }
    }

    /// What those who wait for the scope want, together; `None` when nobody waits, and then the
    /// scope is no longer watched.
    pub(super) fn wanted(&self, scope: &Scope) -> Option<EventQuery> {
        let mut table = self.lock();
        let waiters = table.scopes.get(scope)?.waiters.values();
        let wanted = waiters.map(|waiter| &waiter.wanted);
        let together = wanted
            .map(|it| (it.after, it.limit))
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
            .map(|(after, limit)| EventQuery::first(limit).after(after));
        if together.is_none() {
            self.forget(&mut table, scope);
        }
        together
    }

    /// Tells the page that was read for `asked` to those who find in it what they want. Whether
    /// the scope has to be looked at again at once: somebody else wants what was passed by.
    pub(super) fn tell(&self, scope: &Scope, asked: &EventQuery, page: Vec<DatasetEvent>) -> bool {
        let mut table = self.lock();
        let Some(watched) = table.scopes.get_mut(scope) else {
            return false;
        };
        let Some(last) = page.last().map(|event| event.sequence) else {
            return false;
        };
        watched.seen = watched.seen.max(last);
        let page = Arc::new(page);
        // one that came meanwhile and wants what lies before the page is not served by it
        let served = |_: &u64, waiter: &mut Waiter| {
            asked.after <= waiter.wanted.after && waiter.wanted.after < last
        };
        for (_, waiter) in watched.waiters.extract_if(served) {
            // whoever waited may have gone
            let _ = waiter.tell.send(Ok(Arc::clone(&page)));
        }
        let seen = watched.seen;
        let mut left = watched.waiters.values();
        left.any(|waiter| waiter.wanted.after < seen)
    }

    /// Tells all who wait for the scope that it could not be read.
    pub(super) fn fail(&self, scope: &Scope, error: CatalogError) {
        let error = Arc::new(error);
        let mut table = self.lock();
        let watched = table.scopes.get_mut(scope);
        for (_, waiter) in watched.into_iter().flat_map(|it| it.waiters.drain()) {
            let _ = waiter.tell.send(Err(Arc::clone(&error)));
        }
    }

    /// Ends the watch that `wake` wakes, and whoever waits for it, if it still stands.
    pub(super) fn end(&self, scope: &Scope, wake: &Arc<Notify>) {
        let mut table = self.lock();
        let stands = table.scopes.get(scope);
        if stands.is_some_and(|watched| Arc::ptr_eq(&watched.wake, wake)) {
            self.forget(&mut table, scope);
        }
    }

    /// Lets all who wait go, and nobody in.
    pub(super) fn close(&self) {
        let mut table = self.lock();
        table.closed = true;
        for watched in table.scopes.values_mut() {
            watched.waiters.clear();
            watched.wake.notify_one();
        }
    }

    fn forget(&self, table: &mut Table, scope: &Scope) {
        if table.scopes.remove(scope).is_some() {
            self.watched.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // nothing is left half done where the lock is held
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or(0)
}

/// Of whom none is left, nothing is kept.
fn take_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}
