use std::sync::Arc;

/// What a transaction has written when the [`CommitHook`] is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transaction {
    /// At least one intent.
    pub intents: bool,
    /// At least one record.
    pub assets: bool,
    /// At least one event. A transaction without intents, records and events is the relay's.
    pub events: bool,
}

/// Called by the database's own thread inside each transaction of the writer, when all of it is
/// written and nothing is committed yet. It must not touch the catalogue.
pub type CommitHook = Arc<dyn Fn(Transaction) + Send + Sync>;
