use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexus_raw::tenancy::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Turns to have a page read: so many in all, and so many of each tenant, who come in the order in
/// which they asked.
pub(super) struct Pages {
    all: Semaphore,
    /// Of the tenants that have a turn or wait for one.
    of: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A turn, until it is dropped. Its permits are given back first, so that the last of a tenant to
/// go sees that it is.
pub(crate) struct PageTurn<'p> {
    _all: SemaphorePermit<'p>,
    _of_tenant: OwnedSemaphorePermit,
    _waiting: Waiting<'p>,
}

/// A place in a tenant's line, which is forgotten with the last of them.
struct Waiting<'p> {
    pages: &'p Pages,
    tenant: TenantId,
}

impl Pages {
    pub(super) fn new(all: Semaphore) -> Self {
        Self {
            all,
            of: Mutex::default(),
        }
    }

    /// The next turn of `tenant`, which may have `most` at once; no turn is ever withdrawn.
    pub(super) async fn turn(&self, tenant: &TenantId, most: usize) -> Option<PageTurn<'_>> {
        let line = {
            let mut of = self.lock();
            let line = of.entry(tenant.clone());
            Arc::clone(line.or_insert_with(|| Arc::new(Semaphore::new(most))))
        };
        let waiting = Waiting {
            pages: self,
            tenant: tenant.clone(),
        };
        let of_tenant = line.acquire_owned().await.ok()?;
        let all = self.all.acquire().await.ok()?;
        Some(PageTurn {
            _all: all,
            _of_tenant: of_tenant,
            _waiting: waiting,
        })
    }

    /// How many tenants have a turn or wait for one.
    #[cfg(test)]
    pub(super) fn tenants(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Semaphore>>> {
        // nothing is left half done where the lock is held
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut of = self.pages.lock();
        if of
            .get(&self.tenant)
            .is_some_and(|line| Arc::strong_count(line) == 1)
        {
            of.remove(&self.tenant);
        }
    }
}
