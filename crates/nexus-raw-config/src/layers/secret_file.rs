use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::layer::Layer;
use crate::faults::Faults;
use crate::key::Key;

/// A secret that a source gives as the path of a file.
pub(super) struct Given {
    pub(super) secret: &'static Key,
    pub(super) path: PathBuf,
}

/// Reads the files and puts their contents in the place of their secrets.
///
/// No fault names the path: someone who mistakes `…_FILE` for the secret itself has put the
/// secret there.
pub(super) fn read_into(layer: &mut Layer, given: Vec<Given>, faults: &mut Faults) {
    for Given { secret, path } in given {
        let name = format!("{}_file", secret.name);
        let origin = Some(layer.origin.of(&name));
        if layer.values.contains_key(secret.name) {
            let beside = secret.name;
            let reason = format!("must not stand beside {beside}: give the secret once");
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
    const LONGEST: u64 = 64 * 1024;
    let cannot = |error: std::io::Error| format!("names a file that cannot be read: {error}");
    // a pipe could hold up the start for ever
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("names something that is not a file".to_owned());
    }
    let mut content = Vec::new();
    File::open(path)
        .map_err(cannot)?
        .take(LONGEST + 1)
        .read_to_end(&mut content)
        .map_err(cannot)?;
    if content.len() as u64 > LONGEST {
        return Err("names a file of more than 64 KiB".to_owned());
    }
    let mut text =
        String::from_utf8(content).map_err(|_| "names a file that is not UTF-8".to_owned())?;
    // the one that editors and `echo` add
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
            "names a file that {what}, which is no part of a secret"
        )),
        None => Ok(text),
    }
}

/// What nobody sees in a file and everybody misses in a comparison.
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
