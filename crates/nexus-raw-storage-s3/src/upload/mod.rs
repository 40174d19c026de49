//! Signing of uploads.

mod headers;
mod lifetime;
mod signer;

pub(crate) use headers::{Upload, encryption_headers};
pub(crate) use lifetime::Lifetime;
pub(crate) use signer::{SignedUpload, UploadSigner};
