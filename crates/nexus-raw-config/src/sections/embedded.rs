use std::{net::SocketAddr, path::PathBuf};

use crate::embedded::EmbeddedMode;
use crate::faults::Faults;
use crate::form::text;
use crate::section::section;

section! {
    struct Embedded of "embedded" {
        /// Where the S3 server of embedded mode listens. Only there.
        s3_bind: SocketAddr = text("a loopback IP address and a port", |text| text.parse().ok())
            .example("127.0.0.1:9100");
    }
}

/// Embedded mode: the S3 server in the process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmbeddedSettings {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the S3 server listens: a loopback address. `storage.endpoint` names the same; with
    /// port 0 the application puts the port it got into both.
    pub s3_bind: SocketAddr,
}

impl EmbeddedSettings {
    pub(crate) fn of(keys: &Embedded, mode: &EmbeddedMode, faults: &mut Faults) -> Option<Self> {
        Some(Self {
            data_dir: mode.data_dir().to_owned(),
            s3_bind: faults.need("embedded.s3_bind", keys.s3_bind)?,
        })
    }
}
