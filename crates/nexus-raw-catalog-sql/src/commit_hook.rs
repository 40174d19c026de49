use std::sync::Arc;

/// The kinds of rows that a transaction has inserted when the [`CommitHook`] is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transaction {
    /// At least one intent.
    pub intents: bool,
    /// At least one record.
    pub assets: bool,
    /// At least one event. A transaction without intents, records and events is the relay's.
    pub events: bool,
}

/// A function that the database's thread calls in each transaction of the writer, just before the
/// commit. It must not use the catalogue.
pub type CommitHook = Arc<dyn Fn(Transaction) + Send + Sync>;
