/// A row of either database, by the four kinds of values that columns are read as.
///
/// A null is `None`. (sqlx itself would read a null of `SQLite` as zero or as an empty text.)
pub(crate) trait Cells: Send + Sync {
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;

    fn real(&self, column: &str) -> Result<Option<f64>, sqlx::Error>;

    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error>;

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;
}

/// Reads each kind of value from the rows of one database.
macro_rules! cells {
    ($row:ty) => {
        impl $crate::rows::Cells for $row {
            fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }

            fn real(&self, column: &str) -> Result<Option<f64>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }

            fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }

            fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
        }
    };
}

pub(crate) use cells;

/// What a column may be read as.
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
