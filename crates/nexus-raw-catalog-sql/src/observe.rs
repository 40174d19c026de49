use std::time::Duration;

use nexus_raw::{
    ports::{CatalogError, Lease},
    tenancy::Scope,
};

/// Is called at what the catalogue does: for metrics, and for those who wait for a write. It is
/// called on the way of each call, so it must return at once.
pub trait CatalogObserver: Send + Sync + 'static {
    /// A call of a port has ended, by the name of its method. `None` where its caller dropped it
    /// under way.
    fn called(
        &self,
        operation: &'static str,
        took: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        let _ = (operation, took, outcome);
    }

    /// A group of writes was attempted, in one transaction.
    fn attempted(&self, attempt: GroupAttempt) {
        let _ = attempt;
    }

    /// Events of this scope were committed, or may have been: the answer of the database was lost.
    /// Their caller has not been answered yet, and need not be there any more.
    fn written(&self, scope: &Scope) {
        let _ = scope;
    }

    /// The relay's lease was asked for; `None` where another owner holds it.
    fn leased(&self, lease: Option<Lease>) {
        let _ = lease;
    }
}

/// Two observers, each called in turn.
impl<A: CatalogObserver, B: CatalogObserver> CatalogObserver for (A, B) {
    fn called(
        &self,
        operation: &'static str,
        took: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        self.0.called(operation, took, outcome);
        self.1.called(operation, took, outcome);
    }

    fn attempted(&self, attempt: GroupAttempt) {
        self.0.attempted(attempt);
        self.1.attempted(attempt);
    }

    fn written(&self, scope: &Scope) {
        self.0.written(scope);
        self.1.written(scope);
    }

    fn leased(&self, lease: Option<Lease>) {
        self.0.leased(lease);
        self.1.leased(lease);
    }
}

/// One attempt to write a group of calls in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupAttempt {
    /// How many calls shared it.
    pub calls: usize,
    /// How long it took, the commit included.
    pub took: Duration,
    /// Whether it was committed. Where it was not, its calls are tried alone, each an attempt of
    /// its own, or refused.
    pub committed: bool,
}
