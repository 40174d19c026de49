//! Output for people.

mod events;
mod fact;
mod facts;
mod failure;
mod feed;
mod lineage;
mod list;
mod pages;
mod record;
mod table;
mod text;
mod verification;
mod whoami;

use std::io::Write;

use reqwest::StatusCode;
use serde::Deserialize;

pub(crate) use self::{
    events::AssetEvents,
    fact::fact,
    facts::AssetFacts,
    failure::{failure, failure_of},
    feed::Feed,
    lineage::lineage,
    list::AssetTable,
    record::record,
    text::Escaped,
    verification::Verification,
    whoami::Whoami,
};
use crate::failure::{Failure, Peer};

/// Writes a document of the service, unchanged but for a line end, if it has none.
pub(crate) fn document(out: &mut impl Write, document: &[u8]) -> Result<(), Failure> {
    out.write_all(document)?;
    if !document.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads a document of the service.
fn read<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|_| unexpected())
}

fn unexpected() -> Failure {
    Failure::UnexpectedResponse {
        from: Peer::Service,
        status: StatusCode::OK,
    }
}
