//! A server on a directory of its own, and requests to it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use tempfile::TempDir;

pub(crate) use nexus_raw_testkit::s3::{Answer, Signer};
use nexus_raw_testkit::s3::{Endpoint, base64_sha256};

pub(crate) const BUCKET: &str = "raw";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub(crate) fn credentials() -> Credentials {
    Credentials {
        access_key_id: KEY_ID.to_owned(),
        secret_access_key: SECRET.into(),
    }
}

pub(crate) fn settings(directory: &std::path::Path) -> Settings {
    Settings::new(directory, credentials())
        .with_region(REGION)
        .with_bucket(BUCKET)
}

/// The server that listens at an address, with its key pair.
pub(crate) fn endpoint(addr: SocketAddr) -> Endpoint {
    Endpoint::at(&format!("http://{addr}"), REGION, KEY_ID, SECRET)
}

/// A running server with one empty bucket.
pub(crate) struct Server {
    pub(crate) directory: TempDir,
    pub(crate) handle: EmbeddedS3Handle,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(|settings| settings)
    }

    pub(crate) fn start_with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let handle = EmbeddedS3::start(&change(settings(directory.path()))).unwrap();
        Self { directory, handle }
    }

    /// The same data, another server.
    pub(crate) fn restart(self) -> Self {
        self.restart_with(|settings| settings)
    }

    pub(crate) fn restart_with(self, change: impl FnOnce(Settings) -> Settings) -> Self {
        let Self { directory, handle } = self;
        handle.shutdown().unwrap();
        let handle = EmbeddedS3::start(&change(settings(directory.path()))).unwrap();
        Self { directory, handle }
    }

    pub(crate) fn signer(&self) -> Signer {
        endpoint(self.handle.addr()).signer()
    }

    /// Sends a request signed in its header, with the payload's digest.
    pub(crate) fn signed(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let headers = self.signer().sign_header(method, target, headers, body);
        self.send(method, target, &headers, body)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Answer {
        endpoint(self.handle.addr()).send(method, target, headers, body)
    }

    /// How many files the server keeps for uploads under way.
    pub(crate) fn staged_files(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("staging"))
            .unwrap()
            .count()
    }

    /// How many objects there are in the bucket.
    pub(crate) fn object_files(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("buckets").join(BUCKET))
            .unwrap()
            .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
            .sum()
    }
}

/// The headers of an upload as the service presigns it.
pub(crate) fn upload_headers(content: &[u8]) -> Vec<(String, String)> {
    [
        ("content-length", content.len().to_string()),
        ("content-type", "image/jpeg".to_owned()),
        ("if-none-match", "*".to_owned()),
        ("x-amz-checksum-sha256", base64_sha256(content)),
        ("x-amz-meta-tenant-id", "t_demo".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

pub(crate) fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Returns once `is_so`, which another thread brings about.
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::yield_now();
    }
}
