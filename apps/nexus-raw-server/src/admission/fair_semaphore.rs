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

/// A fair semaphore: a limit on all permits and one per tenant, in FIFO order.
pub(crate) struct FairSemaphore {
    per_tenant: usize,
    timeout: Duration,
    all: Semaphore,
    /// The tenants that hold a permit or wait for one.
    of: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A permit, released on drop. Fields drop in order: the semaphore permits first, so that the last
/// permit of a tenant can remove the tenant's entry.
pub(crate) struct FairPermit<'t> {
    _all: SemaphorePermit<'t>,
    _of_tenant: OwnedSemaphorePermit,
    _entry: TenantEntry<'t>,
}

/// A reference to a tenant's entry; the last one removes the entry on drop.
struct TenantEntry<'t> {
    semaphore: &'t FairSemaphore,
    tenant: TenantId,
}

impl FairSemaphore {
    /// Creates a semaphore of `total` permits, of which one tenant may hold `per_tenant`.
    pub(crate) fn new(total: usize, per_tenant: usize, timeout: Duration) -> Self {
        Self {
            per_tenant,
            timeout,
            all: Semaphore::new(total),
            of: Mutex::default(),
        }
    }

    /// Waits for a permit of `tenant`. Returns `None` after the timeout.
    pub(crate) async fn acquire(&self, tenant: &TenantId) -> Option<FairPermit<'_>> {
        timeout(self.timeout, self.next(tenant))
            .await
            .ok()
            .flatten()
    }

    async fn next(&self, tenant: &TenantId) -> Option<FairPermit<'_>> {
        let line = {
            let mut of = self.lock();
            let line = of.entry(tenant.clone());
            Arc::clone(line.or_insert_with(|| Arc::new(Semaphore::new(self.per_tenant))))
        };
        let entry = TenantEntry {
            semaphore: self,
            tenant: tenant.clone(),
        };
        let of_tenant = line.acquire_owned().await.ok()?;
        let all = self.all.acquire().await.ok()?;
        Some(FairPermit {
            _all: all,
            _of_tenant: of_tenant,
            _entry: entry,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Semaphore>>> {
        // no code under the lock can panic halfway
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TenantEntry<'_> {
    fn drop(&mut self) {
        let mut of = self.semaphore.lock();
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
    async fn permits_are_shared_between_tenants_and_waited_for_until_the_timeout() {
        let semaphore = FairSemaphore::new(4, 2, Duration::from_secs(3));
        let [one, other, third] = ["t_a", "t_b", "t_c"].map(|name| TenantId::parse(name).unwrap());
        let mut held = vec![semaphore.acquire(&one).await, semaphore.acquire(&one).await];
        let began = Instant::now();
        assert!(semaphore.acquire(&one).await.is_none());
        let waited = began.elapsed().as_millis();
        assert!((3000..3010).contains(&waited), "{waited} ms");
        held.push(semaphore.acquire(&other).await);
        held.push(semaphore.acquire(&other).await);
        assert!(held.iter().all(Option::is_some));
        assert!(semaphore.acquire(&third).await.is_none());
        drop(held.pop());
        assert!(semaphore.acquire(&third).await.is_some());
        drop(held);
        assert!(semaphore.lock().is_empty());
    }
}
