//! Embedded mode: a data directory of one machine, with secrets generated at the first start.

mod error;
mod secret_files;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

pub use error::EmbeddedError;
use secret_files::{SecretFile, random_text};

/// The issuer of embedded mode's tokens, unless configured.
pub const EMBEDDED_ISSUER: &str = "nexus-raw-embedded";
/// The audience of embedded mode's tokens, unless configured.
pub const EMBEDDED_AUDIENCE: &str = "nexus-raw";
/// The bucket of embedded mode, unless configured.
pub const EMBEDDED_BUCKET: &str = "nexus-raw";
/// The region of embedded mode, unless configured.
pub const EMBEDDED_REGION: &str = "us-east-1";
/// The address of the embedded S3 server, unless configured.
pub const EMBEDDED_S3_BIND: &str = "127.0.0.1:9000";

const HS256_SECRET: SecretFile = SecretFile {
    name: "hs256-secret",
    bytes: 48,
};
const S3_ACCESS_KEY_ID: SecretFile = SecretFile {
    name: "s3-access-key-id",
    bytes: 10,
};
const S3_SECRET_ACCESS_KEY: SecretFile = SecretFile {
    name: "s3-secret-access-key",
    bytes: 32,
};

/// A data directory and its secrets.
///
/// Debug shows no secret.
#[derive(Debug, Clone)]
pub struct EmbeddedMode {
    data_dir: PathBuf,
    secrets: EmbeddedSecrets,
}

/// The secrets that embedded mode generates at its first start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmbeddedSecrets {
    /// Signs and verifies tokens: 96 hex digits.
    pub hs256_secret: SecretString,
    /// The key id of the embedded S3 server: 20 hex digits.
    pub s3_access_key_id: SecretString,
    /// The secret key of the embedded S3 server: 64 hex digits.
    pub s3_secret_access_key: SecretString,
}

impl EmbeddedMode {
    /// Creates the directory (mode 0700) and its secrets (mode 0600) if they are missing, and reads
    /// them. For a server before it serves; two at once end up with the same secrets.
    ///
    /// # Errors
    /// When the directory cannot be created or anyone may write to it, when a secret cannot be
    /// written, or when an existing one is unreadable, damaged or readable by others.
    pub fn prepare(data_dir: &Path) -> Result<Self, EmbeddedError> {
        check_name(data_dir)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .map_err(|source| EmbeddedError::io("make", data_dir, source))?;
        check_dir(data_dir)?;
        Self::with(data_dir, |file| file.read_or_create(data_dir))
    }

    /// Reads what a server has prepared, and changes nothing. For the command that creates tokens.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare); and [`EmbeddedError::NotPrepared`] when no server has
    /// started there yet.
    pub fn open_existing(data_dir: &Path) -> Result<Self, EmbeddedError> {
        check_name(data_dir)?;
        Self::with(data_dir, |file| {
            file.read(data_dir)?
                .ok_or_else(|| EmbeddedError::NotPrepared {
                    data_dir: data_dir.to_owned(),
                })
        })
    }

    /// Reads as [`prepare`](Self::prepare) does, but changes nothing: a missing secret is generated
    /// and not stored. For printing a configuration.
    ///
    /// # Errors
    /// When an existing secret is unreadable, damaged or readable by others.
    pub fn dry_run(data_dir: &Path) -> Result<Self, EmbeddedError> {
        check_name(data_dir)?;
        Self::with(data_dir, |file| match file.read(data_dir)? {
            Some(secret) => Ok(secret),
            None => random_text(file.bytes),
        })
    }

    /// Returns the data directory, as configured.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns its secrets.
    #[must_use]
    pub fn secrets(&self) -> &EmbeddedSecrets {
        &self.secrets
    }

    fn with(
        data_dir: &Path,
        get: impl Fn(&SecretFile) -> Result<SecretString, EmbeddedError>,
    ) -> Result<Self, EmbeddedError> {
        let secrets = EmbeddedSecrets {
            hs256_secret: get(&HS256_SECRET)?,
            s3_access_key_id: get(&S3_ACCESS_KEY_ID)?,
            s3_secret_access_key: get(&S3_SECRET_ACCESS_KEY)?,
        };
        Ok(Self {
            data_dir: data_dir.to_owned(),
            secrets,
        })
    }
}

/// The path becomes part of `catalog.url`, which is text.
fn check_name(data_dir: &Path) -> Result<(), EmbeddedError> {
    let fits = data_dir.to_str().is_some_and(|path| {
        !path.is_empty()
            && !path
                .chars()
                .any(|character| character == '?' || character.is_control())
    });
    if fits {
        Ok(())
    } else {
        Err(EmbeddedError::Name {
            data_dir: data_dir.to_owned(),
        })
    }
}

fn check_dir(data_dir: &Path) -> Result<(), EmbeddedError> {
    const OTHERS_WRITE: u32 = 0o002;
    let metadata =
        fs::metadata(data_dir).map_err(|source| EmbeddedError::io("open", data_dir, source))?;
    if metadata.permissions().mode() & OTHERS_WRITE == 0 {
        Ok(())
    } else {
        Err(EmbeddedError::Open {
            path: data_dir.to_owned(),
        })
    }
}
