use std::time::Duration;

use nexus_raw::{
    ports::{CatalogError, Lease},
    tenancy::Scope,
};

/// Receives notifications of the catalogue's work: for metrics, and for waiters on new events. It
/// is called inline, so it must not block.
pub trait CatalogObserver: Send + Sync + 'static {
    /// A call of the port method `operation` has ended. `outcome` is `None` if its caller dropped
    /// it.
    fn called(
        &self,
        operation: &'static str,
        took: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        let _ = (operation, took, outcome);
    }

    /// A group of writes was attempted in one transaction.
    fn attempted(&self, attempt: GroupAttempt) {
        let _ = attempt;
    }

    /// Events of this scope were committed, or may have been if the database's response was lost.
    /// Called before the writer replies to the caller, who may be gone.
    fn written(&self, scope: &Scope) {
        let _ = scope;
    }

    /// The relay's lease was requested; `None` if another owner holds it.
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
    /// Whether it was committed. If not, its calls are retried one by one, each as an attempt of
    /// its own, or refused.
    pub committed: bool,
}
