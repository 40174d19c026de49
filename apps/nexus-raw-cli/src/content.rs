//! The file to store: its facts, and its bytes as a stream that detects changes.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use nexus_raw::asset::Sha256Digest;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::{failure::Failure, progress::Progress};

/// The size of a read.
const CHUNK_BYTES: usize = 256 * 1024;

/// The error of streaming a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// The content differs from what was hashed.
    #[error("the file changed")]
    Changed,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
}

/// An open file whose content was hashed. It stays open, so that another file cannot replace it.
pub(crate) struct Content {
    path: PathBuf,
    file: File,
    pub(crate) size_bytes: u64,
    digest: [u8; 32],
}

impl Content {
    /// Opens a regular file and hashes it.
    pub(crate) fn read(path: &Path, progress: &Progress) -> Result<Self, Failure> {
        let cannot_read = |source| Failure::File {
            path: path.to_owned(),
            source,
        };
        // before it is opened, since a pipe without a writer would block for ever
        let metadata = fs::metadata(path).map_err(cannot_read)?;
        if !metadata.is_file() {
            return Err(Failure::Usage(format!(
                "{} is not a regular file",
                path.display()
            )));
        }
        let mut file = File::open(path).map_err(cannot_read)?;
        progress.start("hashing", metadata.len());
        let (size_bytes, digest) = hash(&mut file, progress).map_err(cannot_read)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            size_bytes,
            digest,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn sha256(&self) -> Sha256Digest {
        Sha256Digest::from_bytes(self.digest)
    }

    /// Streams the content from the start. If it differs from what was hashed, the stream fails with
    /// [`ContentError::Changed`] before its last byte, so that no store receives it completely.
    ///
    /// # Errors
    /// When the file cannot be read, or is no longer empty, as an empty stream is never read.
    pub(crate) fn stream(
        &self,
        progress: &Progress,
    ) -> Result<
        impl Stream<Item = Result<Bytes, ContentError>> + Send + 'static + use<>,
        ContentError,
    > {
        let rewound = self.file.try_clone().and_then(|mut file| {
            file.rewind()?;
            Ok((file.metadata()?.len(), file))
        });
        let (length, file) = rewound.map_err(ContentError::Unreadable)?;
        if self.size_bytes == 0 && length > 0 {
            return Err(ContentError::Changed);
        }
        let reading = FileReader {
            file: tokio::fs::File::from_std(file),
            left: self.size_bytes,
            hasher: Sha256::new(),
            digest: self.digest,
            progress: progress.clone(),
        };
        Ok(stream::try_unfold(reading, FileReader::next))
    }
}

fn hash(file: &mut File, progress: &Progress) -> io::Result<(u64, [u8; 32])> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut size_bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok((size_bytes, hasher.finalize().into())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        size_bytes += read as u64;
        progress.advance(read);
    }
}

/// The reader of a file being sent.
struct FileReader {
    file: tokio::fs::File,
    left: u64,
    hasher: Sha256,
    digest: [u8; 32],
    progress: Progress,
}

impl FileReader {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ContentError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let mut rest = (&mut self.file).take(self.left);
        let read = rest
            .read_buf(&mut chunk)
            .await
            .map_err(ContentError::Unreadable)?;
        if read == 0 {
            return Err(ContentError::Changed);
        }
        self.hasher.update(&chunk);
        self.left -= read as u64;
        if self.left == 0 {
            let more = self
                .file
                .read(&mut [0])
                .await
                .map_err(ContentError::Unreadable)?;
            if more > 0 || self.hasher.clone().finalize().as_slice() != self.digest {
                return Err(ContentError::Changed);
            }
        }
        self.progress.advance(read);
        Ok(Some((chunk.freeze(), self)))
    }
}

/// Returns the media type of the name's extension, or that of arbitrary bytes.
pub(crate) fn media_type(name: &Path) -> String {
    mime_guess::from_path(name)
        .first_raw()
        .unwrap_or("application/octet-stream")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::{FutureExt as _, TryStreamExt as _};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    fn sent(content: &Content) -> Result<Vec<u8>, ContentError> {
        let stream = content.stream(&Progress::none())?;
        runtime().block_on(stream.map_ok(|bytes| bytes.to_vec()).try_concat())
    }

    fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_file_is_described_and_streamed_any_number_of_times() {
        let bytes: Vec<u8> = (0..=255).cycle().take(CHUNK_BYTES * 2 + 7).collect();
        let file = file_of(&bytes);
        let content = Content::read(file.path(), &Progress::none()).unwrap();
        assert_eq!(content.size_bytes, bytes.len() as u64);
        assert_eq!(content.sha256(), Sha256Digest::of(&bytes));
        assert_eq!(sent(&content).unwrap(), bytes);
        assert_eq!(sent(&content).unwrap(), bytes);
    }

    #[test]
    fn a_file_that_grew_shrank_or_was_rewritten_is_never_sent_whole() {
        for change in [
            &b"the same length!"[..],
            b"longer than it was before",
            b"short",
            b"",
        ] {
            let file = file_of(b"what was hashed.");
            let content = Content::read(file.path(), &Progress::none()).unwrap();
            fs::write(file.path(), change).unwrap();
            assert!(
                matches!(sent(&content), Err(ContentError::Changed)),
                "{change:?}"
            );
        }
    }

    #[test]
    fn a_file_that_was_empty_and_is_no_longer_is_not_sent() {
        let file = file_of(b"");
        let content = Content::read(file.path(), &Progress::none()).unwrap();
        assert_eq!(sent(&content).unwrap(), b"");
        fs::write(file.path(), b"more").unwrap();
        assert!(matches!(sent(&content), Err(ContentError::Changed)));
    }

    #[test]
    fn a_directory_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let answer = Content::read(directory.path(), &Progress::none());
        assert!(matches!(answer.err(), Some(Failure::Usage(_))));
    }

    #[test]
    fn the_media_type_comes_from_the_ending() {
        for (name, expected) in [
            ("DSCN0010.jpg", "image/jpeg"),
            ("a/b/SCAN.PDF", "application/pdf"),
            ("data.json", "application/json"),
            ("notes", "application/octet-stream"),
            ("archive.unheard-of", "application/octet-stream"),
        ] {
            assert_eq!(media_type(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn nothing_waits_where_nothing_is_sent() {
        let file = file_of(b"");
        let content = Content::read(file.path(), &Progress::none()).unwrap();
        let stream = content.stream(&Progress::none()).unwrap();
        let all = stream.try_collect::<Vec<_>>().now_or_never();
        assert_eq!(all.unwrap().unwrap(), Vec::<Bytes>::new());
    }
}
