//! The list of objects from a report of S3 Inventory, as files of this machine.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html>

mod columns;
mod data_file;
mod manifest;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    asset::BucketName,
    ports::{InventoryError, InventoryPage, ListedVersion, ObjectListing, PageToken},
    time::Timestamp,
};

use self::{data_file::OpenFile, manifest::Manifest};

/// How many rows a page has.
const PAGE: usize = 1000;

/// An inventory may lack objects that were written in the hours before it was made. AWS names no limit.
const LATENESS: Duration = Duration::from_hours(24);

/// A report of S3 Inventory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3InventoryError {
    /// A file is missing or cannot be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is none of a report that can be used.
    #[error("{}: {reason}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

impl S3InventoryError {
    fn unreadable(file: &Path, source: io::Error) -> Self {
        let file = file.to_owned();
        Self::Unreadable { file, source }
    }

    fn invalid(file: &Path, reason: impl Into<String>) -> Self {
        Self::Invalid {
            file: file.to_owned(),
            reason: reason.into(),
        }
    }
}

impl From<S3InventoryError> for InventoryError {
    fn from(error: S3InventoryError) -> Self {
        Self::Unusable(Box::new(error))
    }
}

/// A report of S3 Inventory: a manifest, and data files in CSV. Each data file is compared with the
/// manifest's digest when it is opened. Pages are read one after the other; reading blocks.
#[derive(Debug)]
pub struct S3Inventory {
    manifest: Manifest,
    open: Mutex<Option<OpenFile>>,
}

impl S3Inventory {
    /// Opens a report of a bucket by its `manifest.json`, which is compared with the `manifest.checksum`
    /// beside it, if there is one.
    ///
    /// # Errors
    /// If a file is missing, or the report is of another bucket or in another format.
    pub fn open(manifest: &Path, bucket: &BucketName) -> Result<Self, S3InventoryError> {
        Ok(Self {
            manifest: Manifest::read(manifest, bucket)?,
            open: Mutex::default(),
        })
    }

    /// Returns when the report was made.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.manifest.created_at
    }

    /// Reads a page that begins at a row of a file.
    fn page(
        &self,
        mut file: usize,
        mut row: u64,
    ) -> Result<InventoryPage<ListedVersion>, S3InventoryError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut items = Vec::new();
        while items.len() < PAGE {
            let Some(data) = self.manifest.files.get(file) else {
                return Ok(InventoryPage { items, next: None });
            };
            let mut reading = match open.take() {
                Some(reading) if reading.is_at(file, row) => reading,
                _ => OpenFile::at(data, file, row)?,
            };
            let is_last = reading.take(&self.manifest.columns, PAGE, &mut items)?;
            if is_last {
                (file, row) = (file + 1, 0);
            } else {
                row = reading.row();
                *open = Some(reading);
            }
        }
        let next = Some(PageToken::new(format!("{file} {row}")));
        Ok(InventoryPage { items, next })
    }
}

#[async_trait]
impl ObjectListing for S3Inventory {
    fn complete_until(&self) -> Option<Timestamp> {
        let lateness = i64::try_from(LATENESS.as_micros()).ok()?;
        let micros = self
            .manifest
            .created_at
            .as_micros()
            .saturating_sub(lateness);
        Timestamp::from_micros(micros).ok()
    }

    /// Returns rows with any prefix.
    async fn versions(
        &self,
        _prefix: &str,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<ListedVersion>, InventoryError> {
        let place = match after {
            None => Some((0, 0)),
            Some(token) => token.as_str().split_once(' ').and_then(|(file, row)| {
                let (file, row) = (file.parse().ok()?, row.parse().ok()?);
                Some((file, row))
            }),
        };
        let file = &self.manifest.path;
        let (at, row) = place.ok_or_else(|| {
            S3InventoryError::invalid(file, "the place of a page is none of this report")
        })?;
        Ok(self.page(at, row)?)
    }
}
