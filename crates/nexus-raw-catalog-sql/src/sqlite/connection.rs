use std::{path::Path, sync::Arc};

use rusqlite::{Connection, Error, OpenFlags, Params, types::Value};

use crate::rows::{Cells, WrongCell, column_index};

/// The number of statements that a connection keeps prepared: all of the writer's, and those of the
/// lists that are asked for most.
const PREPARED: usize = 64;

/// A connection, used by one thread at a time. Each statement blocks it.
pub(in crate::sqlite) struct SqliteConnection(Connection);

impl SqliteConnection {
    /// Opens an existing file.
    pub(in crate::sqlite) fn open(file: &Path) -> Result<Self, Error> {
        // no mutex: one thread at a time uses it; no URI: the path is taken as it is
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self::of(Connection::open_with_flags(file, flags)?))
    }

    /// Opens an empty database in memory.
    pub(in crate::sqlite) fn in_memory() -> Result<Self, Error> {
        Ok(Self::of(Connection::open_in_memory()?))
    }

    fn of(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Self(connection)
    }

    /// Runs several statements, which are not kept prepared.
    pub(in crate::sqlite) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.0.execute_batch(sql)
    }

    /// Runs a statement that returns no rows, and returns the number of rows that it changed.
    pub(in crate::sqlite) fn execute(
        &mut self,
        sql: &str,
        values: impl Params,
    ) -> Result<usize, Error> {
        self.0.prepare_cached(sql)?.execute(values)
    }

    /// Returns all rows.
    pub(in crate::sqlite) fn rows(
        &mut self,
        sql: &str,
        values: impl Params,
    ) -> Result<Vec<SqliteRow>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        let names = names(&statement);
        let mut rows = statement.query(values)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(SqliteRow::of(&names, row)?);
        }
        Ok(all)
    }

    /// Returns the first row, if there is one.
    pub(in crate::sqlite) fn row(
        &mut self,
        sql: &str,
        values: impl Params,
    ) -> Result<Option<SqliteRow>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        let names = names(&statement);
        let mut rows = statement.query(values)?;
        rows.next()?
            .map(|row| SqliteRow::of(&names, row))
            .transpose()
    }

    /// Returns the only row.
    pub(in crate::sqlite) fn only(
        &mut self,
        sql: &str,
        values: impl Params,
    ) -> Result<SqliteRow, Error> {
        self.row(sql, values)?.ok_or(Error::QueryReturnedNoRows)
    }

    /// Returns whether no transaction is open.
    pub(in crate::sqlite) fn is_autocommit(&self) -> bool {
        self.0.is_autocommit()
    }

    #[cfg(feature = "commit-hook")]
    pub(in crate::sqlite) fn raw(&self) -> &Connection {
        &self.0
    }

    pub(in crate::sqlite) fn close(self) -> Result<(), Error> {
        self.0.close().map_err(|(_, error)| error)
    }
}

fn names(statement: &rusqlite::Statement<'_>) -> Arc<[Box<str>]> {
    let names = statement.column_names().into_iter();
    names.map(Box::from).collect()
}

/// A row, with the names of its columns.
pub(in crate::sqlite) struct SqliteRow {
    names: Arc<[Box<str>]>,
    values: Vec<Value>,
}

impl SqliteRow {
    fn of(names: &Arc<[Box<str>]>, row: &rusqlite::Row<'_>) -> Result<Self, Error> {
        let values = (0..names.len()).map(|at| row.get(at));
        Ok(Self {
            names: names.clone(),
            values: values.collect::<Result<_, _>>()?,
        })
    }

    fn value(&self, column: &str) -> Result<&Value, WrongCell> {
        let names = self.names.iter().map(|it| &**it);
        let index = column_index(names, column).ok_or(WrongCell)?;
        self.values.get(index).ok_or(WrongCell)
    }
}

impl Cells for SqliteRow {
    fn integer(&self, column: &str) -> Result<Option<i64>, WrongCell> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            _ => Err(WrongCell),
        }
    }

    fn real(&self, column: &str) -> Result<Option<f64>, WrongCell> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Real(number) => Ok(Some(*number)),
            _ => Err(WrongCell),
        }
    }

    fn text(&self, column: &str) -> Result<Option<&str>, WrongCell> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(WrongCell),
        }
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, WrongCell> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Blob(bytes) => Ok(Some(bytes.clone())),
            _ => Err(WrongCell),
        }
    }
}
