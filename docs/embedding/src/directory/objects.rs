//! Objects as files: each is one line of JSON, what is known of the object, and then its content.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
};

use nexus_raw::{
    asset::Sha256Digest,
    ports::{HashOutcome, PinnedObject, StoredObject},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

#[derive(Debug)]
pub(super) struct Objects {
    directory: PathBuf,
}

/// The first line of an object's file. It is written before the content, so it says what the content
/// must be: what is not so is never given a name.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) sha256: Sha256Digest,
    pub(super) content_type: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

impl Head {
    /// An entity tag of the content.
    fn etag(&self) -> String {
        hex::encode(self.sha256.as_bytes())
    }
}

/// A file without a name, which goes with this value unless it is given one.
pub(super) struct Staged {
    file: NamedTempFile,
    head: Head,
    length: u64,
    digest: Sha256,
}

/// What became of an upload.
pub(super) enum Outcome {
    Stored,
    WrongContent,
    Exists,
}

impl Objects {
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        let objects = Self { directory };
        objects.ready()?;
        Ok(objects)
    }

    pub(super) fn ready(&self) -> io::Result<()> {
        std::fs::read_dir(&self.directory).map(drop)
    }

    pub(super) fn stage(&self, head: Head) -> io::Result<Staged> {
        let mut file = NamedTempFile::new_in(&self.directory)?;
        serde_json::to_writer(&mut file, &head)?;
        file.write_all(b"\n")?;
        Ok(Staged {
            file,
            head,
            length: 0,
            digest: Sha256::new(),
        })
    }

    /// Gives the object its name, once. It is whole and on disk before it has one, and the name is on
    /// disk before who uploads hears of it.
    pub(super) fn store(&self, path: &str, staged: Staged) -> io::Result<Outcome> {
        let digest: [u8; 32] = staged.digest.finalize().into();
        if staged.length != staged.head.size || digest != *staged.head.sha256.as_bytes() {
            return Ok(Outcome::WrongContent);
        }
        staged.file.as_file().sync_all()?;
        match staged.file.persist_noclobber(self.name(path)) {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Outcome::Exists);
            }
            Err(refused) => return Err(refused.error),
        }
        File::open(&self.directory)?.sync_all()?;
        Ok(Outcome::Stored)
    }

    pub(super) fn stat(&self, path: &str) -> io::Result<Option<StoredObject>> {
        Ok(self.find(path)?.map(|(head, _)| StoredObject {
            size_bytes: head.size,
            sha256: Some(head.sha256),
            composite: None,
            etag: head.etag(),
            version_id: None,
            content_type: head.content_type,
            user_metadata: head.metadata,
            foreign_headers: Vec::new(),
        }))
    }

    pub(super) fn hash(&self, path: &str, pinned: &PinnedObject) -> io::Result<HashOutcome> {
        let Some((head, mut content)) = self.find(path)? else {
            return Ok(HashOutcome::Gone);
        };
        if pinned.version_id.is_some() {
            return Ok(HashOutcome::Gone);
        }
        if head.etag() != pinned.etag || head.size != pinned.size_bytes.get() {
            return Ok(HashOutcome::Replaced);
        }
        let (mut digest, mut length) = (Sha256::new(), 0);
        let mut piece = vec![0; 64 * 1024];
        loop {
            match content.read(&mut piece)? {
                0 => break,
                read => {
                    digest.update(&piece[..read]);
                    length += read as u64;
                }
            }
        }
        if length != head.size {
            return Err(io::Error::other(
                "an object has another length than its head says",
            ));
        }
        let digest: [u8; 32] = digest.finalize().into();
        Ok(HashOutcome::Hashed(Sha256Digest::from_bytes(digest)))
    }

    /// The whole content of an object.
    pub(super) fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some((_, mut file)) = self.find(path)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(Some(content))
    }

    fn find(&self, path: &str) -> io::Result<Option<(Head, impl Read + use<>)>> {
        let mut file = match File::open(self.name(path)) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut line = Vec::new();
        file.read_until(b'\n', &mut line)?;
        Ok(Some((serde_json::from_slice(&line)?, file)))
    }

    /// A path is no name of a file: it is too long, and who uploads has a say in it.
    fn name(&self, path: &str) -> PathBuf {
        self.directory.join(hex::encode(Sha256::digest(path)))
    }
}

impl Staged {
    /// Takes one piece of the content; never more than was promised.
    pub(super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.length += piece.len() as u64;
        if self.length <= self.head.size {
            self.digest.update(piece);
            self.file.write_all(piece)?;
        }
        Ok(())
    }
}
