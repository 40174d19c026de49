//! `exiftool`, which reads metadata of images as most programs do.

use std::{path::Path, process::Command};

use serde_json::{Map, Value};

use super::supervised::program;

/// The `exiftool` program.
#[derive(Debug, Clone, Copy)]
pub struct ExifTool;

impl ExifTool {
    /// Returns these tags of a file, those that it has. Numbers are not formatted.
    ///
    /// # Panics
    /// When `exiftool` is missing, with how to install it, or fails.
    #[must_use]
    pub fn read(file: &Path, tags: &[&str]) -> Map<String, Value> {
        let tags = tags.iter().map(|tag| format!("-{tag}"));
        let output = Command::new(program("exiftool"))
            .args(["-config", "", "-json", "-n"])
            .args(tags)
            .arg("--")
            .arg(file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let [mut found]: [Map<String, Value>; 1] = serde_json::from_slice(&output.stdout).unwrap();
        found.remove("SourceFile");
        found
    }

    /// Writes tags into a file, each as `Name=value`. Minor faults of the file are ignored.
    ///
    /// # Panics
    /// When `exiftool` is missing, with how to install it, or fails.
    pub fn write(file: &Path, tags: &[&str]) {
        let tags = tags.iter().map(|tag| format!("-{tag}"));
        let output = Command::new(program("exiftool"))
            .args(["-config", "", "-n", "-m", "-overwrite_original"])
            .args(tags)
            .arg("--")
            .arg(file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}
