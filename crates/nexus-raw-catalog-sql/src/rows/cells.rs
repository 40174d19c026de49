/// A row of either database, read as one of four kinds of values.
///
/// A null is `None`.
pub(crate) trait Cells {
    fn integer(&self, column: &'static str) -> Result<Option<i64>, WrongCell>;

    fn real(&self, column: &'static str) -> Result<Option<f64>, WrongCell>;

    fn text(&self, column: &'static str) -> Result<Option<&str>, WrongCell>;

    fn bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, WrongCell>;
}

/// A column is missing, or its value is of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongCell;

/// Returns the index of the column `table.column` among those of a row: the first `column` after a
/// marker column named as the table, such as the `0` in `SELECT 0 AS asset, asset.*`, or the first
/// one if there is no marker. So statements can select all columns of a table without naming them.
pub(crate) fn column_index<'n>(
    mut names: impl Iterator<Item = &'n str> + Clone,
    name: &str,
) -> Option<usize> {
    let (table, column) = name.split_once('.')?;
    let all = names.clone();
    let first = names
        .position(|it| it == table)
        .map_or(0, |marker| marker + 1);
    let mut after = all.skip(first);
    after.position(|it| it == column).map(|at| first + at)
}

/// A type that a column can be read as.
pub(crate) trait Cell<'r>: Sized {
    fn read(row: &'r dyn Cells, column: &'static str) -> Result<Option<Self>, WrongCell>;
}

impl<'r> Cell<'r> for i64 {
    fn read(row: &'r dyn Cells, column: &'static str) -> Result<Option<Self>, WrongCell> {
        row.integer(column)
    }
}

impl<'r> Cell<'r> for f64 {
    fn read(row: &'r dyn Cells, column: &'static str) -> Result<Option<Self>, WrongCell> {
        row.real(column)
    }
}

impl<'r> Cell<'r> for &'r str {
    fn read(row: &'r dyn Cells, column: &'static str) -> Result<Option<Self>, WrongCell> {
        row.text(column)
    }
}

impl<'r> Cell<'r> for String {
    fn read(row: &'r dyn Cells, column: &'static str) -> Result<Option<Self>, WrongCell> {
        Ok(row.text(column)?.map(str::to_owned))
    }
}

impl<'r> Cell<'r> for Vec<u8> {
    fn read(row: &'r dyn Cells, column: &'static str) -> Result<Option<Self>, WrongCell> {
        row.bytes(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_the_first_of_its_name_after_that_of_its_table() {
        let names = ["one", "x", "y", "other", "x"];
        let index = |name| column_index(names.into_iter(), name);
        for (name, at) in [("one.x", 1), ("other.x", 4), ("one.y", 2), ("neither.x", 1)] {
            assert_eq!(index(name), Some(at), "{name}");
        }
        for name in ["other.y", "one.z", "x"] {
            assert_eq!(index(name), None, "{name}");
        }
    }
}
