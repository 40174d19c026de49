use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::layer::Layer;
use crate::faults::Faults;
use crate::key::Key;

/// A secret that a source gives as the path of a file.
pub(super) struct SecretPath {
    pub(super) secret: &'static Key,
    pub(super) path: PathBuf,
}

/// Reads the files and inserts their contents as the values of their secrets.
///
/// No fault shows the path, since a user who mistakes `…_FILE` for the secret has put the secret
/// there.
pub(super) fn read_into(layer: &mut Layer, given: Vec<SecretPath>, faults: &mut Faults) {
    for SecretPath { secret, path } in given {
        let name = format!("{}_file", secret.name);
        let origin = Some(layer.origin.of(&name));
        if layer.values.contains_key(secret.name) {
            let beside = secret.name;
            let reason = format!("must not be set together with {beside}");
            faults.add(&name, reason, origin);
            continue;
        }
        match read(&path) {
            Ok(content) => {
                layer.by_file.insert(secret.name);
                layer.put(secret, content.into());
            }
            Err(reason) => faults.add(&name, reason, origin),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    const MAX_BYTES: u64 = 64 * 1024;
    let cannot = |error: std::io::Error| format!("names a file that cannot be read: {error}");
    // a pipe could block the start for ever
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("names a path that is not a regular file".to_owned());
    }
    let mut content = Vec::new();
    File::open(path)
        .map_err(cannot)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(cannot)?;
    if content.len() as u64 > MAX_BYTES {
        return Err("names a file of more than 64 KiB".to_owned());
    }
    let mut text =
        String::from_utf8(content).map_err(|_| "names a file that is not UTF-8".to_owned())?;
    // the line end that editors and `echo` add
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err("names an empty file".to_owned());
    }
    match stray(&text) {
        Some(what) => Err(format!(
            "names a file that {what}, which is not part of a secret"
        )),
        None => Ok(text),
    }
}

/// Describes invisible characters at an end of the text, which would be part of the secret.
fn stray(text: &str) -> Option<&'static str> {
    if text.starts_with('\u{feff}') {
        Some("begins with a byte order mark")
    } else if text.ends_with(['\n', '\r']) {
        Some("ends with more than one line end")
    } else if text.ends_with(char::is_whitespace) {
        Some("ends with white space")
    } else {
        None
    }
}
