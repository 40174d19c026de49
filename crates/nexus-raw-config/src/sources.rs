use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::embedded::EmbeddedMode;
use crate::key::own_part;

/// The sources of a configuration, each of which overrides those before it: defaults, embedded mode,
/// the file, the environment.
///
/// Debug shows only the number of variables, since their values may be secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// A TOML file, which must exist.
    pub config_file: Option<PathBuf>,
    /// Variables, by name and value. Only `NEXUS_RAW_<SECTION>__<KEY>` are read.
    pub environment: Vec<(OsString, OsString)>,
    /// Embedded mode with its data directory, if enabled.
    pub embedded: Option<EmbeddedMode>,
}

impl Sources {
    /// Returns the environment of this process, with the file and mode of the command line.
    ///
    /// The only place that reads the process's environment.
    #[must_use]
    pub fn from_process(config_file: Option<PathBuf>, embedded: Option<EmbeddedMode>) -> Self {
        Self {
            config_file,
            environment: std::env::vars_os().collect(),
            embedded,
        }
    }

    /// Returns whether nothing is configured: no file, no mode, none of the server's variables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_ours = |name: &OsString| own_part(&name.to_string_lossy()).is_some();
        self.config_file.is_none()
            && self.embedded.is_none()
            && !self.environment.iter().any(|(name, _)| is_ours(name))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sources")
            .field("config_file", &self.config_file)
            .field(
                "environment",
                &format_args!("{} variables", self.environment.len()),
            )
            .field("embedded", &self.embedded)
            .finish()
    }
}
