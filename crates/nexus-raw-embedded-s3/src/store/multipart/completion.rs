//! Making an object of parts.

use std::io::Seek as _;

use super::{OpenUpload, StoredPart};
use crate::store::{BucketName, IfTaken, ObjectRecord, StagedObject, Store, StoreError};

impl Store {
    /// Copies parts into a staged object. Parts may be stored meanwhile, and the upload may end.
    pub(crate) fn assemble(
        &self,
        upload: &OpenUpload,
        parts: &[StoredPart],
    ) -> Result<StagedObject, StoreError> {
        let mut staged = self.stage()?;
        for part in parts {
            match self.open_part(upload, part.record.number)? {
                Some((found, mut file)) if found == *part => {
                    file.rewind()?;
                    staged.append(&mut file, part.content_bytes)?;
                }
                _ => {
                    self.require_upload(upload)?;
                    return Err(StoreError::PartReplaced);
                }
            }
        }
        Ok(staged)
    }

    /// Publishes the object of an upload and ends the upload, and returns once both are durable. Of
    /// many calls for one upload, one succeeds.
    ///
    /// If the object is refused, the upload stays. After a crash between the two steps, the object
    /// is there and the upload is still open.
    pub(crate) fn complete_upload(
        &self,
        upload: &OpenUpload,
        staged: StagedObject,
        bucket: &BucketName,
        record: &ObjectRecord,
        if_taken: IfTaken,
    ) -> Result<(), StoreError> {
        self.check()?;
        let sealed = staged.seal(record)?;
        let place = self.layout.object(bucket, &record.key);
        let ended = {
            let _unsettled = self.pending.begin(&self.layout.upload(&upload.id));
            self.require_upload(upload)?;
            self.settle(sealed, &place, if_taken)?;
            self.end_upload(upload)?
        };
        // what is left is removed at the next start
        drop(ended);
        Ok(())
    }
}
