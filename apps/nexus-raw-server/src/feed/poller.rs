use std::sync::Arc;

use nexus_raw::{
    ports::{EventQuery, EventSelection},
    tenancy::{ReadAccess, Scope, UserId},
};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use super::{FeedError, Shared, waiters::PollResult};

/// A caller's wait, which ends on drop.
pub(super) struct Subscription {
    shared: Arc<Shared>,
    scope: Scope,
    selection: EventSelection,
    caller: UserId,
    id: u64,
    result: oneshot::Receiver<PollResult>,
}

/// Registers a waiter, and starts the poller of its selection if there is none. Returns `None` after a stop.
pub(super) fn subscribe(
    shared: &Arc<Shared>,
    access: &ReadAccess,
    query: &EventQuery,
) -> Result<Option<Subscription>, FeedError> {
    let (scope, caller) = (access.scope(), access.user());
    let registered = shared
        .waiters
        .register(scope, caller, query.clone(), &shared.settings)?;
    let Some(ticket) = registered else {
        return Ok(None);
    };
    if let Some(wake) = ticket.new_poller {
        let poller = FeedPoller {
            shared: Arc::clone(shared),
            scope: scope.clone(),
            selection: query.selection.clone(),
            wake,
        };
        shared.runtime.spawn(async move { poller.run().await });
    }
    Ok(Some(Subscription {
        shared: Arc::clone(shared),
        scope: scope.clone(),
        selection: query.selection.clone(),
        caller: caller.clone(),
        id: ticket.id,
        result: ticket.result,
    }))
}

impl Subscription {
    /// Waits for the poller's result. Returns `None` if the poller has ended.
    pub(super) async fn result(&mut self) -> Option<PollResult> {
        (&mut self.result).await.ok()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let waiters = &self.shared.waiters;
        waiters.remove(&self.scope, &self.selection, &self.caller, self.id);
    }
}

/// Polls one selection of a scope for all its waiters, and ends without waiters.
struct FeedPoller {
    shared: Arc<Shared>,
    scope: Scope,
    selection: EventSelection,
    wake: Arc<Notify>,
}

impl FeedPoller {
    async fn run(&self) {
        let Shared {
            catalog,
            settings,
            waiters,
            polls,
            ..
        } = &*self.shared;
        // polls at once: an event may have been written since the first waiter's read
        loop {
            // the semaphore is never closed
            let permit = polls.acquire().await.ok();
            let Some(wanted) = waiters.wanted(&self.scope, &self.selection) else {
                return;
            };
            let page = catalog.events(&self.scope, &wanted).await;
            drop(permit);
            let again = match page {
                Ok(page) => waiters.deliver(&self.scope, &wanted, page),
                Err(error) => {
                    waiters.fail(&self.scope, &self.selection, error);
                    false
                }
            };
            if !again {
                // a timeout is no error here
                let _ = timeout(settings.poll_interval, self.wake.notified()).await;
            }
        }
    }
}

impl Drop for FeedPoller {
    /// Ends the waits also after a panic.
    fn drop(&mut self) {
        let waiters = &self.shared.waiters;
        waiters.end(&self.scope, &self.selection, &self.wake);
    }
}
