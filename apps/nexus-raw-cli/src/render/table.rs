use std::io::{self, Write};

use super::Escaped;

/// A column of a table.
pub(super) struct Column {
    name: &'static str,
    width: usize,
    is_right: bool,
}

impl Column {
    pub(super) fn left(name: &'static str, width: usize) -> Self {
        Self {
            name,
            width,
            is_right: false,
        }
    }

    pub(super) fn right(name: &'static str, width: usize) -> Self {
        Self {
            is_right: true,
            ..Self::left(name, width)
        }
    }

    /// The last column, which needs no width.
    pub(super) fn last(name: &'static str) -> Self {
        Self::left(name, 0)
    }
}

/// A table whose rows are written one by one, with all cells escaped. A longer value than its column
/// shifts the rest of its row.
pub(super) struct Table<const N: usize> {
    columns: [Column; N],
    has_head: bool,
}

impl<const N: usize> Table<N> {
    /// Makes a table with widths that fit most values.
    pub(super) fn new(columns: [Column; N]) -> Self {
        Self {
            columns,
            has_head: false,
        }
    }

    /// Makes a table as wide as these rows are. The name of a last column that is empty in all of
    /// them is left out.
    pub(super) fn fitted(names: [&'static str; N], rows: &[[String; N]]) -> Self {
        let columns = std::array::from_fn(|at| {
            let cells = rows.iter().map(|row| row[at].as_str());
            let width = cells.map(length).chain([names[at].len()]).max();
            Column::left(names[at], width.unwrap_or(0))
        });
        let mut table = Self::new(columns);
        if let Some(last) = table.columns.last_mut()
            && rows
                .iter()
                .filter_map(|row| row.last())
                .all(String::is_empty)
        {
            last.name = "";
        }
        table
    }

    /// Writes the head, once.
    pub(super) fn head(&mut self, out: &mut impl Write) -> io::Result<()> {
        if std::mem::replace(&mut self.has_head, true) {
            return Ok(());
        }
        let names = std::array::from_fn(|at| self.columns[at].name.to_owned());
        self.line(out, &names)
    }

    /// Writes a row, and before the first one the head.
    pub(super) fn row(&mut self, out: &mut impl Write, cells: &[String; N]) -> io::Result<()> {
        self.head(out)?;
        self.line(out, cells)
    }

    fn line(&self, out: &mut impl Write, cells: &[String; N]) -> io::Result<()> {
        // nothing is padded at the end of a line
        let last = cells.iter().rposition(|cell| !cell.is_empty());
        for (at, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            let cell = Escaped(cell).to_string();
            let width = column.width;
            match last {
                Some(last) if at > last => break,
                Some(last) if at == last && !column.is_right => write!(out, "{cell}")?,
                Some(last) if at == last => write!(out, "{cell:>width$}")?,
                _ if column.is_right => write!(out, "{cell:>width$}  ")?,
                _ => write!(out, "{cell:<width$}  ")?,
            }
        }
        writeln!(out)
    }
}

/// Returns the number of characters of a cell as it is shown.
fn length(cell: &str) -> usize {
    Escaped(cell).to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &mut Table<3>, rows: &[[&str; 3]]) -> String {
        let mut out = Vec::new();
        for row in rows {
            table.row(&mut out, &row.map(str::to_owned)).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cells_are_escaped_aligned_and_not_padded_at_the_end_of_a_line() {
        let columns = [
            Column::left("A", 4),
            Column::right("B", 3),
            Column::last("C"),
        ];
        let rows = [["a\n", "1", "c "], ["a", "", ""], ["longer", "1234", "c"]];
        assert_eq!(
            written(&mut Table::new(columns), &rows),
            "A       B  C\na\\u{a}    1  c \na\nlonger  1234  c\n"
        );
    }

    #[test]
    fn a_fitted_table_is_as_wide_as_its_cells_are_shown() {
        let rows = [["\u{1b}", "b", ""], ["a", "bb", ""]];
        let cells = rows.map(|row| row.map(str::to_owned));
        let names = ["ONE", "TWO", "THREE"];
        assert_eq!(
            written(&mut Table::fitted(names, &cells), &rows),
            "ONE     TWO\n\\u{1b}  b\na       bb\n"
        );
    }
}
