//! The commit hook, by SQLite's own hooks (<https://www.sqlite.org/c3ref/commit_hook.html>), so
//! that the writer has no code for it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::hooks::Action;

use super::{connection::SqliteConnection, fault::open_error};
use crate::{
    commit_hook::{CommitHook, Transaction},
    error::OpenError,
};

/// The kinds of rows that the current transaction has inserted so far.
#[derive(Clone, Default)]
struct TransactionWrites(Arc<Mutex<Transaction>>);

impl TransactionWrites {
    fn row_of(&self, table: &str, operation: Action) {
        // a registration updates its intent
        if operation != Action::SQLITE_INSERT {
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

pub(super) fn install(connection: &SqliteConnection, hook: CommitHook) -> Result<(), OpenError> {
    let written = TransactionWrites::default();
    let (rows, undone) = (written.clone(), written.clone());
    let raw = connection.raw();
    let row_changed = move |operation, _: &str, table: &str, _| rows.row_of(table, operation);
    raw.update_hook(Some(row_changed))
        .and_then(|()| {
            raw.rollback_hook(Some(move || {
                undone.take();
            }))
        })
        .and_then(|()| {
            raw.commit_hook(Some(move || {
                hook(written.take());
                // do not roll back
                false
            }))
        })
        .map_err(open_error)
}
