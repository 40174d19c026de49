//! A directory with files to put, beside the real server.

use std::{fs, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    run::{Ran, run},
    server::Server,
};

/// A directory with files, and the names of their paths.
pub(crate) struct Footage {
    pub(crate) directory: TempDir,
    pub(crate) server: Server,
}

impl Footage {
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        Self::before(Server::start(), files)
    }

    pub(crate) fn before(server: Server, files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let footage = Self { directory, server };
        for (path, content) in files {
            footage.write(path, content);
        }
        footage
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join("footage").join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Runs `put footage` in its directory.
    pub(crate) fn put(&self, args: &[&str]) -> Ran {
        self.run(&[&["put", "footage"], args].concat())
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.server.command();
        command
            .current_dir(self.directory.path())
            .env("XDG_STATE_HOME", self.directory.path().join("state"));
        run(&mut command, args)
    }

    /// Returns the assets, each as its file name, path label and size, in order.
    pub(crate) fn assets(&self) -> Vec<(String, Value, u64)> {
        let listed = self.run(&["ls", "--json"]);
        let row = |line: &str| {
            let asset: Value = serde_json::from_str(line).unwrap();
            (
                asset["filename"].as_str().unwrap().to_owned(),
                asset["labels"]["path"].clone(),
                asset["size_bytes"].as_u64().unwrap(),
            )
        };
        let mut assets: Vec<_> = listed.out.lines().map(row).collect();
        assets.sort_by_key(|(name, path, _)| (path.to_string(), name.clone()));
        assets
    }

    /// The content of the object of a record.
    pub(crate) fn object(&self, line: &str) -> Vec<u8> {
        let asset: Value = serde_json::from_str(line).unwrap();
        let mut object = fs::read(self.server.object(asset["uri"].as_str().unwrap())).unwrap();
        let size = asset["size_bytes"].as_u64().unwrap();
        object.truncate(size.try_into().unwrap());
        object
    }
}

pub(crate) fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// The lines without what differs in each run.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    if let Some(summary) = lines.last_mut()
        && let Some((counts, _)) = summary.rsplit_once(", in ")
    {
        *summary = counts.to_owned();
    }
    lines
}
