//! The commit hook, by SQLite's own hooks (<https://www.sqlite.org/c3ref/commit_hook.html>), so
//! that the writer has no code for it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{SqliteConnection, sqlite::SqliteOperation};

use super::fault::open_error;
use crate::{
    commit_hook::{CommitHook, Transaction},
    error::OpenError,
};

/// The kinds of rows that the current transaction has inserted so far.
#[derive(Clone, Default)]
struct TransactionWrites(Arc<Mutex<Transaction>>);

impl TransactionWrites {
    fn row_of(&self, table: &str, operation: &SqliteOperation) {
        // a registration updates its intent
        if !matches!(operation, SqliteOperation::Insert) {
            return;
        }
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table {
            "upload_intent" => written.intents = true,
            "asset" => written.assets = true,
            "event" => written.events = true,
            _ => {}
        }
    }

    fn take(&self) -> Transaction {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) async fn install(
    connection: &mut SqliteConnection,
    hook: CommitHook,
) -> Result<(), OpenError> {
    let mut handle = connection.lock_handle().await.map_err(open_error)?;
    let written = TransactionWrites::default();
    let (rows, undone) = (written.clone(), written.clone());
    handle.set_update_hook(move |row| rows.row_of(row.table, &row.operation));
    handle.set_rollback_hook(move || {
        undone.take();
    });
    handle.set_commit_hook(move || {
        hook(written.take());
        true
    });
    Ok(())
}
