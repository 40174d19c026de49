//! Uploads in parts.

mod complete;
mod list;
mod requests;

pub(crate) use self::{
    complete::complete,
    list::{stored_parts, upload_parts},
    requests::{Completion, NewUpload, UploadRef},
};
