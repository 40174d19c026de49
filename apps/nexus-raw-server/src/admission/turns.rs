use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nexus_raw::tenancy::TenantId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

/// Turns to have something done: so many in all, and so many of each tenant, who come in the order in
/// which they asked.
pub(crate) struct Turns {
    of_one: usize,
    patience: Duration,
    all: Semaphore,
    /// Of the tenants that have a turn or wait for one.
    of: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A turn, until it is dropped. Its permits are given back first, so that the last of a tenant to
/// go sees that it is.
pub(crate) struct Turn<'t> {
    _all: SemaphorePermit<'t>,
    _of_tenant: OwnedSemaphorePermit,
    _waiting: Waiting<'t>,
}

/// A place in a tenant's line, which is forgotten with the last of them.
struct Waiting<'t> {
    turns: &'t Turns,
    tenant: TenantId,
}

impl Turns {
    /// So many turns at once, of which one tenant may have `of_one`, and who waits for one is refused
    /// after a while.
    pub(crate) fn new(at_once: usize, of_one: usize, patience: Duration) -> Self {
        Self {
            of_one,
            patience,
            all: Semaphore::new(at_once),
            of: Mutex::default(),
        }
    }

    /// The next turn of `tenant`, if there is one in time; no turn is ever withdrawn.
    pub(crate) async fn turn(&self, tenant: &TenantId) -> Option<Turn<'_>> {
        timeout(self.patience, self.next(tenant))
            .await
            .ok()
            .flatten()
    }

    async fn next(&self, tenant: &TenantId) -> Option<Turn<'_>> {
        let line = {
            let mut of = self.lock();
            let line = of.entry(tenant.clone());
            Arc::clone(line.or_insert_with(|| Arc::new(Semaphore::new(self.of_one))))
        };
        let waiting = Waiting {
            turns: self,
            tenant: tenant.clone(),
        };
        let of_tenant = line.acquire_owned().await.ok()?;
        let all = self.all.acquire().await.ok()?;
        Some(Turn {
            _all: all,
            _of_tenant: of_tenant,
            _waiting: waiting,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Semaphore>>> {
        // nothing is left half done where the lock is held
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut of = self.turns.lock();
        if of
            .get(&self.tenant)
            .is_some_and(|line| Arc::strong_count(line) == 1)
        {
            of.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_shared_between_tenants_and_waited_for_a_while() {
        let turns = Turns::new(4, 2, Duration::from_secs(3));
        let [one, other, third] = ["t_a", "t_b", "t_c"].map(|name| TenantId::parse(name).unwrap());
        let mut held = vec![turns.turn(&one).await, turns.turn(&one).await];
        let began = Instant::now();
        assert!(turns.turn(&one).await.is_none());
        let waited = began.elapsed().as_millis();
        assert!((3000..3010).contains(&waited), "{waited} ms");
        held.push(turns.turn(&other).await);
        held.push(turns.turn(&other).await);
        assert!(held.iter().all(Option::is_some));
        assert!(turns.turn(&third).await.is_none());
        drop(held.pop());
        assert!(turns.turn(&third).await.is_some());
        drop(held);
        assert!(turns.lock().is_empty());
    }
}
