use sqlx::{Column, Row};

/// A row of either database, read as one of four kinds of values.
///
/// A null is `None`. (sqlx itself would read a null of `SQLite` as zero or as an empty text.)
pub(crate) trait Cells: Send + Sync {
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;

    fn real(&self, column: &str) -> Result<Option<f64>, sqlx::Error>;

    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error>;

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;
}

/// Returns the index of the column `table.column` in a row: the first `column` after a marker
/// column named as the table, such as the `0` in `SELECT 0 AS asset, asset.*`, or the first one if
/// there is no marker. So statements can select all columns of a table without naming them.
pub(crate) fn column_index<R: Row>(row: &R, name: &str) -> Result<usize, sqlx::Error> {
    let missing = || sqlx::Error::ColumnNotFound(name.to_owned());
    let (table, column) = name.split_once('.').ok_or_else(missing)?;
    let at = |name: &str, from: usize| {
        let mut columns = row.columns().iter().skip(from);
        columns.position(|it| it.name() == name).map(|at| from + at)
    };
    let first = at(table, 0).map_or(0, |marker| marker + 1);
    at(column, first).ok_or_else(missing)
}

/// A type that a column can be read as.
pub(crate) trait Cell<'r>: Sized {
    fn read(row: &'r dyn Cells, column: &str) -> Result<Option<Self>, sqlx::Error>;
}

impl<'r> Cell<'r> for i64 {
    fn read(row: &'r dyn Cells, column: &str) -> Result<Option<Self>, sqlx::Error> {
        row.integer(column)
    }
}

impl<'r> Cell<'r> for f64 {
    fn read(row: &'r dyn Cells, column: &str) -> Result<Option<Self>, sqlx::Error> {
        row.real(column)
    }
}

impl<'r> Cell<'r> for &'r str {
    fn read(row: &'r dyn Cells, column: &str) -> Result<Option<Self>, sqlx::Error> {
        row.text(column)
    }
}

impl<'r> Cell<'r> for String {
    fn read(row: &'r dyn Cells, column: &str) -> Result<Option<Self>, sqlx::Error> {
        Ok(row.text(column)?.map(str::to_owned))
    }
}

impl<'r> Cell<'r> for Vec<u8> {
    fn read(row: &'r dyn Cells, column: &str) -> Result<Option<Self>, sqlx::Error> {
        row.bytes(column)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, SqliteConnection};

    use super::*;

    #[tokio::test]
    async fn a_column_is_the_first_of_its_name_after_that_of_its_table() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let row = "SELECT 0 AS one, 1 AS x, 2 AS y, 0 AS other, 3 AS x";
        let row = sqlx::query(row).fetch_one(&mut connection).await.unwrap();
        for (name, at) in [("one.x", 1), ("other.x", 4), ("one.y", 2), ("neither.x", 1)] {
            assert_eq!(column_index(&row, name).unwrap(), at, "{name}");
        }
        for name in ["other.y", "one.z", "x"] {
            assert!(column_index(&row, name).is_err(), "{name}");
        }
    }
}
