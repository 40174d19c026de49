use std::{sync::Arc, time::Duration};

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

/// Told of each attempt, by the writer's own task: it must return at once.
pub type GroupObserver = Arc<dyn Fn(GroupAttempt) + Send + Sync>;
