use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use futures_util::{
    FutureExt as _,
    future::{self, BoxFuture, Shared},
};
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

use super::{JwksAlgorithm, fault::LoadError, location::Location, set::KeySet};
use crate::{TokenFault, header::UnverifiedHeader};

/// Between two loads that tokens of unknown keys bring about.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// From the begin of one attempt to that of the next while there is no key at all, and no token
/// can be judged: together with the longest attempt still under 5 s.
const RETRY: Duration = Duration::from_secs(3);
/// When a set is loaded anew although nothing is missing in it, since keys are withdrawn too.
const REFRESH: Duration = Duration::from_mins(5);
/// When a set is loaded anew that no token had loaded for so long.
const IDLE: Duration = Duration::from_hours(12);
/// When a set that could not be renewed is believed no longer.
const MAX_STALE: Duration = Duration::from_hours(24);

/// The keys of an issuer, as they were when last loaded. Loads are brought about by tokens; while
/// there are no keys, and before the last ones end, also by [`come`](Self::come) and
/// [`ended`](Self::ended).
pub(crate) struct Jwks {
    source: Arc<Source>,
    /// Never held while anything is waited for.
    last: Mutex<Option<Attempt>>,
}

/// What an attempt to load reads and writes.
struct Source {
    algorithm: JwksAlgorithm,
    location: Location,
    loaded: ArcSwapOption<Loaded>,
    /// Why the last attempt failed, so that the same is not told again and again.
    told: Mutex<Option<String>>,
}

struct Loaded {
    set: KeySet,
    at: Instant,
}

struct Attempt {
    began: Instant,
    task: AbortHandle,
    end: Renewal,
}

/// Resolves once an attempt to load has ended, for all who wait for it.
type Renewal = Shared<BoxFuture<'static, ()>>;

impl Jwks {
    pub(crate) fn new(algorithm: JwksAlgorithm, location: Location, set: Option<KeySet>) -> Self {
        let source = Source {
            algorithm,
            location,
            loaded: ArcSwapOption::empty(),
            told: Mutex::default(),
        };
        if let Some(set) = set {
            source.take(set);
        }
        Self {
            source: Arc::new(source),
            last: Mutex::new(None),
        }
    }

    pub(crate) fn algorithm(&self) -> JwksAlgorithm {
        self.source.algorithm
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.believed().is_some()
    }

    /// Loads the set until there is one; resolves then.
    pub(crate) async fn come(&self) {
        while !self.has_keys() {
            self.renew().await;
            let began = self.lock_last().as_ref().map(|last| last.began);
            if !self.has_keys() {
                sleep_until(began.unwrap_or_else(Instant::now) + RETRY).await;
            }
        }
    }

    /// Resolves once there are no keys that may be believed. Has a set that nobody needed renewed
    /// in good time before that.
    pub(crate) async fn ended(&self) {
        while let Some(keys) = self.believed() {
            let age = keys.at.elapsed();
            if age < IDLE {
                sleep_until(keys.at + IDLE).await;
            } else {
                self.renew().await;
                sleep(REFRESH.min(MAX_STALE.saturating_sub(age))).await;
            }
        }
    }

    /// Whether a key that the issuer publishes made `signature`. Where none of the known ones
    /// can have, the set is loaded anew first, if that was not just done.
    pub(crate) async fn verify(
        &self,
        header: &UnverifiedHeader,
        signing_input: &str,
        signature: &str,
    ) -> Result<(), TokenFault> {
        let key_id = header.key_id.as_deref();
        let keys = self.fresh().await.ok_or(TokenFault::NoKeys)?;
        let first = keys.set.verify(key_id, signing_input, signature);
        let may_be_of_a_new_key = match first {
            Err(TokenFault::UnknownKey) => true,
            // the only key may have been replaced by another one without a name
            Err(TokenFault::Signature) => key_id.is_none(),
            _ => false,
        };
        if !may_be_of_a_new_key {
            return first;
        }
        self.renew().await;
        match self.believed() {
            Some(renewed) if !Arc::ptr_eq(&renewed, &keys) => {
                renewed.set.verify(key_id, signing_input, signature)
            }
            _ => first,
        }
    }

    /// The keys. Waits for a renewal only where there are none, or where nobody looked for so
    /// long that a withdrawn key may be among them.
    async fn fresh(&self) -> Option<Arc<Loaded>> {
        match self.believed() {
            Some(keys) if keys.at.elapsed() < REFRESH => return Some(keys),
            Some(keys) if self.was_tried_within(2 * REFRESH, &keys) => {
                // it goes on in its own task
                drop(self.renew());
                return Some(keys);
            }
            _ => self.renew().await,
        }
        self.believed()
    }

    fn believed(&self) -> Option<Arc<Loaded>> {
        self.source
            .loaded
            .load_full()
            .filter(|keys| keys.at.elapsed() < MAX_STALE)
    }

    fn was_tried_within(&self, period: Duration, keys: &Loaded) -> bool {
        let last = self.lock_last();
        let tried = last
            .as_ref()
            .map_or(keys.at, |last| last.began.max(keys.at));
        tried.elapsed() < period
    }

    /// Starts an attempt to load the set, unless one is under way or was made just now: then it
    /// is that one.
    fn renew(&self) -> Renewal {
        let pause = if self.has_keys() { COOL_DOWN } else { RETRY };
        let mut last = self.lock_last();
        if let Some(last) = &*last
            && (!last.task.is_finished() || last.began.elapsed() < pause)
        {
            return last.end.clone();
        }
        let Ok(runtime) = Handle::try_current() else {
            return future::ready(()).boxed().shared();
        };
        // in a task of its own: it ends even where the caller who began it goes away
        let task = runtime.spawn(load(Arc::clone(&self.source)));
        let attempt = Attempt {
            began: Instant::now(),
            task: task.abort_handle(),
            end: task.map(drop).boxed().shared(),
        };
        last.insert(attempt).end.clone()
    }

    fn lock_last(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn load(source: Arc<Source>) {
    match source.location.load(source.algorithm).await {
        Ok(set) => source.take(set),
        Err(error) => source.tell(&error),
    }
}

impl Source {
    /// Has these keys be the ones that are believed. Tells of those that the set had beside them,
    /// unless it had the same before.
    fn take(&self, set: KeySet) {
        let last = self.loaded.load();
        if last.as_ref().map(|last| &last.set.dropped) != Some(&set.dropped) {
            for key in &set.dropped {
                tracing::warn!("a key of the JWKS is not used: {key}");
            }
        }
        *self.lock_told() = None;
        self.loaded.store(Some(Arc::new(Loaded {
            set,
            at: Instant::now(),
        })));
    }

    /// The one line about attempts that fail alike, one after the other: callers learn nothing of
    /// it.
    fn tell(&self, error: &LoadError) {
        let chain = nexus_raw::ErrorChain(error).to_string();
        let mut told = self.lock_told();
        if told.as_ref() == Some(&chain) {
            return;
        }
        if self.loaded.load().is_some() {
            tracing::warn!("the token keys were not refreshed, the last ones stay in use: {chain}");
        } else {
            tracing::error!("there are no keys, no token can be verified: {chain}");
        }
        *told = Some(chain);
    }

    fn lock_told(&self) -> MutexGuard<'_, Option<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
