//! Uploads in parts.

mod complete;
mod list;
mod open;
mod requests;

pub(crate) use self::{
    complete::complete,
    list::{stored_parts, upload_parts},
    open::open_uploads,
    requests::{Completion, NewUpload, UploadRef},
};
