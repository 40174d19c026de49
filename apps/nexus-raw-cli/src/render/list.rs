use std::io::{self, Write};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    read,
    table::{Column, Table},
    text::shortened,
};
use crate::failure::Failure;

/// The width of a media type.
const TYPE_COLUMNS: usize = 24;

/// The width of the columns before the name: all of them, or id, date and size.
const WIDE: usize = 108;
const NARROW: usize = 65;

/// The width of a name for whose sake others are left out, and of one that is always shown.
const NAME_COLUMNS: usize = 24;
const MIN_NAME_COLUMNS: usize = 8;

/// A writer of a list of assets, page by page.
pub(crate) struct AssetTable {
    json: bool,
    layout: ListLayout,
}

/// The columns of a list. No line is wider than the terminal, if there is one.
enum ListLayout {
    Wide {
        table: Table<5>,
        name_columns: Option<usize>,
    },
    Narrow {
        table: Table<4>,
        name_columns: usize,
    },
}

#[derive(Deserialize)]
struct AssetsPage<'p> {
    #[serde(borrow)]
    assets: Vec<&'p RawValue>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct AssetRow {
    asset_id: String,
    imported_at: String,
    size_bytes: u64,
    content_type: String,
    filename: String,
}

impl AssetTable {
    /// Makes a table for a terminal with so many columns; `None` where there is none, and nothing is
    /// shortened.
    pub(crate) fn new(json: bool, columns: Option<usize>) -> Self {
        Self {
            json,
            layout: ListLayout::within(columns),
        }
    }

    /// Writes a page, one asset per line, and returns the number of assets and the cursor of the
    /// next page.
    pub(crate) fn write(
        &mut self,
        out: &mut impl Write,
        page: &[u8],
    ) -> Result<(usize, Option<String>), Failure> {
        let page: AssetsPage<'_> = read(page)?;
        for text in &page.assets {
            if self.json {
                writeln!(out, "{text}")?;
            } else {
                self.layout.row(out, read(text.get().as_bytes())?)?;
            }
        }
        Ok((page.assets.len(), page.next_cursor))
    }
}

impl ListLayout {
    fn within(columns: Option<usize>) -> Self {
        match columns {
            Some(columns) if columns < WIDE + NAME_COLUMNS => Self::Narrow {
                table: Table::new([
                    Column::left("ASSET", 36),
                    Column::left("IMPORTED", 10),
                    Column::right("BYTES", 13),
                    Column::last("FILE"),
                ]),
                name_columns: columns.saturating_sub(NARROW).max(MIN_NAME_COLUMNS),
            },
            columns => Self::Wide {
                table: Table::new([
                    Column::left("ASSET", 36),
                    Column::left("IMPORTED", 27),
                    Column::right("BYTES", 13),
                    Column::left("TYPE", TYPE_COLUMNS),
                    Column::last("FILE"),
                ]),
                name_columns: columns.map(|it| it - WIDE),
            },
        }
    }

    fn row(&mut self, out: &mut impl Write, asset: AssetRow) -> io::Result<()> {
        let size_bytes = asset.size_bytes.to_string();
        match self {
            Self::Wide {
                table,
                name_columns,
            } => {
                let (mut media_type, mut name) = (asset.content_type, asset.filename);
                if let Some(columns) = *name_columns {
                    media_type = shortened(&media_type, TYPE_COLUMNS);
                    name = shortened(&name, columns);
                }
                let cells = [
                    asset.asset_id,
                    asset.imported_at,
                    size_bytes,
                    media_type,
                    name,
                ];
                table.row(out, &cells)
            }
            Self::Narrow {
                table,
                name_columns,
            } => {
                let date = asset.imported_at.split('T').next().unwrap_or_default();
                let name = shortened(&asset.filename, *name_columns);
                table.row(out, &[asset.asset_id, date.to_owned(), size_bytes, name])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    const ID: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

    /// The lines of a list of one asset.
    fn lines(columns: Option<usize>, name: &str, media_type: &str) -> Vec<String> {
        let page = serde_json::json!({"next_cursor": null, "assets": [{
            "asset_id": ID, "imported_at": "2026-11-24T01:00:07.123456Z",
            "size_bytes": 5_497_558_138_880_u64, "content_type": media_type, "filename": name,
        }]});
        let mut out = Vec::new();
        let mut table = AssetTable::new(false, columns);
        table.write(&mut out, page.to_string().as_bytes()).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_fits_the_terminal_and_without_one_nothing_is_shortened() {
        let name = "2026-11-24 the first day of the shoot \u{65e5}\u{672c}, take 1.mp4";
        let media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert_eq!(
            lines(Some(80), name, media_type),
            [
                format!("{:36}  IMPORTED            BYTES  FILE", "ASSET"),
                format!("{ID}  2026-11-24  5497558138880  2026-11\u{2026}e 1.mp4"),
            ]
        );
        assert_eq!(
            lines(Some(140), name, media_type)[1],
            format!(
                "{ID}  2026-11-24T01:00:07.123456Z  5497558138880  {:24}  {}",
                "application/\u{2026}ml.document", "2026-11-24 the f\u{2026}\u{672c}, take 1.mp4"
            )
        );
        for columns in 73..250 {
            for line in lines(Some(columns), name, media_type) {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
        }
        let whole = &lines(None, name, media_type)[1];
        assert!(
            whole.ends_with(&format!("  {media_type}  {name}")),
            "{whole}"
        );
    }
}
