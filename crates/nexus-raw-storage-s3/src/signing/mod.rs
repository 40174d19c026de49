//! Signing of uploads and downloads.

mod canonical;
mod day_key;
mod download;
mod header_request;
mod headers;
mod lifetime;
mod part;
mod signer;
mod url_request;

pub(crate) use canonical::SigningFailure;
pub(crate) use download::Download;
pub(crate) use headers::{Upload, encryption_headers, owner_header};
pub(crate) use lifetime::Lifetime;
pub(crate) use part::PartUpload;
pub(crate) use signer::{SignedUpload, Signer};
