use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
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
use crate::{TokenFault, header::UnverifiedHeader, keys::KeyGeneration};

/// The minimum time between two loads caused by tokens of unknown keys.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// The time between the starts of two attempts while there are no keys and no token can be verified.
/// Together with the longest attempt it is below 5 s.
const RETRY: Duration = Duration::from_secs(3);
/// The age at which a set is reloaded even if no key is missing, since keys are also withdrawn.
const REFRESH: Duration = Duration::from_mins(5);
/// The age at which a set is reloaded without tokens.
const IDLE: Duration = Duration::from_hours(12);
/// The age at which a set that could not be reloaded is no longer trusted.
const MAX_STALE: Duration = Duration::from_hours(24);

/// A cache of an issuer's keys. Tokens trigger loads; so do [`loaded`](Self::loaded) while there are no
/// keys, and [`expired`](Self::expired) before the last ones expire.
pub(crate) struct Jwks {
    source: Arc<Source>,
    /// Never held across an await.
    last: Mutex<Option<LoadAttempt>>,
}

/// The state that a load reads and writes.
struct Source {
    algorithm: JwksAlgorithm,
    location: Location,
    loaded: ArcSwapOption<LoadedKeys>,
    /// How many sets were loaded.
    loads: AtomicU64,
    /// The last logged error, so that it is not logged repeatedly.
    logged: Mutex<Option<String>>,
}

struct LoadedKeys {
    set: KeySet,
    at: Instant,
    generation: KeyGeneration,
}

impl LoadedKeys {
    fn verify(
        &self,
        key_id: Option<&str>,
        signing_input: &str,
        signature: &str,
    ) -> Result<KeyGeneration, TokenFault> {
        self.set.verify(key_id, signing_input, signature)?;
        Ok(self.generation)
    }
}

struct LoadAttempt {
    began: Instant,
    task: AbortHandle,
    end: Renewal,
}

/// Resolves once a load has ended, for all waiters.
type Renewal = Shared<BoxFuture<'static, ()>>;

impl Jwks {
    pub(crate) fn new(algorithm: JwksAlgorithm, location: Location, set: Option<KeySet>) -> Self {
        let source = Source {
            algorithm,
            location,
            loaded: ArcSwapOption::empty(),
            loads: AtomicU64::new(0),
            logged: Mutex::default(),
        };
        if let Some(set) = set {
            source.store(set);
        }
        Self {
            source: Arc::new(source),
            last: Mutex::new(None),
        }
    }

    pub(crate) fn algorithm(&self) -> JwksAlgorithm {
        self.source.algorithm
    }

    /// Loads a set, which is not stored.
    pub(crate) async fn load(&self) -> Result<KeySet, LoadError> {
        self.source.location.load(self.source.algorithm).await
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.trusted().is_some()
    }

    /// Retries until a set is loaded.
    pub(crate) async fn loaded(&self) {
        while !self.has_keys() {
            self.renew().await;
            let began = self.lock_last().as_ref().map(|last| last.began);
            if !self.has_keys() {
                sleep_until(began.unwrap_or_else(Instant::now) + RETRY).await;
            }
        }
    }

    /// Resolves once there are no trusted keys. Reloads a set that no token used in time before
    /// that.
    pub(crate) async fn expired(&self) {
        while let Some(keys) = self.trusted() {
            let age = keys.at.elapsed();
            if age < IDLE {
                sleep_until(keys.at + IDLE).await;
            } else {
                self.renew().await;
                sleep(REFRESH.min(MAX_STALE.saturating_sub(age))).await;
            }
        }
    }

    /// Returns of which load the trusted keys are. Reloads them as [`verify`](Self::verify) does.
    pub(crate) async fn generation(&self) -> Option<KeyGeneration> {
        self.fresh().await.map(|keys| keys.generation)
    }

    /// Verifies that a published key made `signature`. If no known key can have, the set is
    /// reloaded first, unless it was just loaded.
    pub(crate) async fn verify(
        &self,
        header: &UnverifiedHeader,
        signing_input: &str,
        signature: &str,
    ) -> Result<KeyGeneration, TokenFault> {
        let key_id = header.key_id.as_deref();
        let keys = self.fresh().await.ok_or(TokenFault::NoKeys)?;
        let first = keys.verify(key_id, signing_input, signature);
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
        match self.trusted() {
            Some(renewed) if !Arc::ptr_eq(&renewed, &keys) => {
                renewed.verify(key_id, signing_input, signature)
            }
            _ => first,
        }
    }

    /// Returns the keys. Waits for a reload only if there are none, or if the last attempt is so old
    /// that a withdrawn key may be among them.
    async fn fresh(&self) -> Option<Arc<LoadedKeys>> {
        match self.trusted() {
            Some(keys) if keys.at.elapsed() < REFRESH => return Some(keys),
            Some(keys) if self.was_tried_within(2 * REFRESH, &keys) => {
                // it continues in its own task
                drop(self.renew());
                return Some(keys);
            }
            _ => self.renew().await,
        }
        self.trusted()
    }

    fn trusted(&self) -> Option<Arc<LoadedKeys>> {
        self.source
            .loaded
            .load_full()
            .filter(|keys| keys.at.elapsed() < MAX_STALE)
    }

    fn was_tried_within(&self, period: Duration, keys: &LoadedKeys) -> bool {
        let last = self.lock_last();
        let tried = last
            .as_ref()
            .map_or(keys.at, |last| last.began.max(keys.at));
        tried.elapsed() < period
    }

    /// Starts a load, or returns the one that is running or was just made.
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
        // in its own task, which completes even if the caller is cancelled
        let task = runtime.spawn(load(Arc::clone(&self.source)));
        let attempt = LoadAttempt {
            began: Instant::now(),
            task: task.abort_handle(),
            end: task.map(drop).boxed().shared(),
        };
        last.insert(attempt).end.clone()
    }

    fn lock_last(&self) -> MutexGuard<'_, Option<LoadAttempt>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn load(source: Arc<Source>) {
    match source.location.load(source.algorithm).await {
        Ok(set) => source.store(set),
        Err(error) => source.log(&error),
    }
}

impl Source {
    /// Stores a loaded set. Logs its ignored keys, unless the last set had the same.
    fn store(&self, set: KeySet) {
        let last = self.loaded.load();
        if last.as_ref().map(|last| &last.set.dropped) != Some(&set.dropped) {
            for key in &set.dropped {
                tracing::warn!(reason = %key, "JWKS key ignored");
            }
        }
        *self.lock_logged() = None;
        let number = self.loads.fetch_add(1, Ordering::Relaxed) + 1;
        self.loaded.store(Some(Arc::new(LoadedKeys {
            set,
            at: Instant::now(),
            generation: KeyGeneration::of_load(number),
        })));
    }

    /// Logs a failed load, once for consecutive loads with the same error. Callers do not see it.
    fn log(&self, error: &LoadError) {
        let chain = nexus_raw::ErrorChain(error).to_string();
        let mut logged = self.lock_logged();
        if logged.as_ref() == Some(&chain) {
            return;
        }
        if self.loaded.load().is_some() {
            tracing::warn!(error = %chain, "JWKS refresh failed, last keys stay in use");
        } else {
            tracing::error!(error = %chain, "JWKS load failed, no keys available");
        }
        *logged = Some(chain);
    }

    fn lock_logged(&self) -> MutexGuard<'_, Option<String>> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
