use std::io::Write;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Escaped;
use crate::failure::{Failure, Peer};

/// A writer of a list of assets, page by page.
pub(crate) struct AssetTable {
    json: bool,
    has_head: bool,
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
        Self {
            json,
            has_head: false,
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
                self.write_row(out, &read(text.get().as_bytes())?)?;
            }
        }
        Ok((page.assets.len(), page.next_cursor))
    }

    /// Writes a row. The widths fit most values; a longer value shifts its row.
    fn write_row(&mut self, out: &mut impl Write, asset: &AssetRow) -> Result<(), Failure> {
        if !self.has_head {
            self.has_head = true;
            let [id, time, size, kind] = ["ASSET", "IMPORTED", "BYTES", "TYPE"];
            writeln!(out, "{id:36}  {time:27}  {size:>13}  {kind:24}  FILE")?;
        }
        writeln!(
            out,
            "{:36}  {:27}  {:>13}  {:24}  {}",
            Escaped(&asset.asset_id).to_string(),
            Escaped(&asset.imported_at).to_string(),
            asset.size_bytes,
            Escaped(&asset.content_type).to_string(),
            Escaped(&asset.filename),
        )?;
        Ok(())
    }
}

fn read<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|_| Failure::UnexpectedResponse {
        from: Peer::Service,
        status: StatusCode::OK,
    })
}
