//! Reads that callers share: while one is under way, further callers wait and are read together.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexus_raw::ports::CatalogError;
use tokio::{sync::oneshot, time::timeout};

use crate::error::{DEADLINE, Failure, Reason};

/// How many reads of one place are under way at once. A second one goes on while the first waits for a
/// connection that is dead.
const LANES: u8 = 2;

/// How many callers share a read at most.
const MAX_GROUP: usize = 256;

type Reply<V> = Result<Option<V>, Failure>;

/// Reads values of keys in a place, such as a tenant's environment: no read is of two places, so that
/// none waits for what another one reads.
pub(super) struct Gathered<P, K, V>(Arc<Mutex<HashMap<P, Place<K, V>>>>);

struct Place<K, V> {
    waiting: Vec<(K, oneshot::Sender<Reply<V>>)>,
    lanes: u8,
}

impl<P, K, V> Default for Gathered<P, K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<P, K, V> Clone for Gathered<P, K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P, K, V> Gathered<P, K, V>
where
    P: Clone + Eq + Hash + Send + 'static,
    K: Clone + Ord + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Returns the value of a key, `None` if there is none, from a read that begins after this call.
    /// `read` may be called for the keys of others too, within a task of its own, so that the end of
    /// one caller ends no other one.
    pub(super) async fn value<F>(
        &self,
        place: &P,
        key: K,
        read: impl FnMut(P, Vec<K>) -> F + Send + 'static,
    ) -> Result<Option<V>, CatalogError>
    where
        F: Future<Output = Result<BTreeMap<K, V>, CatalogError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let begins = {
            let mut places = self.places();
            let here = places.entry(place.clone()).or_insert_with(|| Place {
                waiting: Vec::new(),
                lanes: 0,
            });
            here.waiting.push((key, reply));
            let begins = here.lanes < LANES;
            here.lanes += u8::from(begins);
            begins
        };
        if begins {
            let lane = Lane {
                of: self.clone(),
                place: place.clone(),
                has_ended: false,
            };
            tokio::spawn(lane.run(read));
        }
        let answer = answer.await.map_err(|_| Reason::Unanswered)?;
        answer.map_err(|failure| failure.to_catalog_error())
    }

    fn places(&self) -> MutexGuard<'_, HashMap<P, Place<K, V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One read after the other, until nobody waits.
struct Lane<P: Clone + Eq + Hash, K, V> {
    of: Gathered<P, K, V>,
    place: P,
    has_ended: bool,
}

impl<P, K, V> Lane<P, K, V>
where
    P: Clone + Eq + Hash + Send + 'static,
    K: Clone + Ord + Send + 'static,
    V: Clone + Send + 'static,
{
    async fn run<F>(mut self, mut read: impl FnMut(P, Vec<K>) -> F)
    where
        F: Future<Output = Result<BTreeMap<K, V>, CatalogError>> + Send,
    {
        loop {
            let group = self.next();
            if group.is_empty() {
                return;
            }
            let mut keys: Vec<K> = group.iter().map(|(key, _)| key.clone()).collect();
            keys.sort_unstable();
            keys.dedup();
            let values = timeout(DEADLINE, read(self.place.clone(), keys)).await;
            let values = values.unwrap_or_else(|_| Err(Reason::Deadline.into()));
            let values = values.map_err(Failure::from);
            for (key, reply) in group {
                let answer = match &values {
                    Ok(values) => Ok(values.get(&key).cloned()),
                    Err(failure) => Err(failure.clone()),
                };
                // a caller that has gone needs none
                let _ = reply.send(answer);
            }
        }
    }

    /// Takes those who wait, and ends the lane if there are none.
    fn next(&mut self) -> Vec<(K, oneshot::Sender<Reply<V>>)> {
        let mut places = self.of.places();
        let Some(here) = places.get_mut(&self.place) else {
            self.has_ended = true;
            return Vec::new();
        };
        here.waiting.retain(|(_, reply)| !reply.is_closed());
        let group = if here.waiting.len() <= MAX_GROUP {
            mem::take(&mut here.waiting)
        } else {
            here.waiting.drain(..MAX_GROUP).collect()
        };
        if group.is_empty() {
            self.has_ended = true;
            here.lanes -= 1;
            if here.lanes == 0 {
                places.remove(&self.place);
            }
        }
        group
    }
}

/// A lane that was dropped or has panicked leaves those who wait to others.
impl<P: Clone + Eq + Hash, K, V> Drop for Lane<P, K, V> {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let mut places = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = places.get_mut(&self.place) {
            here.lanes -= 1;
            if here.lanes == 0 {
                // whoever still waits has no other one that reads
                places.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;

    type Numbers = Gathered<&'static str, u32, u32>;

    /// The squares of even numbers; a read that is asked for 13 fails.
    fn squares(keys: Vec<u32>) -> Result<BTreeMap<u32, u32>, CatalogError> {
        if keys.contains(&13) {
            return Err(CatalogError::Corrupt("of a test".into()));
        }
        let even = keys.into_iter().filter(|it| it % 2 == 0);
        Ok(even.map(|it| (it, it * it)).collect())
    }

    /// Reads that wait until they may go on, each told when it begins.
    #[derive(Clone)]
    struct Held {
        begun: mpsc::UnboundedSender<(&'static str, Vec<u32>)>,
        may_go_on: Arc<Semaphore>,
    }

    impl Held {
        fn new() -> (Self, mpsc::UnboundedReceiver<(&'static str, Vec<u32>)>) {
            let (begun, seen) = mpsc::unbounded_channel();
            let may_go_on = Arc::new(Semaphore::new(0));
            (Self { begun, may_go_on }, seen)
        }

        /// Has so many reads under way in a place that further callers wait.
        async fn fill<C>(
            begun: &mut mpsc::UnboundedReceiver<(&'static str, Vec<u32>)>,
            ask: &impl Fn(u32) -> C,
        ) -> Vec<C> {
            let mut calls = Vec::new();
            for key in [2, 4] {
                calls.push(ask(key));
                assert_eq!(begun.recv().await.unwrap(), ("a", vec![key]));
            }
            calls
        }

        async fn value(
            self,
            of: Numbers,
            place: &'static str,
            key: u32,
        ) -> Result<Option<u32>, CatalogError> {
            let read = move |place, keys: Vec<u32>| {
                let held = self.clone();
                async move {
                    held.begun.send((place, keys.clone())).unwrap();
                    held.may_go_on.acquire().await.unwrap().forget();
                    squares(keys)
                }
            };
            of.value(&place, key, read).await
        }
    }

    /// Those that come while two are under way are read together, each key once; no read is of two
    /// places, and none waits for another place.
    #[tokio::test]
    async fn who_comes_during_a_read_shares_the_next_one() {
        let numbers = Numbers::default();
        let (held, mut begun) = Held::new();
        let ask = |place, key| tokio::spawn(held.clone().value(numbers.clone(), place, key));
        let mut calls = Vec::new();
        for key in [2, 4] {
            calls.push(ask("a", key));
            assert_eq!(begun.recv().await.unwrap(), ("a", vec![key]));
        }
        calls.extend([6, 3, 6, 8].map(|key| ask("a", key)));
        calls.push(ask("b", 6));
        assert_eq!(begun.recv().await.unwrap(), ("b", vec![6]));
        held.may_go_on.add_permits(4);
        assert_eq!(begun.recv().await.unwrap(), ("a", vec![3, 6, 8]));
        let answers = join_all(calls).await.into_iter();
        let answers: Vec<_> = answers.map(|it| it.unwrap().unwrap()).collect();
        let expected = [4, 16, 36, 0, 36, 64, 36].map(|it| Some(it).filter(|it| *it > 0));
        assert_eq!(answers, expected);
        assert!(begun.is_empty());
        tokio::task::yield_now().await;
        assert!(numbers.places().is_empty());
    }

    #[tokio::test]
    async fn a_read_is_shared_by_so_many_and_no_more() {
        let numbers = Numbers::default();
        let (held, mut begun) = Held::new();
        let ask = |key| tokio::spawn(held.clone().value(numbers.clone(), "a", key));
        let mut calls = Held::fill(&mut begun, &ask).await;
        calls.extend((100..400).map(ask));
        tokio::task::yield_now().await;
        held.may_go_on.add_permits(4);
        let mut sizes = [(); 2].map(|()| 0);
        for size in &mut sizes {
            *size = begun.recv().await.unwrap().1.len();
        }
        assert_eq!(sizes, [MAX_GROUP, 300 - MAX_GROUP]);
        for call in join_all(calls).await {
            call.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_failed_read_fails_for_all_who_share_it_and_for_no_other() {
        let numbers = Numbers::default();
        let (held, mut begun) = Held::new();
        let ask = |key| tokio::spawn(held.clone().value(numbers.clone(), "a", key));
        let mut calls = Held::fill(&mut begun, &ask).await;
        calls.extend([6, 13].map(ask));
        tokio::task::yield_now().await;
        held.may_go_on.add_permits(3);
        let answers = join_all(calls).await.into_iter().map(Result::unwrap);
        let failed: Vec<bool> = answers.map(|it| it.is_err()).collect();
        assert_eq!(failed, [false, false, true, true]);
        held.may_go_on.add_permits(1);
        assert_eq!(ask(8).await.unwrap().unwrap(), Some(64));
    }

    /// Nor are they read for.
    #[tokio::test]
    async fn callers_that_have_gone_leave_the_others() {
        let numbers = Numbers::default();
        let (held, mut begun) = Held::new();
        let ask = |key| tokio::spawn(held.clone().value(numbers.clone(), "a", key));
        let first = Held::fill(&mut begun, &ask).await;
        let gone = ask(6);
        let stays = ask(8);
        tokio::task::yield_now().await;
        gone.abort();
        for it in &first {
            it.abort();
        }
        assert!(gone.await.unwrap_err().is_cancelled());
        held.may_go_on.add_permits(3);
        assert_eq!(begun.recv().await.unwrap(), ("a", vec![8]));
        assert_eq!(stays.await.unwrap().unwrap(), Some(64));
    }

    /// Its callers get an error, and the next one is read for.
    #[tokio::test]
    async fn a_read_that_panics_blocks_no_place() {
        let numbers = Numbers::default();
        let panics = |_: &'static str, _: Vec<u32>| async { panic!("on purpose") };
        for _ in 0..3 {
            let answer = numbers.value(&"a", 2, panics).await;
            assert!(matches!(answer, Err(CatalogError::Unavailable(_))));
        }
        let sound = |_, keys| async { squares(keys) };
        assert_eq!(numbers.value(&"a", 2, sound).await.unwrap(), Some(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_without_an_end_is_given_up_on() {
        let numbers = Numbers::default();
        let endless = |_: &'static str, _: Vec<u32>| std::future::pending();
        let answer = numbers.value(&"a", 2, endless).await;
        assert!(matches!(answer, Err(CatalogError::Unavailable(_))));
    }
}
