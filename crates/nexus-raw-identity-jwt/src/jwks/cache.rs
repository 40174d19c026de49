use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use futures_util::{
    FutureExt as _,
    future::{self, BoxFuture, Shared},
};
use tokio::{runtime::Handle, task::AbortHandle, time::Instant};

use super::{JwksAlgorithm, fault::LoadError, location::Location, set::KeySet};
use crate::{TokenFault, header::UnverifiedHeader};

/// Between two loads that tokens of unknown keys bring about.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// Between two attempts while there is no key at all, and every token is refused.
const RETRY: Duration = Duration::from_secs(5);
/// When a set is loaded anew although nothing is missing in it, since keys are withdrawn too.
const REFRESH: Duration = Duration::from_mins(5);
/// When a set that could not be renewed is believed no longer.
const MAX_STALE: Duration = Duration::from_hours(24);

/// The keys of an issuer, as they were when last loaded. Loads are brought about by tokens: no
/// task runs, and a server that nobody asks asks nobody.
pub(crate) struct Jwks {
    algorithm: JwksAlgorithm,
    location: Location,
    loaded: Arc<ArcSwapOption<Loaded>>,
    /// Never held while anything is waited for.
    last: Mutex<Option<Attempt>>,
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
        let loaded = set.map(|set| Loaded::now(set).into());
        Self {
            algorithm,
            location,
            loaded: Arc::new(ArcSwapOption::new(loaded)),
            last: Mutex::new(None),
        }
    }

    pub(crate) fn algorithm(&self) -> JwksAlgorithm {
        self.algorithm
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
        let verdict = |keys: &Option<Arc<Loaded>>| match keys {
            Some(keys) => keys.set.verify(key_id, signing_input, signature),
            None => Err(TokenFault::UnknownKey),
        };
        let keys = self.fresh().await;
        let first = verdict(&keys);
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
        let renewed = self.believed();
        if renewed.as_ref().map(Arc::as_ptr) == keys.as_ref().map(Arc::as_ptr) {
            return first;
        }
        verdict(&renewed)
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
        self.loaded
            .load_full()
            .filter(|keys| keys.at.elapsed() < MAX_STALE)
    }

    fn was_tried_within(&self, period: Duration, keys: &Loaded) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = last
            .as_ref()
            .map_or(keys.at, |last| last.began.max(keys.at));
        tried.elapsed() < period
    }

    /// Starts an attempt to load the set, unless one is under way or was made just now: then it
    /// is that one.
    fn renew(&self) -> Renewal {
        let pause = if self.believed().is_some() {
            COOL_DOWN
        } else {
            RETRY
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && (!last.task.is_finished() || last.began.elapsed() < pause)
        {
            return last.end.clone();
        }
        let Ok(runtime) = Handle::try_current() else {
            return future::ready(()).boxed().shared();
        };
        // in a task of its own: it ends even where the caller who began it goes away
        let task = runtime.spawn(load(
            self.location.clone(),
            self.algorithm,
            Arc::clone(&self.loaded),
        ));
        let attempt = Attempt {
            began: Instant::now(),
            task: task.abort_handle(),
            end: task.map(drop).boxed().shared(),
        };
        last.insert(attempt).end.clone()
    }
}

async fn load(location: Location, algorithm: JwksAlgorithm, loaded: Arc<ArcSwapOption<Loaded>>) {
    match location.load(algorithm).await {
        Ok(set) => loaded.store(Some(Loaded::now(set).into())),
        Err(error) => tell(&error, loaded.load().is_some()),
    }
}

/// The one line about an attempt that failed: callers learn nothing of it.
fn tell(error: &LoadError, has_keys: bool) {
    let mut chain = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        chain = format!("{chain}: {source}");
        next = source.source();
    }
    if has_keys {
        tracing::warn!("the keys of tokens were not renewed, the last ones stay: {chain}");
    } else {
        tracing::error!("there are no keys, every token is refused: {chain}");
    }
}

impl Loaded {
    fn now(set: KeySet) -> Self {
        Self {
            set,
            at: Instant::now(),
        }
    }
}
