//! Whether what was read is from before a change of it.

use std::{
    collections::{BTreeSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use nexus_raw::tenancy::Scope;

/// The number of counters. Scopes that share one have each other's reads repeated, no more.
const COUNTERS: usize = 256;

/// Counts the changes of one kind in each scope: odd while one is being written, when a reader may see
/// it or not.
pub(super) struct Versions {
    counters: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Versions {
    /// Returns the number of the scope, or `None` while a change is written.
    pub(super) fn get(&self, scope: &Scope) -> Option<u64> {
        let version = self.counters[self.place(scope)].load(SeqCst);
        version.is_multiple_of(2).then_some(version)
    }

    /// Marks a change in these scopes until the returned value is dropped. Only one change is made at
    /// a time, by the one writer.
    pub(super) fn change<'a>(&self, scopes: impl Iterator<Item = &'a Scope>) -> Changing<'_> {
        let places: BTreeSet<_> = scopes.map(|scope| self.place(scope)).collect();
        let change = Changing {
            versions: self,
            places,
        };
        change.count();
        change
    }

    fn place(&self, scope: &Scope) -> usize {
        let hash = self.hasher.hash_one(scope);
        usize::try_from(hash % COUNTERS as u64).unwrap_or(0)
    }
}

/// A change that is being written.
pub(super) struct Changing<'a> {
    versions: &'a Versions,
    places: BTreeSet<usize>,
}

impl Changing<'_> {
    fn count(&self) {
        for place in &self.places {
            self.versions.counters[*place].fetch_add(1, SeqCst);
        }
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.count();
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    #[test]
    fn the_number_is_unknown_during_a_change_and_another_one_after_it() {
        let versions = Versions::default();
        let scope = sample::scope("t_a", "dev");
        let before = versions.get(&scope);
        assert!(before.is_some() && versions.get(&scope) == before);
        // two members of a group make changes to one scope
        let change = versions.change([&scope, &scope].into_iter());
        assert_eq!(versions.get(&scope), None);
        drop(change);
        let after = versions.get(&scope);
        assert!(after.is_some() && after != before);
        drop(versions.change(std::iter::empty()));
        assert_eq!(versions.get(&scope), after);
    }
}
