//! Signing of uploads and downloads.

mod download;
mod headers;
mod lifetime;
mod signer;

pub(crate) use download::Download;
pub(crate) use headers::{Upload, encryption_headers};
pub(crate) use lifetime::Lifetime;
pub(crate) use signer::{SignedUpload, Signer};
