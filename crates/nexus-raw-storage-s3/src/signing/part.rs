use nexus_raw::asset::{DeclaredPart, UploadId};

/// The PUT of one part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartUpload<'a> {
    pub(crate) key: &'a str,
    pub(crate) upload_id: &'a UploadId,
    pub(crate) part: DeclaredPart,
}

impl PartUpload<'_> {
    /// Returns the headers that the client must send, in alphabetical order. The encryption is that
    /// of the upload; a part names none.
    pub(super) fn headers(&self, owner: Option<&(String, String)>) -> Vec<(String, String)> {
        let digest = self.part.sha256.to_base64();
        [("x-amz-checksum-sha256".to_owned(), digest)]
            .into_iter()
            .chain(owner.cloned())
            .collect()
    }
}
