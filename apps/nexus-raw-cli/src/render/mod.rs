//! Output for people.

mod events;
mod failure;
mod feed;
mod list;
mod record;
mod text;

use std::io::Write;

use self::text::with_thousands;
pub(crate) use self::{
    events::AssetEvents, failure::failure, feed::Feed, list::AssetTable, record::record,
    text::Escaped,
};
use crate::failure::Failure;

/// Writes a document of the service, unchanged but for a line end, if it has none.
pub(crate) fn json(out: &mut impl Write, document: &[u8]) -> Result<(), Failure> {
    out.write_all(document)?;
    if !document.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    Ok(())
}
