use std::{
    fs,
    path::{Path, PathBuf},
};

use nexus_raw_testkit::Canaries;
use url::Url;

use super::http::Answer;

/// What came out of the program, and the secrets that must not be in it. Some secrets are made on
/// the way, so all of it is searched at the end.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) canaries: Canaries,
    pieces: Vec<(String, Vec<u8>)>,
}

impl Evidence {
    pub(crate) fn take(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.pieces.push((place.into(), text.into()));
    }

    /// Takes an answer, head and body.
    pub(crate) fn take_answer(&mut self, place: impl Into<String>, answer: &Answer) {
        let mut text = format!("{} {:?}\n", answer.status, answer.headers).into_bytes();
        text.extend(&answer.body);
        self.take(place, text);
    }

    /// Takes each file in a directory, and below, but for those of these names.
    pub(crate) fn take_files(&mut self, directory: &Path, except: &[&str]) {
        let files = files(directory);
        assert!(!files.is_empty(), "nothing in {}", directory.display());
        for file in files {
            if !except.iter().any(|name| file.ends_with(name)) {
                // what SQLite removes meanwhile holds nothing
                let bytes = fs::read(&file).unwrap_or_default();
                self.take(file.display().to_string(), bytes);
            }
        }
    }

    /// Makes known what is secret in a signed URL.
    pub(crate) fn know_signed_url(&mut self, url: &str) {
        let url = Url::parse(url).unwrap();
        let mut signed = false;
        for (name, value) in url.query_pairs() {
            if [
                "X-Amz-Signature",
                "X-Amz-Credential",
                "X-Amz-Security-Token",
            ]
            .contains(&&*name)
            {
                self.canaries.add(&name, value.as_bytes());
                signed |= name == "X-Amz-Signature";
            }
        }
        assert!(signed, "{url}");
    }

    pub(crate) fn assert_shows_no_secret(&self) {
        for (place, text) in &self.pieces {
            self.canaries.assert_none_in(place, text);
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
