use std::{net::SocketAddr, path::PathBuf};

use crate::embedded::EmbeddedMode;
use crate::faults::Faults;
use crate::form::text;
use crate::section::section;

section! {
    struct Embedded of "embedded" {
        /// Address of the S3 server of embedded mode. Allowed only in embedded mode.
        s3_bind: SocketAddr = text("a loopback IP address and a port", |text| text.parse().ok())
            .example("127.0.0.1:9100");
    }
}

/// Settings of embedded mode: the S3 server in the process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmbeddedSettings {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The loopback address of the S3 server. `storage.endpoint` has the same; with port 0 the
    /// application sets the assigned port in both.
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
