use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::error::EmbeddedError;

/// A file with a secret of `bytes` random bytes, as hex digits and a line end.
pub(super) struct SecretFile {
    pub(super) name: &'static str,
    pub(super) bytes: usize,
}

impl SecretFile {
    /// Returns the secret, or `None` if the file does not exist.
    pub(super) fn read(&self, data_dir: &Path) -> Result<Option<SecretString>, EmbeddedError> {
        const OTHERS: u32 = 0o077;
        let path = data_dir.join(self.name);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EmbeddedError::io("read", &path, source)),
        };
        if !metadata.is_file() {
            return Err(EmbeddedError::Damaged { path });
        }
        if metadata.permissions().mode() & OTHERS != 0 {
            return Err(EmbeddedError::Open { path });
        }
        let mut content = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(4096).read_to_end(&mut content))
            .map_err(|source| EmbeddedError::io("read", &path, source))?;
        let is_ours = |text: &&str| {
            text.len() == 2 * self.bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let text = std::str::from_utf8(&content)
            .ok()
            .and_then(|text| text.strip_suffix('\n'))
            .filter(is_ours);
        match text {
            Some(text) => Ok(Some(text.into())),
            None => Err(EmbeddedError::Damaged { path }),
        }
    }

    /// Returns the secret, generated and durable if there was none.
    ///
    /// It is written to a temporary file and linked to its name, which fails if another process
    /// was faster: no reader sees a part of it, and two concurrent starts agree.
    pub(super) fn read_or_create(&self, data_dir: &Path) -> Result<SecretString, EmbeddedError> {
        if let Some(secret) = self.read(data_dir)? {
            return Ok(secret);
        }
        let path = data_dir.join(self.name);
        let draft = TempSecret::write(data_dir, self.name, &random_text(self.bytes)?)?;
        match fs::hard_link(&draft.0, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(EmbeddedError::io("write", &path, source)),
        }
        drop(draft);
        // otherwise a power cut could lose the name, and make all tokens invalid
        File::open(data_dir)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| EmbeddedError::io("sync", data_dir, source))?;
        self.read(data_dir)?.ok_or(EmbeddedError::Damaged { path })
    }
}

/// A temporary file, removed on drop.
struct TempSecret(PathBuf);

impl TempSecret {
    fn write(data_dir: &Path, name: &str, secret: &SecretString) -> Result<Self, EmbeddedError> {
        let suffix = random_text(8)?;
        let draft = Self(data_dir.join(format!(".{name}.{}", suffix.expose_secret())));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft.0)
            .and_then(|mut file| {
                file.write_all(format!("{}\n", secret.expose_secret()).as_bytes())?;
                file.sync_all()
            })
            .map_err(|source| EmbeddedError::io("write", &draft.0, source))?;
        Ok(draft)
    }
}

impl Drop for TempSecret {
    fn drop(&mut self) {
        // a leftover temporary file is harmless: it is private and never read
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns random bytes as hex digits.
pub(super) fn random_text(bytes: usize) -> Result<SecretString, EmbeddedError> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| EmbeddedError::Random(error.to_string()))?;
    Ok(hex::encode(random).into())
}
