use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    path::Path,
    ptr,
};

use rusqlite::{Connection, Error, OpenFlags, Params, Row, Statement, types::ValueRef};

use super::fault::RowError;
use crate::{
    error::CorruptColumn,
    rows::{Cells, Columns, WrongCell, column_index},
};

/// The number of statements that a connection keeps prepared: all of the writer's, and those of the
/// lists that are asked for most.
const PREPARED: usize = 64;

/// A connection, used by one thread at a time. Each statement blocks it.
pub(in crate::sqlite) struct SqliteConnection {
    raw: Connection,
    /// The places of columns, by the address and length of the statement's text, which is there for
    /// good.
    places: HashMap<(usize, usize), Places>,
}

impl SqliteConnection {
    /// Opens an existing file.
    pub(in crate::sqlite) fn open(file: &Path) -> Result<Self, Error> {
        // no mutex: one thread at a time uses it; no URI: the path is taken as it is
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self::of(Connection::open_with_flags(file, flags)?))
    }

    /// Opens an existing file, for reading alone.
    pub(in crate::sqlite) fn open_read_only(file: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self::of(Connection::open_with_flags(file, flags)?))
    }

    /// Opens an empty database in memory.
    pub(in crate::sqlite) fn in_memory() -> Result<Self, Error> {
        Ok(Self::of(Connection::open_in_memory()?))
    }

    fn of(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Self {
            raw: connection,
            places: HashMap::new(),
        }
    }

    /// Runs several statements, which are not kept prepared.
    pub(in crate::sqlite) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.raw.execute_batch(sql)
    }

    /// Runs a statement that returns no rows, and returns the number of rows that it changed.
    pub(in crate::sqlite) fn execute(
        &mut self,
        sql: &str,
        values: impl Params,
    ) -> Result<usize, Error> {
        self.raw.prepare_cached(sql)?.execute(values)
    }

    /// Returns all rows, read by `read`.
    pub(in crate::sqlite) fn rows<T>(
        &mut self,
        sql: &'static str,
        values: impl Params,
        read: impl FnMut(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Vec<T>, RowError> {
        let mut statement = self.raw.prepare_cached(sql)?;
        let places = places(&mut self.places, sql, &statement);
        all(&mut statement, places, values, read)
    }

    /// The same, of a statement that is made for the occasion.
    pub(in crate::sqlite) fn rows_of<T>(
        &mut self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Vec<T>, RowError> {
        let mut statement = self.raw.prepare_cached(sql)?;
        let places = Places::of(&statement);
        all(&mut statement, &places, values, read)
    }

    /// Returns the first row, read by `read`, if there is one.
    pub(in crate::sqlite) fn row<T>(
        &mut self,
        sql: &'static str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Option<T>, RowError> {
        let mut statement = self.raw.prepare_cached(sql)?;
        let places = places(&mut self.places, sql, &statement);
        let mut rows = statement.query(values)?;
        Ok(match rows.next()? {
            None => None,
            Some(row) => Some(read(&Columns(&SqliteRow::of(row, places)))?),
        })
    }

    /// Returns the only row, read by `read`.
    pub(in crate::sqlite) fn only<T>(
        &mut self,
        sql: &'static str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<T, RowError> {
        let row = self.row(sql, values, read)?;
        row.ok_or_else(|| Error::QueryReturnedNoRows.into())
    }

    /// Returns whether there is a row.
    pub(in crate::sqlite) fn has_row(
        &mut self,
        sql: &'static str,
        values: impl Params,
    ) -> Result<bool, RowError> {
        Ok(self.row(sql, values, |_| Ok(()))?.is_some())
    }

    /// Returns whether no transaction is open.
    pub(in crate::sqlite) fn is_autocommit(&self) -> bool {
        self.raw.is_autocommit()
    }

    pub(in crate::sqlite) fn raw(&self) -> &Connection {
        &self.raw
    }

    pub(in crate::sqlite) fn raw_mut(&mut self) -> &mut Connection {
        &mut self.raw
    }

    pub(in crate::sqlite) fn close(self) -> Result<(), Error> {
        self.raw.close().map_err(|(_, error)| error)
    }
}

/// The columns of a statement: all names, and the places of those that were asked for, in that
/// order. Rows are read in the same order again and again, so a place is found where the last row
/// left off.
struct Places {
    names: Vec<Box<str>>,
    asked: RefCell<Vec<(&'static str, usize)>>,
}

impl Places {
    fn of(statement: &Statement<'_>) -> Self {
        let names = statement.column_names().into_iter();
        Self {
            names: names.map(Box::from).collect(),
            asked: RefCell::default(),
        }
    }

    /// Returns the place of a column, and the turn of the next one. Probably it is the one that was
    /// asked for at `turn` before.
    fn of_column(&self, column: &'static str, turn: usize) -> Result<(usize, usize), WrongCell> {
        // the same address is the same text; a text that is written twice may have two
        let is_it = |(known, _): &(&'static str, usize)| ptr::eq(*known, column);
        let mut asked = self.asked.borrow_mut();
        if let Some((_, place)) = asked.get(turn).filter(|it| is_it(it)) {
            return Ok((*place, turn + 1));
        }
        if let Some(at) = asked.iter().position(is_it) {
            return Ok((asked[at].1, at + 1));
        }
        let names = self.names.iter().map(|it| &**it);
        let place = column_index(names, column).ok_or(WrongCell)?;
        asked.push((column, place));
        Ok((place, asked.len()))
    }
}

/// Returns the places of a statement's columns.
fn places<'p>(
    all: &'p mut HashMap<(usize, usize), Places>,
    sql: &'static str,
    statement: &Statement<'_>,
) -> &'p Places {
    let of_sql = all.entry((sql.as_ptr().addr(), sql.len()));
    of_sql.or_insert_with(|| Places::of(statement))
}

fn all<T>(
    statement: &mut Statement<'_>,
    places: &Places,
    values: impl Params,
    mut read: impl FnMut(&Columns<'_>) -> Result<T, CorruptColumn>,
) -> Result<Vec<T>, RowError> {
    let mut rows = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(&Columns(&SqliteRow::of(row, places)))?);
    }
    Ok(all)
}

/// A row, until the next one is fetched.
struct SqliteRow<'r> {
    row: &'r Row<'r>,
    places: &'r Places,
    /// Where the next column probably is among those that were asked for.
    turn: Cell<usize>,
}

impl<'r> SqliteRow<'r> {
    fn of(row: &'r Row<'r>, places: &'r Places) -> Self {
        Self {
            row,
            places,
            turn: Cell::new(0),
        }
    }

    fn value(&self, column: &'static str) -> Result<ValueRef<'_>, WrongCell> {
        let (place, turn) = self.places.of_column(column, self.turn.get())?;
        self.turn.set(turn);
        self.row.get_ref(place).map_err(|_| WrongCell)
    }
}

impl Cells for SqliteRow<'_> {
    fn integer(&self, column: &'static str) -> Result<Option<i64>, WrongCell> {
        let value = self.value(column)?.as_i64_or_null();
        value.map_err(|_| WrongCell)
    }

    fn real(&self, column: &'static str) -> Result<Option<f64>, WrongCell> {
        let value = self.value(column)?.as_f64_or_null();
        value.map_err(|_| WrongCell)
    }

    fn text(&self, column: &'static str) -> Result<Option<&str>, WrongCell> {
        let value = self.value(column)?.as_str_or_null();
        value.map_err(|_| WrongCell)
    }

    fn bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, WrongCell> {
        let value = self.value(column)?.as_blob_or_null();
        value
            .map(|it| it.map(<[u8]>::to_vec))
            .map_err(|_| WrongCell)
    }
}
