use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    read,
    table::{Column, Table},
};
use crate::failure::Failure;

/// A writer of a list of assets, page by page.
pub(crate) struct AssetTable {
    json: bool,
    table: Table<5>,
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
    pub(crate) fn new(json: bool) -> Self {
        let columns = [
            Column::left("ASSET", 36),
            Column::left("IMPORTED", 27),
            Column::right("BYTES", 13),
            Column::left("TYPE", 24),
            Column::last("FILE"),
        ];
        Self {
            json,
            table: Table::new(columns),
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
                let asset: AssetRow = read(text.get().as_bytes())?;
                self.table.row(out, &asset.cells())?;
            }
        }
        Ok((page.assets.len(), page.next_cursor))
    }
}

impl AssetRow {
    fn cells(self) -> [String; 5] {
        [
            self.asset_id,
            self.imported_at,
            self.size_bytes.to_string(),
            self.content_type,
            self.filename,
        ]
    }
}
