//! Files to store: their facts, and their bytes as streams that detect changes.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use nexus_raw::asset::Sha256Digest;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::{failure::Failure, meter::Meter};

/// The size of a read.
const CHUNK_BYTES: usize = 256 * 1024;

/// The size of a piece that is counted when the connection takes it. Small, so that a slow connection
/// is not taken for a silent one.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// The error of streaming a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// The content differs from what was hashed.
    #[error("the file changed")]
    Changed(PathBuf),
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(PathBuf, #[source] io::Error),
}

impl ContentError {
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Changed(path) => Failure::FileChanged { path: path.clone() },
            Self::Unreadable(path, cause) => Failure::File {
                path: path.clone(),
                source: io::Error::new(cause.kind(), cause.to_string()),
            },
        }
    }
}

/// What shows that a file was written to meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size_bytes: u64,
    pub(crate) modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size_bytes: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Opens a regular file, of which no other may take the place while it is open.
pub(crate) fn open(path: &Path) -> Result<(File, Stamp), Failure> {
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
    let file = File::open(path).map_err(cannot_read)?;
    let stamp = Stamp::of(&file.metadata().map_err(cannot_read)?);
    Ok((file, stamp))
}

/// Reads a file of at most `limit` bytes as a whole.
///
/// # Errors
/// Also when the file is longer, or changes while it is read.
pub(crate) fn read_whole(path: &Path, limit: u64) -> Result<Bytes, Failure> {
    let (mut file, stamp) = open(path)?;
    let mut bytes = Vec::new();
    let read = (&mut file)
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes);
    let after = read.and_then(|_| file.metadata());
    let after = after.map_err(|source| Failure::File {
        path: path.to_owned(),
        source,
    })?;
    if Stamp::of(&after) != stamp || bytes.len() as u64 != stamp.size_bytes {
        return Err(Failure::FileChanged {
            path: path.to_owned(),
        });
    }
    Ok(bytes.into())
}

/// An open file whose content was hashed. It stays open, so that another file cannot replace it.
pub(crate) struct Content {
    path: PathBuf,
    file: File,
    stamp: Stamp,
    pub(crate) size_bytes: u64,
    digest: [u8; 32],
}

impl Content {
    /// Opens a regular file and hashes it. `advance` is called with the length of each piece.
    pub(crate) fn read(path: &Path, advance: impl FnMut(u64)) -> Result<Self, Failure> {
        let (mut file, stamp) = open(path)?;
        let (size_bytes, digest) = hash(&mut file, advance).map_err(|source| Failure::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            stamp,
            size_bytes,
            digest,
        })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Returns the stamp of the file before it was hashed.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
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
        meter: &Meter,
    ) -> Result<BoxStream<'static, Result<Bytes, ContentError>>, ContentError> {
        let rewound = self.file.try_clone().and_then(|mut file| {
            file.rewind()?;
            Ok((file.metadata()?.len(), file))
        });
        let (length, file) =
            rewound.map_err(|cause| ContentError::Unreadable(self.path.clone(), cause))?;
        if self.size_bytes == 0 && length > 0 {
            return Err(ContentError::Changed(self.path.clone()));
        }
        let reading = FileReader {
            path: self.path.clone(),
            file: tokio::fs::File::from_std(file),
            left: self.size_bytes,
            hasher: Sha256::new(),
            digest: self.digest,
        };
        let chunks = stream::try_unfold(reading, FileReader::next);
        Ok(metered(chunks.boxed(), meter))
    }
}

fn hash(file: &mut File, mut advance: impl FnMut(u64)) -> io::Result<(u64, [u8; 32])> {
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
        advance(read as u64);
    }
}

/// Returns the bytes as a body whose pieces are counted.
pub(crate) fn pieces(
    bytes: Bytes,
    meter: &Meter,
) -> BoxStream<'static, Result<Bytes, ContentError>> {
    metered(stream::iter([Ok(bytes)]).boxed(), meter)
}

/// Cuts chunks into pieces, and counts each when it is taken.
fn metered(
    chunks: BoxStream<'static, Result<Bytes, ContentError>>,
    meter: &Meter,
) -> BoxStream<'static, Result<Bytes, ContentError>> {
    let meter = meter.clone();
    let pieces = stream::try_unfold(
        (chunks, Bytes::new()),
        |(mut chunks, mut rest)| async move {
            if rest.is_empty() {
                match chunks.next().await {
                    Some(chunk) => rest = chunk?,
                    None => return Ok(None),
                }
            }
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            Ok(Some((piece, (chunks, rest))))
        },
    );
    pieces
        .inspect(move |piece| {
            if let Ok(piece) = piece {
                meter.count(piece.len());
            }
        })
        .boxed()
}

/// The reader of a file being sent.
struct FileReader {
    path: PathBuf,
    file: tokio::fs::File,
    left: u64,
    hasher: Sha256,
    digest: [u8; 32],
}

impl FileReader {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ContentError> {
        if self.left == 0 {
            return Ok(None);
        }
        let unreadable = |cause| ContentError::Unreadable(self.path.clone(), cause);
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let mut rest = (&mut self.file).take(self.left);
        let read = rest.read_buf(&mut chunk).await.map_err(unreadable)?;
        if read == 0 {
            return Err(ContentError::Changed(self.path));
        }
        self.hasher.update(&chunk);
        self.left -= read as u64;
        if self.left == 0 {
            let more = self.file.read(&mut [0]).await.map_err(unreadable)?;
            if more > 0 || self.hasher.clone().finalize().as_slice() != self.digest {
                return Err(ContentError::Changed(self.path));
            }
        }
        Ok(Some((chunk.freeze(), self)))
    }
}

/// An open file that is read at several places at a time.
#[derive(Clone)]
pub(crate) struct SharedFile {
    path: Arc<Path>,
    file: Arc<Mutex<File>>,
    stamp: Stamp,
}

impl SharedFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let (file, stamp) = open(path)?;
        Ok(Self {
            path: path.into(),
            file: Arc::new(Mutex::new(file)),
            stamp,
        })
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Gives the file to work that nothing else is to disturb.
    pub(crate) fn with_file<T>(&self, work: impl FnOnce(&File) -> T) -> T {
        work(&self.locked())
    }

    /// Hashes the file, which must not change meanwhile. `advance` is called with the length of each
    /// piece.
    pub(crate) fn digest(&self, advance: impl Fn(u64)) -> Result<Sha256Digest, ContentError> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut offset = 0;
        while offset < self.stamp.size_bytes {
            let left = usize::try_from(self.stamp.size_bytes - offset).unwrap_or(CHUNK_BYTES);
            let read = &mut buffer[..left.min(CHUNK_BYTES)];
            self.read_at(offset, read)?;
            hasher.update(&*read);
            offset += read.len() as u64;
            advance(read.len() as u64);
        }
        self.check_unchanged()?;
        Ok(Sha256Digest::from_bytes(hasher.finalize().into()))
    }

    /// Returns an error if the file was written to since it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), ContentError> {
        let metadata = self.locked().metadata();
        let metadata =
            metadata.map_err(|cause| ContentError::Unreadable(self.path.to_path_buf(), cause))?;
        if Stamp::of(&metadata) == self.stamp {
            Ok(())
        } else {
            Err(ContentError::Changed(self.path.to_path_buf()))
        }
    }

    /// Fills the buffer from an offset.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let mut file = self.locked();
        let read = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(buffer));
        read.map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => ContentError::Changed(self.path.to_path_buf()),
            _ => ContentError::Unreadable(self.path.to_path_buf(), cause),
        })
    }

    /// Streams a range. The store compares it with the digest that was signed.
    pub(crate) fn stream(
        &self,
        mut range: std::ops::Range<u64>,
        meter: &Meter,
    ) -> BoxStream<'static, Result<Bytes, ContentError>> {
        let file = self.clone();
        let chunks = stream::try_unfold((), move |()| {
            let length = range
                .end
                .saturating_sub(range.start)
                .min(CHUNK_BYTES as u64);
            let (file, offset) = (file.clone(), range.start);
            range.start += length;
            async move {
                if length == 0 {
                    return Ok(None);
                }
                let path = file.path.to_path_buf();
                let reading = tokio::task::spawn_blocking(move || {
                    let mut chunk =
                        BytesMut::zeroed(usize::try_from(length).unwrap_or(CHUNK_BYTES));
                    file.read_at(offset, &mut chunk)?;
                    Ok(chunk.freeze())
                });
                let chunk = reading
                    .await
                    .unwrap_or_else(|cause| Err(ContentError::Unreadable(path, cause.into())))?;
                Ok(Some((chunk, ())))
            }
        });
        metered(chunks.boxed(), meter)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::{FutureExt as _, TryStreamExt as _};

    use super::*;
    use crate::progress::Progress;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    fn sent(content: &Content) -> Result<Vec<u8>, ContentError> {
        let stream = content.stream(&Meter::new(&Progress::none()))?;
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
        let content = Content::read(file.path(), drop).unwrap();
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
            let content = Content::read(file.path(), drop).unwrap();
            fs::write(file.path(), change).unwrap();
            assert!(
                matches!(sent(&content), Err(ContentError::Changed(_))),
                "{change:?}"
            );
        }
    }

    #[test]
    fn a_file_that_was_empty_and_is_no_longer_is_not_sent() {
        let file = file_of(b"");
        let content = Content::read(file.path(), drop).unwrap();
        assert_eq!(sent(&content).unwrap(), b"");
        fs::write(file.path(), b"more").unwrap();
        assert!(matches!(sent(&content), Err(ContentError::Changed(_))));
    }

    #[test]
    fn a_directory_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let answer = Content::read(directory.path(), drop);
        assert!(matches!(answer.err(), Some(Failure::Usage(_))));
    }

    #[test]
    fn nothing_waits_where_nothing_is_sent() {
        let file = file_of(b"");
        let content = Content::read(file.path(), drop).unwrap();
        let stream = content.stream(&Meter::new(&Progress::none())).unwrap();
        let all = stream.try_collect::<Vec<_>>().now_or_never();
        assert_eq!(all.unwrap().unwrap(), Vec::<Bytes>::new());
    }
}
