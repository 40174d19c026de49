use std::sync::Arc;

use nexus_raw::{
    ports::EventQuery,
    tenancy::{ReadAccess, Scope, UserId},
};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use super::{FeedError, Shared, places::Told};

/// A caller's place among those who wait, free again when it is dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    scope: Scope,
    caller: UserId,
    number: u64,
    told: oneshot::Receiver<Told>,
}

/// Takes a place, and begins the watch of the scope where there is none; `None` when nobody waits
/// any more.
pub(super) fn enter(
    shared: &Arc<Shared>,
    access: &ReadAccess,
    query: &EventQuery,
) -> Result<Option<Place>, FeedError> {
    let (scope, caller) = (access.scope(), access.user());
    let entered = shared
        .places
        .enter(scope, caller, query.clone(), &shared.settings)?;
    let Some(seat) = entered else {
        return Ok(None);
    };
    if let Some(wake) = seat.begins {
        let watch = Watch {
            shared: Arc::clone(shared),
            scope: scope.clone(),
            wake,
        };
        shared.runtime.spawn(async move { watch.run().await });
    }
    Ok(Some(Place {
        shared: Arc::clone(shared),
        scope: scope.clone(),
        caller: caller.clone(),
        number: seat.number,
        told: seat.told,
    }))
}

impl Place {
    /// What the watch tells; `None` when it has ended.
    pub(super) async fn told(&mut self) -> Option<Told> {
        (&mut self.told).await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let places = &self.shared.places;
        places.leave(&self.scope, &self.caller, self.number);
    }
}

/// Looks at one scope for all who wait for it, and ends when nobody does.
struct Watch {
    shared: Arc<Shared>,
    scope: Scope,
    wake: Arc<Notify>,
}

impl Watch {
    async fn run(&self) {
        let Shared {
            catalog,
            settings,
            places,
            turns,
            ..
        } = &*self.shared;
        // it looks before it waits: something may have been written since the first caller looked
        loop {
            // turns are never withdrawn
            let turn = turns.acquire().await.ok();
            let Some(wanted) = places.wanted(&self.scope) else {
                return;
            };
            let page = catalog.events(&self.scope, &wanted).await;
            drop(turn);
            let again = match page {
                Ok(page) => places.tell(&self.scope, &wanted, page),
                Err(error) => {
                    places.fail(&self.scope, error);
                    false
                }
            };
            if !again {
                // the end of that time is an answer too
                let _ = timeout(settings.look_every, self.wake.notified()).await;
            }
        }
    }
}

impl Drop for Watch {
    /// Where it ends by a panic, those who wait are let go.
    fn drop(&mut self) {
        self.shared.places.end(&self.scope, &self.wake);
    }
}
