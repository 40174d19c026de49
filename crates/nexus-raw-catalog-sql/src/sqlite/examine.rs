//! Examines the files of a catalogue.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use nexus_raw::checkup::Examined;

use crate::examine::CHECK;

/// Examines the files of a catalogue that can be read.
pub(crate) fn examine(path: &Path) -> Vec<Examined> {
    const FILES: &str = "catalog.files";
    let mut all = vec![Examined::sound(
        CHECK,
        "SQLite, with the schema of this version",
    )];
    let mut open_to_others = Vec::new();
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        // those beside the first come and go
        if let Ok(meta) = fs::metadata(&file)
            && meta.permissions().mode() & 0o077 != 0
        {
            open_to_others.push(file.display().to_string());
        }
    }
    all.push(if open_to_others.is_empty() {
        Examined::sound(FILES, "only the service's user may read them")
    } else {
        let files = open_to_others.join(" ");
        Examined::fault(
            FILES,
            format!("other users of this machine may read or write {files}"),
            format!("`chmod 600 {files}`"),
        )
    });
    all
}
